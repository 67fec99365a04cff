"""The checksum of the wireless link layer (CRC-16/EN-13757: polynomial 3D65, start 0, inverted; check value C2B7)."""

from __future__ import annotations

POLYNOMIAL = 0x3D65


def _entry(byte: int) -> int:
    state = byte << 8
    for _ in range(8):
        state = state << 1 ^ (POLYNOMIAL if state & 0x8000 else 0)
    return state & 0xFFFF


_TABLE = tuple(_entry(byte) for byte in range(256))


def crc16_en13757(data: bytes) -> int:
    """The CRC of `data`; a block carries it high byte first."""
    state = 0
    table = _TABLE
    for byte in data:
        state = state << 8 & 0xFF00 ^ table[state >> 8 ^ byte]
    return state ^ 0xFFFF
