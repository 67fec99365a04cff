"""The client's side of each service: the APDUs that carry one request and its answer, blocks included."""

from __future__ import annotations

from typing import Any, Final, Protocol

from openami.model.errors import LocalProtocolError, RemoteProtocolError
from openami.protocols.dlms.access_result import DataAccessResult
from openami.protocols.dlms.action import ActionRequestNormal, ActionResponseNormal
from openami.protocols.dlms.axdr import sequence_of
from openami.protocols.dlms.blocks import Collector, Slicer
from openami.protocols.dlms.descriptor import CosemAttributeDescriptorWithSelection
from openami.protocols.dlms.get import (
    GET_DATA_RESULT,
    GetRequestNext,
    GetRequestNormal,
    GetRequestWithList,
    GetResponseNormal,
    GetResponseWithDatablock,
    GetResponseWithList,
)
from openami.protocols.dlms.request import Action, Get, GetList, Request, Set
from openami.protocols.dlms.set import (
    DataBlockSA,
    SetRequestNormal,
    SetRequestWithDatablock,
    SetRequestWithFirstDatablock,
    SetResponseDatablock,
    SetResponseLastDatablock,
    SetResponseNormal,
)
from openami.protocols.wire.declared import decode_all

_LIST: Final = sequence_of(GET_DATA_RESULT)
_SET_OVERHEAD: Final = 64
"""More than a SET request has beside its value: descriptor, invoke id, lengths, block header."""


class Exchange(Protocol):
    """One request under way. `take` gives the next APDU to send, or None when `answer` is complete."""

    answer: Any

    def first(self) -> object: ...

    def take(self, apdu: object) -> object | None: ...


class GetExchange:
    """GET of one attribute."""

    __slots__ = ("_blocks", "_id", "_limit", "_request", "answer")

    def __init__(self, request: Get, invoke_id_and_priority: int, limit: int) -> None:
        self.answer: Any = None
        self._request = request
        self._id = invoke_id_and_priority
        self._limit = limit
        self._blocks: Collector | None = None

    def first(self) -> object:
        return GetRequestNormal(self._id, self._request.descriptor, self._request.selection)

    def take(self, apdu: object) -> object | None:
        if isinstance(apdu, GetResponseWithDatablock):
            return self._take_block(apdu)
        if not isinstance(apdu, GetResponseNormal) or self._blocks is not None:
            raise unexpected(apdu, "GET")
        self.answer = apdu.result
        return None

    def _take_block(self, apdu: GetResponseWithDatablock) -> object | None:
        block = apdu.result
        if isinstance(block.result, DataAccessResult):
            self.answer = self._refused(block.result)
            return None
        if self._blocks is None:
            self._blocks = Collector(self._limit)
        self._blocks.add(block.block_number, block.result)
        if not block.last_block:
            return GetRequestNext(self._id, block.block_number)
        self.answer = self._whole(self._blocks.join())
        return None

    def _whole(self, octets: bytes) -> Any:
        return octets

    def _refused(self, result: DataAccessResult) -> Any:
        return result


class GetListExchange(GetExchange):
    """GET of several attributes; a long answer comes as blocks of the encoded list."""

    __slots__ = ("_list",)

    def __init__(self, request: GetList, invoke_id_and_priority: int, limit: int) -> None:
        super().__init__(Get(request.descriptors[0]), invoke_id_and_priority, limit)
        self._list = request.descriptors

    def first(self) -> object:
        wanted = tuple(CosemAttributeDescriptorWithSelection(descriptor) for descriptor in self._list)
        return GetRequestWithList(self._id, wanted)

    def take(self, apdu: object) -> object | None:
        if isinstance(apdu, GetResponseWithList) and self._blocks is None:
            self.answer = self._checked(apdu.result)
            return None
        if isinstance(apdu, GetResponseNormal) and isinstance(apdu.result, DataAccessResult):
            self.answer = self._refused(apdu.result)
            return None
        if not isinstance(apdu, GetResponseWithDatablock):
            raise unexpected(apdu, "GET with list")
        return self._take_block(apdu)

    def _whole(self, octets: bytes) -> Any:
        return self._checked(decode_all(_LIST, octets))

    def _refused(self, result: DataAccessResult) -> Any:
        return (result,) * len(self._list)

    def _checked(self, results: tuple[bytes | DataAccessResult, ...]) -> Any:
        if len(results) != len(self._list):
            raise RemoteProtocolError(f"GET with list of {len(self._list)} attributes got {len(results)} results")
        return results


class SetExchange:
    """SET of one attribute; a value that does not fit into `room` octets of APDU leaves in blocks."""

    __slots__ = ("_id", "_request", "_slices", "answer")

    def __init__(self, request: Set, invoke_id_and_priority: int, room: int) -> None:
        self.answer: Any = None
        self._request = request
        self._id = invoke_id_and_priority
        selected = 0 if request.selection is None else len(request.selection.access_parameters)
        size = room - _SET_OVERHEAD - selected
        self._slices = Slicer(request.value, size) if len(request.value) > size else None

    def first(self) -> object:
        request, slices = self._request, self._slices
        if slices is None:
            return SetRequestNormal(self._id, request.descriptor, request.selection, request.value)
        return SetRequestWithFirstDatablock(self._id, request.descriptor, request.selection, self._block(slices))

    def take(self, apdu: object) -> object | None:
        slices = self._slices
        if isinstance(apdu, SetResponseNormal):
            self.answer = apdu.result
            return None
        if slices is not None and isinstance(apdu, SetResponseLastDatablock):
            self.answer = apdu.result
            return None
        if slices is None or not isinstance(apdu, SetResponseDatablock) or slices.last:
            raise unexpected(apdu, "SET")
        if apdu.block_number != slices.number:
            raise RemoteProtocolError(f"block {apdu.block_number} was confirmed where block {slices.number} was sent")
        return SetRequestWithDatablock(self._id, self._block(slices))

    @staticmethod
    def _block(slices: Slicer) -> DataBlockSA:
        octets = slices.take()
        return DataBlockSA(slices.last, slices.number, octets)


class ActionExchange:
    """ACTION of one method."""

    __slots__ = ("_id", "_request", "answer")

    def __init__(self, request: Action, invoke_id_and_priority: int) -> None:
        self.answer: Any = None
        self._request = request
        self._id = invoke_id_and_priority

    def first(self) -> object:
        return ActionRequestNormal(self._id, self._request.descriptor, self._request.argument)

    def take(self, apdu: object) -> object | None:
        if not isinstance(apdu, ActionResponseNormal):
            raise unexpected(apdu, "ACTION")
        self.answer = (apdu.result, apdu.return_parameters)
        return None


def exchange_of(request: Request, invoke_id_and_priority: int, *, room: int, limit: int) -> Exchange:
    """The exchange for `request`; `room` octets fit into one APDU of ours, `limit` octets into an answer."""
    match request:
        case Get():
            return GetExchange(request, invoke_id_and_priority, limit)
        case GetList():
            if not request.descriptors:
                raise LocalProtocolError("GET with list needs at least one attribute")
            return GetListExchange(request, invoke_id_and_priority, limit)
        case Set():
            return SetExchange(request, invoke_id_and_priority, room)
        case Action():
            return ActionExchange(request, invoke_id_and_priority)
        case _:
            raise LocalProtocolError(f"{type(request).__name__} is no service of an association")


def unexpected(apdu: object, service: str) -> RemoteProtocolError:
    """The error for an answer of another kind."""
    return RemoteProtocolError(f"{type(apdu).__name__} is no answer to {service}")
