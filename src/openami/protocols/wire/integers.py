"""Integers of fixed size, big-endian."""

from __future__ import annotations

from openami.protocols.wire.cursor import Cursor
from openami.protocols.wire.declared import Codec


def _unsigned(size: int) -> Codec[int]:
    def decode(cursor: Cursor) -> int:
        return cursor.unsigned(size)

    def encode(value: int, out: bytearray) -> None:
        out += value.to_bytes(size, "big")

    return Codec(f"unsigned{8 * size}", decode, encode)


def _signed(size: int) -> Codec[int]:
    def decode(cursor: Cursor) -> int:
        return cursor.signed(size)

    def encode(value: int, out: bytearray) -> None:
        out += value.to_bytes(size, "big", signed=True)

    return Codec(f"signed{8 * size}", decode, encode)


def _put_octet(value: int, out: bytearray) -> None:
    out.append(value)


UNSIGNED8 = Codec("unsigned8", Cursor.u8, _put_octet)
UNSIGNED16, UNSIGNED32, UNSIGNED64 = (_unsigned(size) for size in (2, 4, 8))
SIGNED8, SIGNED16, SIGNED32, SIGNED64 = (_signed(size) for size in (1, 2, 4, 8))
