"""The client's side of ACCESS: one request, one response."""

from __future__ import annotations

from typing import Any

from openami.model.errors import LocalProtocolError, RemoteProtocolError
from openami.protocols.dlms.access import (
    AccessAction,
    AccessGet,
    AccessGetWithSelection,
    AccessRequest,
    AccessResponse,
    AccessSet,
    AccessSetWithSelection,
    AccessSpecification,
    LongInvokeId,
)
from openami.protocols.dlms.access_service import NO_DATA
from openami.protocols.dlms.apdu import Apdu
from openami.protocols.dlms.exchange import unexpected
from openami.protocols.dlms.request import Access, Action, Get, Set


class AccessExchange:
    """ACCESS with a long invoke id of its own."""

    __slots__ = ("_identity", "_request", "answer")

    def __init__(self, request: Access, invoke_id: int) -> None:
        self.answer: Any = None
        self._request = request
        self._identity = invoke_id | LongInvokeId.CONFIRMED | LongInvokeId.HIGH_PRIORITY
        if request.break_on_error:
            self._identity |= LongInvokeId.BREAK_ON_ERROR

    def first(self) -> Apdu:
        items = self._request.items
        return AccessRequest(self._identity, b"", tuple(map(_specification, items)), tuple(map(_data, items)))

    def take(self, apdu: Apdu) -> Apdu | None:
        if not isinstance(apdu, AccessResponse):
            raise unexpected(apdu, "ACCESS")
        if (apdu.long_invoke_id_and_priority ^ self._identity) & 0xFFFFFF:
            raise RemoteProtocolError("access-response answers another request: its long-invoke-id is not ours")
        results, data = apdu.access_response_specification, apdu.access_response_list_of_data
        count = len(self._request.items)
        if len(results) != count or len(data) != count:
            raise RemoteProtocolError(f"ACCESS of {count} elements got {len(results)} results and {len(data)} data")
        self.answer = tuple((each.result, octets) for each, octets in zip(results, data, strict=True))
        return None


def _specification(item: Get | Set | Action) -> AccessSpecification:
    match item:
        case Action():
            return AccessAction(item.descriptor)
        case Get(selection=None):
            return AccessGet(item.descriptor)
        case Set(selection=None):
            return AccessSet(item.descriptor)
        case Get():
            assert item.selection is not None
            return AccessGetWithSelection(item.descriptor, item.selection)
        case Set():
            assert item.selection is not None
            return AccessSetWithSelection(item.descriptor, item.selection)
        case _:
            raise LocalProtocolError(f"{type(item).__name__} cannot stand in an ACCESS request")


def _data(item: Get | Set | Action) -> bytes:
    if isinstance(item, Set):
        return item.value
    return item.argument or NO_DATA if isinstance(item, Action) else NO_DATA
