"""Integers of fixed size, big-endian."""

from __future__ import annotations

from openami.protocols.wire.cursor import Cursor
from openami.protocols.wire.declared import Codec


def _integer(size: int, name: str, *, signed: bool) -> Codec[int]:
    """Reads without going through `Cursor.take`: integers are most of what an APDU has."""
    from_bytes = int.from_bytes

    def decode(cursor: Cursor) -> int:
        start = cursor.position
        stop = start + size
        if stop > cursor.end:
            raise cursor.error(f"{size} bytes expected, {cursor.end - start} left")
        cursor.position = stop
        return from_bytes(cursor.data[start:stop], "big", signed=signed)

    def encode(value: int, out: bytearray) -> None:
        out += value.to_bytes(size, "big", signed=signed)

    return Codec(f"{name}{8 * size}", decode, encode)


def _put_octet(value: int, out: bytearray) -> None:
    out.append(value)


UNSIGNED8 = Codec("unsigned8", Cursor.u8, _put_octet)
UNSIGNED16, UNSIGNED32, UNSIGNED64 = (_integer(size, "unsigned", signed=False) for size in (2, 4, 8))
SIGNED8, SIGNED16, SIGNED32, SIGNED64 = (_integer(size, "signed", signed=True) for size in (1, 2, 4, 8))
