"""The client's side of the short-name services. Their APDUs have no invoke id: one request at a time."""

from __future__ import annotations

from typing import Any, Final

from openami.model.errors import RemoteProtocolError
from openami.protocols.dlms.access_result import DataAccessResult
from openami.protocols.dlms.apdu import Apdu, encode_apdu
from openami.protocols.dlms.blocks import Collector, Slicer
from openami.protocols.dlms.data import encode_data, octet_string
from openami.protocols.dlms.exchange import BLOCK_HEADER, unexpected
from openami.protocols.dlms.request import Read, Write
from openami.protocols.dlms.short_name import (
    BlockNumberAccess,
    DataBlock,
    ReadRequest,
    ReadResponse,
    UnconfirmedWriteRequest,
    WriteDataBlockAccess,
    WriteRequest,
    WriteResponse,
)
from openami.protocols.wire.declared import codec_of, decode_all

_RESPONSE: Final = codec_of(ReadResponse)


class _Pieces:
    """A request that does not fit into `room` octets leaves in blocks of its octets behind the tag."""

    __slots__ = ("_slices",)

    def __init__(self, request: Apdu, room: int) -> None:
        octets = encode_apdu(request)
        self._slices = Slicer(octets[1:], room - BLOCK_HEADER) if len(octets) > room else None

    @property
    def needed(self) -> bool:
        """Whether the request leaves in blocks."""
        return self._slices is not None

    @property
    def last(self) -> bool:
        """Whether there is nothing more to send."""
        return self._slices is None or self._slices.last

    def take(self) -> DataBlock:
        """The next block."""
        assert self._slices is not None
        octets = self._slices.take()
        return DataBlock(self._slices.last, self._slices.number, octets)

    def confirmed(self, block_number: int) -> None:
        """The server has block `block_number`; raises `RemoteProtocolError` unless that is the one sent last."""
        sent = 0 if self._slices is None else self._slices.number
        if self.last or block_number != sent:
            raise RemoteProtocolError(f"block {block_number} was confirmed where block {sent} was sent")


def _number(results: tuple[Any, ...]) -> int | None:
    """The block number that alone is the result, if one is."""
    return results[0] if len(results) == 1 and type(results[0]) is int else None


class ReadExchange:
    """Read variables; a long answer comes in blocks, and a long request leaves in blocks."""

    __slots__ = ("_blocks", "_limit", "_pieces", "_request", "answer")

    def __init__(self, request: Read, room: int, limit: int) -> None:
        self.answer: Any = None
        self._request = request
        self._limit = limit
        self._pieces = _Pieces(ReadRequest(request.variables), room)
        self._blocks: Collector | None = None

    @property
    def in_blocks(self) -> bool:
        """Whether the request leaves in blocks."""
        return self._pieces.needed

    def first(self) -> Apdu:
        return ReadRequest((self._pieces.take(),) if self.in_blocks else self._request.variables)

    def take(self, apdu: Apdu) -> Apdu | None:
        if not isinstance(apdu, ReadResponse):
            raise unexpected(apdu, "Read")
        if (number := _number(apdu.result)) is not None and self.in_blocks:
            self._pieces.confirmed(number)
            return ReadRequest((self._pieces.take(),))
        if len(apdu.result) == 1 and isinstance(apdu.result[0], DataBlock):
            return self._take_block(apdu.result[0])
        self.answer = self._checked(apdu.result)
        return None

    def _take_block(self, block: DataBlock) -> Apdu | None:
        if self._blocks is None:
            self._blocks = Collector(self._limit)
        self._blocks.add(block.block_number, block.raw_data)
        if not block.last_block:
            return ReadRequest((BlockNumberAccess(block.block_number),))
        self.answer = self._checked(decode_all(_RESPONSE, self._blocks.join()).result)
        return None

    def _checked(self, results: tuple[Any, ...]) -> tuple[bytes | DataAccessResult, ...]:
        count = len(self._request.variables)
        if (
            (self.in_blocks or self._blocks is not None)
            and len(results) == 1
            and isinstance(results[0], DataAccessResult)
        ):
            return results * count
        if len(results) != count or not all(isinstance(each, bytes | DataAccessResult) for each in results):
            raise RemoteProtocolError(f"Read of {count} variables got {len(results)} results, or other ones")
        return results


class WriteExchange:
    """Write variables, confirmed or not; a long request leaves in blocks if it is confirmed."""

    __slots__ = ("_pieces", "_request", "_whole", "answer")

    def __init__(self, request: Write, room: int) -> None:
        self.answer: Any = None
        self._request = request
        kind = WriteRequest if request.confirmed else UnconfirmedWriteRequest
        self._whole = kind(request.variables, request.values)
        self._pieces = _Pieces(self._whole, room)

    @property
    def in_blocks(self) -> bool:
        """Whether the request leaves in blocks."""
        return self._pieces.needed and self._request.confirmed

    def first(self) -> Apdu:
        return self._block() if self.in_blocks else self._whole

    def _block(self) -> Apdu:
        block = self._pieces.take()
        access = WriteDataBlockAccess(block.last_block, block.block_number)
        return WriteRequest((access,), (encode_data(octet_string(block.raw_data)),))

    def take(self, apdu: Apdu) -> Apdu | None:
        if not isinstance(apdu, WriteResponse):
            raise unexpected(apdu, "Write")
        if (number := _number(apdu.result)) is not None and self.in_blocks:
            self._pieces.confirmed(number)
            return self._block()
        self.answer = self._checked(apdu.result)
        return None

    def _checked(self, results: tuple[Any, ...]) -> tuple[DataAccessResult, ...]:
        count = len(self._request.variables)
        if self.in_blocks and len(results) == 1 and isinstance(results[0], DataAccessResult):
            return results * count
        if len(results) != count or any(type(each) is int for each in results):
            raise RemoteProtocolError(f"Write of {count} variables got {len(results)} results, or other ones")
        return tuple(DataAccessResult.SUCCESS if each is None else each for each in results)
