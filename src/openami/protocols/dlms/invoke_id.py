"""Invoke-Id-And-Priority: one octet that pairs a response with its request. Bits as in the Green Book's ASN.1."""

from __future__ import annotations

from typing import Final

CONFIRMED: Final = 0x40
HIGH_PRIORITY: Final = 0x80
LARGEST_INVOKE_ID: Final = 0x0F


def invoke_id(invoke_id_and_priority: int) -> int:
    """The number 0..15 alone."""
    return invoke_id_and_priority & LARGEST_INVOKE_ID


def invoke_id_and_priority(number: int, *, confirmed: bool = True, high_priority: bool = True) -> int:
    """The octet for `number`, which is counted modulo 16."""
    return number & LARGEST_INVOKE_ID | CONFIRMED * confirmed | HIGH_PRIORITY * high_priority
