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
