"""The checksum of the wireless link layer (CRC-16/EN-13757: polynomial 3D65, start 0, inverted; check value C2B7)."""

from __future__ import annotations

from array import array
from functools import lru_cache
from struct import Struct

POLYNOMIAL = 0x3D65


def _step(state: int) -> int:
    for _ in range(8):
        state = state << 1 ^ (POLYNOMIAL if state & 0x8000 else 0)
    return state & 0xFFFF


def _pairs() -> array[int]:
    """What becomes of each state after two octets of zeros: the table with which two octets are taken at a time."""
    octets = [_step(octet << 8) for octet in range(256)]
    table = array("H", bytes(2 << 16))
    for state in range(1 << 16):
        once = state << 8 & 0xFF00 ^ octets[state >> 8]
        table[state] = once << 8 & 0xFF00 ^ octets[once >> 8]
    return table


_PAIRS = _pairs()


@lru_cache(maxsize=512)
def _words(size: int) -> Struct:
    return Struct(f">{size // 2}H")


def crc16_en13757(data: bytes) -> int:
    """The CRC of `data`; a block carries it high byte first."""
    size = len(data)
    table = _PAIRS
    state = 0
    if size & 1:  # a zero in front changes nothing, as the CRC starts from 0
        data = b"\0" + data
        size += 1
    for word in _words(size).unpack(data):
        state = table[state ^ word]
    return state ^ 0xFFFF
