"""Fields of fixed size that are not numbers."""

from __future__ import annotations

from typing import Final

from openami.protocols.wire.cursor import Cursor
from openami.protocols.wire.declared import Codec


def octets(size: int) -> Codec[bytes]:
    """Exactly `size` octets as they stand."""

    def decode(cursor: Cursor) -> bytes:
        return cursor.take(size)

    def encode(value: bytes, out: bytearray) -> None:
        if len(value) != size:
            raise ValueError(f"{size} octets expected, not {len(value)}")
        out += value

    return Codec(f"octets{size}", decode, encode)


def _put_rest(value: bytes, out: bytearray) -> None:
    out += value


EUI64: Final = octets(8)
IPV6_ADDRESS: Final = octets(16)
REST: Final = Codec("rest", Cursor.take_rest, _put_rest)
