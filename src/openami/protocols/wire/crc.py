"""Checksums of the field's protocols, at the speed of the standard library's C."""

from __future__ import annotations

import binascii

# binascii.crc_hqx runs the same polynomial with the most significant bit first: X-25 is its mirror image.
MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
X25_GOOD = 0x1D0F
"""State of the mirrored CRC after data that is followed by its own checksum (low byte first)."""


def crc16_x25(data: bytes) -> int:
    """CRC-16/X-25 (ISO/IEC 13239 frame check sequence; HDLC sends the low byte first)."""
    state = binascii.crc_hqx(data.translate(MIRRORED), 0xFFFF)
    return (MIRRORED[state & 0xFF] << 8 | MIRRORED[state >> 8]) ^ 0xFFFF


def crc16_kermit(data: bytes) -> int:
    """CRC-16/KERMIT: the polynomial of X-25, begun at 0 and not complemented. Some SML meters use it."""
    state = binascii.crc_hqx(data.translate(MIRRORED), 0)
    return MIRRORED[state & 0xFF] << 8 | MIRRORED[state >> 8]


def crc16_arc(data: bytes) -> int:
    """CRC-16/ARC (polynomial x¹⁶+x¹⁵+x²+1, mirrored, begun at 0), as P1 telegrams carry it.

    The polynomial is (x+1)·(x¹⁵+x+1), and x^(15n) = x^n + 1 modulo the second factor for every power of two n: whole
    halves of the message fold onto each other, and the first factor only wants the parity of the bits.
    """
    message = int.from_bytes(data.translate(MIRRORED), "big") << 16
    odd = message.bit_count() & 1
    step = 1 << max((message.bit_length() // 15).bit_length() - 1, 0)
    while step:
        width = 15 * step
        while high := message >> width:
            message ^= high << width ^ high << step ^ high
        step >>= 1
    if message.bit_count() & 1 != odd:
        message ^= 0x8003
    return MIRRORED[message & 0xFF] << 8 | MIRRORED[message >> 8]
