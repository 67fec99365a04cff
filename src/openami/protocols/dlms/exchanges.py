"""From a request to its exchange: which services it takes, and whether the server has agreed to them."""

from __future__ import annotations

from typing import Final

from openami.model.errors import LocalProtocolError
from openami.protocols.dlms.access_exchange import AccessExchange
from openami.protocols.dlms.action_exchange import ActionExchange, ActionListExchange
from openami.protocols.dlms.conformance import Conformance
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor
from openami.protocols.dlms.errors import ServiceNotNegotiated
from openami.protocols.dlms.exchange import Exchange
from openami.protocols.dlms.get_exchange import GetExchange, GetListExchange
from openami.protocols.dlms.request import Access, Action, ActionList, Get, GetList, Read, Request, Set, SetList, Write
from openami.protocols.dlms.set_exchange import SetExchange, SetListExchange
from openami.protocols.dlms.short_name import ParameterizedAccess
from openami.protocols.dlms.short_name_exchange import ReadExchange, WriteExchange

_SERVICES: Final[dict[type, Conformance]] = {
    Get: Conformance.GET,
    GetList: Conformance.GET | Conformance.MULTIPLE_REFERENCES,
    Set: Conformance.SET,
    SetList: Conformance.SET | Conformance.MULTIPLE_REFERENCES,
    Action: Conformance.ACTION,
    ActionList: Conformance.ACTION | Conformance.MULTIPLE_REFERENCES,
    Access: Conformance.ACCESS,
    Read: Conformance.READ,
}


def exchange_of(request: Request, invoke_id_and_priority: int, *, room: int, limit: int) -> Exchange:
    """The exchange for `request`; `room` octets fit into one APDU of ours, `limit` octets into an answer."""
    _check_list(request)
    match request:
        case Get():
            exchange: Exchange = GetExchange(request, invoke_id_and_priority, limit)
        case GetList():
            exchange = GetListExchange(request, invoke_id_and_priority, limit)
        case Set():
            exchange = SetExchange(request, invoke_id_and_priority, room)
        case SetList():
            exchange = SetListExchange(request, invoke_id_and_priority, room)
        case Action():
            exchange = ActionExchange(request, invoke_id_and_priority, room, limit)
        case ActionList():
            exchange = ActionListExchange(request, invoke_id_and_priority, room, limit)
        case Read():
            exchange = ReadExchange(request, room, limit)
        case Write():
            exchange = WriteExchange(request, room)
        case Access():
            exchange = AccessExchange(request, invoke_id_and_priority)
        case _:
            raise LocalProtocolError(f"{type(request).__name__} is no service of an association")
    return exchange


def check_negotiated(request: Request, exchange: Exchange, agreed: Conformance) -> None:
    """Raise `ServiceNotNegotiated` if `request` takes a service that is not among the agreed ones."""
    needed = _SERVICES.get(type(request), Conformance(0))
    if _selects(request):
        needed |= Conformance.SELECTIVE_ACCESS
    if isinstance(request, Write):
        needed |= Conformance.WRITE if request.confirmed else Conformance.UNCONFIRMED_WRITE
    if isinstance(request, Read | Write):
        needed |= Conformance.MULTIPLE_REFERENCES if len(request.variables) > 1 else needed
        if any(isinstance(each, ParameterizedAccess) for each in request.variables):
            needed |= Conformance.PARAMETERIZED_ACCESS
    if isinstance(exchange, ReadExchange) and exchange.in_blocks:
        needed |= Conformance.BLOCK_TRANSFER_WITH_GET_OR_READ
    if isinstance(exchange, SetExchange | WriteExchange) and exchange.in_blocks:
        needed |= Conformance.BLOCK_TRANSFER_WITH_SET_OR_WRITE
    if isinstance(exchange, ActionExchange) and exchange.in_blocks:
        needed |= Conformance.BLOCK_TRANSFER_WITH_ACTION
    if missing := needed & ~agreed:
        raise ServiceNotNegotiated(missing, agreed)


def _selects(request: Request) -> bool:
    if isinstance(request, Get | Set):
        return request.selection is not None
    if isinstance(request, GetList | SetList):
        return any(
            not isinstance(wanted, CosemAttributeDescriptor) and wanted.access_selection is not None
            for wanted in request.descriptors
        )
    return False


def _check_list(request: Request) -> None:
    """Raise `LocalProtocolError` for an empty list, or one that has not a value for each element."""
    wanted = given = 1
    if isinstance(request, Access):
        wanted = given = len(request.items)
    elif isinstance(request, Read | Write):
        wanted = given = len(request.variables)
        if isinstance(request, Write):
            given = len(request.values)
    elif isinstance(request, GetList | SetList | ActionList):
        wanted = given = len(request.descriptors)
        if isinstance(request, SetList | ActionList):
            given = len(request.values if isinstance(request, SetList) else request.arguments)
    if not wanted:
        raise LocalProtocolError("a request with a list needs at least one attribute or method")
    if wanted != given:
        raise LocalProtocolError(f"a list of {wanted} was given {given} values")
