"""The client's side of one service: the APDUs that carry one request and its answer, blocks included."""

from __future__ import annotations

from typing import Any, Final, Protocol

from openami.model.errors import LocalProtocolError, RemoteProtocolError
from openami.protocols.dlms.apdu import Apdu, encode_apdu
from openami.protocols.dlms.blocks import Slicer
from openami.protocols.dlms.set import DataBlockSA

BLOCK_HEADER: Final = 16
"""More than a block has before its octets: tags, invoke id, last-block, block number, length."""
_LENGTH_GROWTH: Final = 4
"""An empty block's length takes one octet, a full one's at most five."""


class Exchange(Protocol):
    """One request under way. `take` gives the next APDU to send, or None when `answer` is complete."""

    answer: Any

    def first(self) -> Apdu: ...

    def take(self, apdu: Apdu) -> Apdu | None: ...


class BlockSender:
    """Octets that leave in blocks: the first one beside `first` (an APDU with an empty block), the others alone."""

    __slots__ = ("_room", "_slices")

    def __init__(self, octets: bytes, first: Apdu, room: int) -> None:
        beside = len(encode_apdu(first)) + _LENGTH_GROWTH
        if beside >= room:
            raise LocalProtocolError(f"what names the request takes {beside} bytes, the server takes {room} in all")
        self._slices = Slicer(octets, room - beside)
        self._room = room

    @property
    def last(self) -> bool:
        """Whether the block taken last was the last one."""
        return self._slices.last

    def block(self) -> DataBlockSA:
        """The next block."""
        octets = self._slices.take()
        self._slices.size = max(1, self._room - BLOCK_HEADER)
        return DataBlockSA(self._slices.last, self._slices.number, octets)

    def confirmed(self, block_number: int) -> None:
        """The server has block `block_number`; raises `RemoteProtocolError` unless that is the one sent last."""
        if self.last or block_number != self._slices.number:
            sent = self._slices.number
            raise RemoteProtocolError(f"block {block_number} was confirmed where block {sent} was sent")


def empty_block() -> DataBlockSA:
    """What stands for a block while its room is measured."""
    return DataBlockSA(last_block=False, block_number=1, raw_data=b"")


def unexpected(apdu: Apdu, service: str) -> RemoteProtocolError:
    """The error for an answer of another kind."""
    return RemoteProtocolError(f"{type(apdu).__name__} is no answer to {service}")
