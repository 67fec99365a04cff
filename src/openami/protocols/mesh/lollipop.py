"""Sequence counters of RPL (RFC 6550, section 7.2): a straight part 128 to 255, then a circle 0 to 127."""

from __future__ import annotations

from typing import Final

START: Final = 240
_CIRCLE: Final = 128
_WINDOW: Final = 16


def following(counter: int) -> int:
    """The counter after `counter`."""
    if counter >= _CIRCLE:
        return (counter + 1) & 0xFF
    return (counter + 1) % _CIRCLE


def newer(left: int, right: int) -> bool:
    """Whether `left` comes after `right`. Counters that cannot be compared are not newer."""
    if left >= _CIRCLE > right:
        return 256 + right - left > _WINDOW
    if right >= _CIRCLE > left:
        return 256 + left - right <= _WINDOW
    if left >= _CIRCLE:
        return left - right > 0
    return 0 < (left - right) % _CIRCLE <= _WINDOW
