"""The client's side of GET: one attribute or several, long answers in blocks."""

from __future__ import annotations

from typing import Any, Final

from openami.model.errors import RemoteProtocolError
from openami.protocols.dlms.access_result import DataAccessResult
from openami.protocols.dlms.apdu import Apdu
from openami.protocols.dlms.axdr import sequence_of
from openami.protocols.dlms.blocks import Collector
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor, CosemAttributeDescriptorWithSelection
from openami.protocols.dlms.exchange import unexpected
from openami.protocols.dlms.get import (
    GET_DATA_RESULT,
    GetRequestNext,
    GetRequestNormal,
    GetRequestWithList,
    GetResponseNormal,
    GetResponseWithDatablock,
    GetResponseWithList,
)
from openami.protocols.dlms.request import Get, GetList
from openami.protocols.wire.declared import decode_all

_LIST: Final = sequence_of(GET_DATA_RESULT)


class GetExchange:
    """GET of one attribute."""

    __slots__ = ("_blocks", "_id", "_limit", "_request", "answer")

    def __init__(self, request: Get, invoke_id_and_priority: int, limit: int) -> None:
        self.answer: Any = None
        self._request = request
        self._id = invoke_id_and_priority
        self._limit = limit
        self._blocks: Collector | None = None

    def first(self) -> Apdu:
        return GetRequestNormal(self._id, self._request.descriptor, self._request.selection)

    def take(self, apdu: Apdu) -> Apdu | None:
        if isinstance(apdu, GetResponseWithDatablock):
            return self._take_block(apdu)
        if not isinstance(apdu, GetResponseNormal) or self._blocks is not None:
            raise unexpected(apdu, "GET")
        self.answer = apdu.result
        return None

    def _take_block(self, apdu: GetResponseWithDatablock) -> Apdu | None:
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
        self._list = tuple(map(with_selection, request.descriptors))
        super().__init__(Get(self._list[0].cosem_attribute_descriptor), invoke_id_and_priority, limit)

    def first(self) -> Apdu:
        return GetRequestWithList(self._id, self._list)

    def take(self, apdu: Apdu) -> Apdu | None:
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


def with_selection(
    wanted: CosemAttributeDescriptor | CosemAttributeDescriptorWithSelection,
) -> CosemAttributeDescriptorWithSelection:
    """`wanted` as it stands in a list: a descriptor alone selects nothing."""
    if isinstance(wanted, CosemAttributeDescriptor):
        return CosemAttributeDescriptorWithSelection(wanted)
    return wanted
