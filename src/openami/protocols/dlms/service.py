"""The server's side of all services: what was negotiated is served, everything else gets an exception.

One association's requests come here decoded and unprotected, and leave as responses for `ServerConnection`.
"""

from __future__ import annotations

from typing import Final

from openami.protocols.dlms.access import AccessRequest, LongInvokeId
from openami.protocols.dlms.access_service import AccessService
from openami.protocols.dlms.action import (
    ActionRequestNextPblock,
    ActionRequestNormal,
    ActionRequestWithFirstPblock,
    ActionRequestWithList,
    ActionRequestWithListAndFirstPblock,
    ActionRequestWithPblock,
)
from openami.protocols.dlms.action_service import ActionRequest, ActionService
from openami.protocols.dlms.apdu import Apdu, apdu_name, encode_apdu
from openami.protocols.dlms.association import Association
from openami.protocols.dlms.conformance import Conformance
from openami.protocols.dlms.errors import conformance_text
from openami.protocols.dlms.get import GetRequestNext, GetRequestNormal, GetRequestWithList
from openami.protocols.dlms.get_service import GetService
from openami.protocols.dlms.invoke_id import CONFIRMED
from openami.protocols.dlms.server_settings import LogicalDevice, ServerSettings
from openami.protocols.dlms.service_context import NotServed, ServiceContext
from openami.protocols.dlms.set import (
    SetRequestNormal,
    SetRequestWithDatablock,
    SetRequestWithFirstDatablock,
    SetRequestWithList,
    SetRequestWithListAndFirstDatablock,
)
from openami.protocols.dlms.set_service import SetRequest, SetService

_GET: Final = Conformance.GET
_SET: Final = Conformance.SET
_ACTION: Final = Conformance.ACTION
_LIST: Final = Conformance.MULTIPLE_REFERENCES
_SET_BLOCKS: Final = _SET | Conformance.BLOCK_TRANSFER_WITH_SET_OR_WRITE
_ACTION_BLOCKS: Final = _ACTION | Conformance.BLOCK_TRANSFER_WITH_ACTION
_NEEDED: Final[dict[type, Conformance]] = {
    GetRequestNormal: _GET,
    GetRequestNext: _GET | Conformance.BLOCK_TRANSFER_WITH_GET_OR_READ,
    GetRequestWithList: _GET | _LIST,
    SetRequestNormal: _SET,
    SetRequestWithList: _SET | _LIST,
    SetRequestWithFirstDatablock: _SET_BLOCKS,
    SetRequestWithDatablock: _SET_BLOCKS,
    SetRequestWithListAndFirstDatablock: _SET_BLOCKS | _LIST,
    ActionRequestNormal: _ACTION,
    ActionRequestWithList: _ACTION | _LIST,
    ActionRequestNextPblock: _ACTION_BLOCKS,
    ActionRequestWithFirstPblock: _ACTION_BLOCKS,
    ActionRequestWithPblock: _ACTION_BLOCKS,
    ActionRequestWithListAndFirstPblock: _ACTION_BLOCKS | _LIST,
    AccessRequest: Conformance.ACCESS,
}
"""What must have been negotiated for each request."""


class Services:
    """What one association has under way; `room` octets of plain APDU fit into an answer."""

    __slots__ = ("_access", "_action", "_context", "_get", "_set")

    def __init__(self, association: Association, device: LogicalDevice, settings: ServerSettings, room: int) -> None:
        self._context = ServiceContext(association, device, settings, room)
        self._get = GetService(self._context)
        self._set = SetService(self._context)
        self._action = ActionService(self._context)
        self._access = AccessService(self._context)

    @property
    def room(self) -> int:
        """Octets of plain APDU that fit into an answer."""
        return self._context.room

    @room.setter
    def room(self, size: int) -> None:
        self._context.room = size

    def answer(self, apdu: Apdu, now: float) -> Apdu | None:
        """The response to `apdu`, None if it wants none; raises `NotServed` if it is no request. `now` is UTC."""
        self._check_negotiated(apdu)
        if isinstance(apdu, GetRequestNormal | GetRequestNext | GetRequestWithList):
            return self._get.answer(apdu, now)
        if isinstance(apdu, AccessRequest):
            return self._answer_access(apdu, now)
        if isinstance(apdu, SetRequest):
            response = self._set.answer(apdu, now)
        elif isinstance(apdu, ActionRequest):
            response = self._action.answer(apdu, now)
        else:
            raise NotServed(f"{apdu_name(apdu)} is not served here")
        return response if apdu.invoke_id_and_priority & CONFIRMED else None

    def _answer_access(self, request: AccessRequest, now: float) -> Apdu | None:
        response = self._access.answer(request, now)
        if (size := len(encode_apdu(response))) > self.room:
            raise NotServed(f"the answer to an ACCESS request has {size} bytes, the client takes {self.room}")
        return response if request.long_invoke_id_and_priority & LongInvokeId.CONFIRMED else None

    def _check_negotiated(self, apdu: Apdu) -> None:
        needed = _NEEDED.get(type(apdu), Conformance(0))
        if _selects(apdu):
            needed |= Conformance.SELECTIVE_ACCESS
        if not self._context.agreed(needed):
            missing = conformance_text(needed & ~Conformance(self._context.association.conformance))
            raise NotServed(f"{apdu_name(apdu)}: {missing} was not negotiated in this association")


def _selects(apdu: Apdu) -> bool:
    items = getattr(apdu, "attribute_descriptor_list", None) or (apdu,)
    return any(getattr(item, "access_selection", None) is not None for item in items)
