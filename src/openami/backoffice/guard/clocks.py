"""What time it is for the guard: three sources must agree, or nothing is sealed."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Final

from openami.model.errors import SecurityError

SOURCES: Final = 3
TOLERANCE_S: Final = 5.0


class ClockDisagreement(SecurityError):
    """The time sources differ: budgets over time mean nothing until they agree again."""


def agreed_time(readings: Sequence[float]) -> float:
    """The middle one of three readings (UTC seconds) that differ by 5 s at most; raises `ClockDisagreement`."""
    ordered = sorted(readings)
    alike = all(map(isfinite, ordered)) and len(ordered) == SOURCES and ordered[-1] - ordered[0] <= TOLERANCE_S
    if not alike:
        shown = ", ".join(f"{reading:.1f}" for reading in ordered)
        raise ClockDisagreement(f"time sources show {shown}; {SOURCES} must agree within {TOLERANCE_S:g} s")
    return ordered[1]
