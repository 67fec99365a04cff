"""The server's side of SET: attributes, lists of them, long values in blocks."""

from __future__ import annotations

from typing import Final, TypeAlias

from openami.model.errors import DecodeError, RemoteProtocolError
from openami.protocols.dlms.access_result import DataAccessResult
from openami.protocols.dlms.apdu import Apdu
from openami.protocols.dlms.axdr import sequence_of
from openami.protocols.dlms.blocks import Collector
from openami.protocols.dlms.descriptor import (
    CosemAttributeDescriptor,
    CosemAttributeDescriptorWithSelection,
    SelectiveAccess,
)
from openami.protocols.dlms.raw_data import RAW_DATA
from openami.protocols.dlms.service_context import NotServed, ServiceContext
from openami.protocols.dlms.set import (
    DataBlockSA,
    SetRequestNormal,
    SetRequestWithDatablock,
    SetRequestWithFirstDatablock,
    SetRequestWithList,
    SetRequestWithListAndFirstDatablock,
    SetResponseDatablock,
    SetResponseLastDatablock,
    SetResponseLastDatablockWithList,
    SetResponseNormal,
    SetResponseWithList,
)
from openami.protocols.wire.declared import decode_all

SetRequest: TypeAlias = (
    SetRequestNormal
    | SetRequestWithList
    | SetRequestWithFirstDatablock
    | SetRequestWithListAndFirstDatablock
    | SetRequestWithDatablock
)
_Items = tuple[CosemAttributeDescriptorWithSelection, ...]
_VALUES: Final = sequence_of(RAW_DATA)


class SetService:
    """One association's SETs; one long value, or one long list of values, at a time."""

    __slots__ = ("_blocks", "_context", "_items", "_listed")

    def __init__(self, context: ServiceContext) -> None:
        self._context = context
        self._items: _Items = ()
        self._listed = False
        self._blocks: Collector | None = None

    def answer(self, request: SetRequest, now: float) -> Apdu:
        """The response to `request`; `now` is UTC."""
        invoke_id = request.invoke_id_and_priority
        match request:
            case SetRequestNormal():
                self._blocks = None
                result = self._set(request.cosem_attribute_descriptor, request.access_selection, request.value, now)
                return SetResponseNormal(invoke_id, result)
            case SetRequestWithList():
                self._blocks = None
                self._context.check_list(len(request.attribute_descriptor_list), len(request.value_list))
                results = self._set_list(request.attribute_descriptor_list, request.value_list, now)
                return SetResponseWithList(invoke_id, results)
            case SetRequestWithFirstDatablock():
                item = CosemAttributeDescriptorWithSelection(
                    request.cosem_attribute_descriptor, request.access_selection
                )
                self._begin((item,), listed=False)
            case SetRequestWithListAndFirstDatablock():
                self._context.check_list(len(request.attribute_descriptor_list))
                self._begin(request.attribute_descriptor_list, listed=True)
        return self._take_block(invoke_id, request.datablock, now)

    def _set(
        self, descriptor: CosemAttributeDescriptor, selection: SelectiveAccess | None, value: bytes, now: float
    ) -> DataAccessResult:
        return self._context.device.set(self._context.association, descriptor, selection, value, now)

    def _set_list(self, items: _Items, values: tuple[bytes, ...], now: float) -> tuple[DataAccessResult, ...]:
        return tuple(
            self._set(item.cosem_attribute_descriptor, item.access_selection, value, now)
            for item, value in zip(items, values, strict=True)
        )

    def _begin(self, items: _Items, *, listed: bool) -> None:
        self._items, self._listed = items, listed
        self._blocks = Collector(self._context.settings.value_bytes_max)

    def _take_block(self, invoke_id: int, block: DataBlockSA, now: float) -> Apdu:
        blocks = self._blocks
        if blocks is None:
            refusal = DataAccessResult.NO_LONG_SET_IN_PROGRESS
            return SetResponseLastDatablock(invoke_id, refusal, block.block_number)
        try:
            blocks.add(block.block_number, block.raw_data)
        except RemoteProtocolError:
            self._blocks = None
            return SetResponseLastDatablock(invoke_id, DataAccessResult.LONG_SET_ABORTED, block.block_number)
        if not block.last_block:
            return SetResponseDatablock(invoke_id, block.block_number)
        self._blocks = None
        if self._listed:
            results = self._set_list(self._items, self._values(blocks.join()), now)
            return SetResponseLastDatablockWithList(invoke_id, results, block.block_number)
        item = self._items[0]
        result = self._set(item.cosem_attribute_descriptor, item.access_selection, blocks.join(), now)
        return SetResponseLastDatablock(invoke_id, result, block.block_number)

    def _values(self, octets: bytes) -> tuple[bytes, ...]:
        """The values that the blocks hold together, one for each attribute."""
        try:
            values = decode_all(_VALUES, octets)
        except DecodeError as error:
            raise NotServed(f"the blocks of a SET with list hold no list of values: {error}") from error
        self._context.check_list(len(self._items), len(values))
        return values
