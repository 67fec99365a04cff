"""The client's side of the short-name services. Their APDUs have no invoke id: one request at a time."""

from __future__ import annotations

from typing import Any, Final

from openami.model.errors import RemoteProtocolError
from openami.protocols.dlms.access_result import DataAccessResult
from openami.protocols.dlms.apdu import Apdu
from openami.protocols.dlms.blocks import Collector
from openami.protocols.dlms.exchange import unexpected
from openami.protocols.dlms.request import Read, Write
from openami.protocols.dlms.short_name import (
    BlockNumberAccess,
    DataBlock,
    ReadRequest,
    ReadResponse,
    UnconfirmedWriteRequest,
    WriteRequest,
    WriteResponse,
)
from openami.protocols.wire.declared import codec_of, decode_all

_RESPONSE: Final = codec_of(ReadResponse)


class ReadExchange:
    """Read variables; a long answer comes in blocks."""

    __slots__ = ("_blocks", "_limit", "_request", "answer")

    def __init__(self, request: Read, limit: int) -> None:
        self.answer: Any = None
        self._request = request
        self._limit = limit
        self._blocks: Collector | None = None

    def first(self) -> Apdu:
        return ReadRequest(self._request.variables)

    def take(self, apdu: Apdu) -> Apdu | None:
        if not isinstance(apdu, ReadResponse):
            raise unexpected(apdu, "Read")
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
        if self._blocks is not None and len(results) == 1 and isinstance(results[0], DataAccessResult):
            return results * count
        if len(results) != count or not all(isinstance(each, bytes | DataAccessResult) for each in results):
            raise RemoteProtocolError(f"Read of {count} variables got {len(results)} results, or other ones")
        return results


class WriteExchange:
    """Write variables, confirmed or not."""

    __slots__ = ("_request", "answer")

    def __init__(self, request: Write) -> None:
        self.answer: Any = None
        self._request = request

    def first(self) -> Apdu:
        kind = WriteRequest if self._request.confirmed else UnconfirmedWriteRequest
        return kind(self._request.variables, self._request.values)

    def take(self, apdu: Apdu) -> Apdu | None:
        if not isinstance(apdu, WriteResponse):
            raise unexpected(apdu, "Write")
        count = len(self._request.variables)
        if len(apdu.result) != count or any(type(each) is int for each in apdu.result):
            raise RemoteProtocolError(f"Write of {count} variables got {len(apdu.result)} results, or other ones")
        self.answer = tuple(DataAccessResult.SUCCESS if each is None else each for each in apdu.result)
        return None
