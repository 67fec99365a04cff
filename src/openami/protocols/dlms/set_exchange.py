"""The client's side of SET: one attribute or several; what does not fit into one APDU leaves in blocks."""

from __future__ import annotations

from typing import Any, Final

from openami.model.errors import RemoteProtocolError
from openami.protocols.dlms.apdu import Apdu, encode_apdu
from openami.protocols.dlms.axdr import sequence_of
from openami.protocols.dlms.exchange import BlockSender, empty_block, unexpected
from openami.protocols.dlms.get_exchange import with_selection
from openami.protocols.dlms.raw_data import RAW_DATA
from openami.protocols.dlms.request import Set, SetList
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
from openami.protocols.wire.declared import encode_all

_VALUES: Final = sequence_of(RAW_DATA)


class SetExchange:
    """SET of one attribute; a request that does not fit into `room` octets of APDU leaves in blocks."""

    __slots__ = ("_blocks", "_id", "_whole", "answer")

    def __init__(self, request: Set | SetList, invoke_id_and_priority: int, room: int) -> None:
        self.answer: Any = None
        self._id = invoke_id_and_priority
        self._whole = self._in_one(request)
        self._blocks: BlockSender | None = None
        if len(encode_apdu(self._whole)) > room:
            self._blocks = BlockSender(self._octets(request), self._in_blocks(request, empty_block()), room)
            self._whole = self._in_blocks(request, self._blocks.block())

    @property
    def in_blocks(self) -> bool:
        """Whether the request leaves in blocks."""
        return self._blocks is not None

    def first(self) -> Apdu:
        return self._whole

    def take(self, apdu: Apdu) -> Apdu | None:
        if self._final(apdu):
            return None
        blocks = self._blocks
        if blocks is None or not isinstance(apdu, SetResponseDatablock):
            raise unexpected(apdu, "SET")
        blocks.confirmed(apdu.block_number)
        return SetRequestWithDatablock(self._id, blocks.block())

    def _final(self, apdu: Apdu) -> bool:
        if isinstance(apdu, SetResponseNormal) or (self.in_blocks and isinstance(apdu, SetResponseLastDatablock)):
            self.answer = apdu.result
            return True
        return False

    def _in_one(self, request: Any) -> Apdu:
        return SetRequestNormal(self._id, request.descriptor, request.selection, request.value)

    def _in_blocks(self, request: Any, block: DataBlockSA) -> Apdu:
        return SetRequestWithFirstDatablock(self._id, request.descriptor, request.selection, block)

    def _octets(self, request: Any) -> bytes:
        octets: bytes = request.value
        return octets


class SetListExchange(SetExchange):
    """SET of several attributes; the blocks together are the list of values."""

    __slots__ = ("_count", "_list")

    def __init__(self, request: SetList, invoke_id_and_priority: int, room: int) -> None:
        self._list = tuple(map(with_selection, request.descriptors))
        self._count = len(self._list)
        super().__init__(request, invoke_id_and_priority, room)

    def _final(self, apdu: Apdu) -> bool:
        if isinstance(apdu, SetResponseWithList) or (
            self.in_blocks and isinstance(apdu, SetResponseLastDatablockWithList)
        ):
            if len(apdu.result) != self._count:
                raise RemoteProtocolError(f"SET with list of {self._count} attributes got {len(apdu.result)} results")
            self.answer = apdu.result
            return True
        if self.in_blocks and isinstance(apdu, SetResponseLastDatablock):
            self.answer = (apdu.result,) * self._count
            return True
        return False

    def _in_one(self, request: Any) -> Apdu:
        return SetRequestWithList(self._id, self._list, request.values)

    def _in_blocks(self, _request: Any, block: DataBlockSA) -> Apdu:
        return SetRequestWithListAndFirstDatablock(self._id, self._list, block)

    def _octets(self, request: Any) -> bytes:
        return encode_all(_VALUES, request.values)
