"""Checksums of the field's protocols, table-driven."""

from __future__ import annotations

from collections.abc import Sequence


def _reflected_table(polynomial: int) -> tuple[int, ...]:
    table = []
    for byte in range(256):
        value = byte
        for _ in range(8):
            value = (value >> 1) ^ (polynomial if value & 1 else 0)
        table.append(value)
    return tuple(table)


_X25: Sequence[int] = _reflected_table(0x8408)


def crc16_x25(data: bytes) -> int:
    """CRC-16/X-25 (ISO/IEC 13239 frame check sequence; HDLC sends the low byte first)."""
    value = 0xFFFF
    table = _X25
    for byte in data:
        value = (value >> 8) ^ table[(value ^ byte) & 0xFF]
    return value ^ 0xFFFF
