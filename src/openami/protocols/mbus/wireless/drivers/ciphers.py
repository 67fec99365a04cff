"""Makers' own ways to hide bytes that are no security mode: known keys, the same for all of a maker's meters.

They hide nothing from anybody who knows them, so what they open stays unauthenticated.
"""

from __future__ import annotations

from collections.abc import Callable

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from openami.protocols.mbus.wireless.address import MeterAddress

PRIOS_HEADER = 4
PRIOS_MARK = 0x4B
"""The first octet of every opened PRIOS payload: how a key is known to be the right one."""
NA1_HEADER = 2

MakersCipher = Callable[[MeterAddress, int, bytes, bytes], bytes]
"""The radio's address, the CI field, the bytes behind it and a key; empty where the key does not open."""


def prios(meter: MeterAddress, ci: int, data: bytes, key: bytes) -> bytes:
    """Diehl's PRIOS: a shift register of 32 bits (taps 1, 2, 11 and 31) whose steps are added to the octets.

    It starts from the key's two halves, the address and the first four octets from the CI field on, all added. The
    four octets behind the CI field are in the clear.
    """
    seed = bytes((ci,)) + data[: PRIOS_HEADER - 1]
    address = meter.link_order
    parts = (key[:4], key[4:8], address[:4], address[4:], seed)
    state = 0
    for part in parts:
        state ^= int.from_bytes(part, "big")
    opened = bytearray()
    for octet in data[PRIOS_HEADER:]:
        for _ in range(8):
            bit = (state >> 1 ^ state >> 2 ^ state >> 11 ^ state >> 31) & 1
            state = (state << 1 | bit) & 0xFFFFFFFF
        opened.append(octet ^ state & 0xFF)
        if opened[0] != PRIOS_MARK:
            return b""
    return data[:PRIOS_HEADER] + bytes(opened) if opened else b""


def na1(meter: MeterAddress, ci: int, data: bytes, key: bytes) -> bytes:  # noqa: ARG001
    """Apator NA-1: AES-CBC as in mode 5, with the first octet behind the CI field in the place of the access number."""
    sealed = data[NA1_HEADER : NA1_HEADER + 16]
    if len(sealed) < 16:
        return b""
    vector = meter.link_order + data[:1] * 8
    decryptor = Cipher(AES(key), CBC(vector)).decryptor()
    return decryptor.update(sealed) + decryptor.finalize()


CIPHERS: dict[str, MakersCipher] = {"prios": prios, "na-1": na1}
