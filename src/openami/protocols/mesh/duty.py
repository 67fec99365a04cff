"""The duty cycle: in no hour a station is on the air longer than its share."""

from __future__ import annotations

from collections import deque
from typing import Final

HOUR_S: Final = 3600.0
_SLOT_S: Final = 60.0


class DutyCycle:
    """Airtime by minutes; a minute counts until a whole hour after its end."""

    __slots__ = ("_allowed_s", "_slots", "_used_s", "airtime_s")

    def __init__(self, duty: float) -> None:
        self._allowed_s = duty * HOUR_S
        self._slots: deque[tuple[float, float]] = deque()
        self._used_s = 0.0
        self.airtime_s = 0.0

    def wait_s(self, airtime_s: float, now: float) -> float:
        """How long to wait before `airtime_s` more is allowed; 0 if it is allowed now."""
        while self._slots and self._slots[0][0] + _SLOT_S + HOUR_S <= now:
            self._used_s -= self._slots.popleft()[1]
        if not self._slots or self._used_s + airtime_s <= self._allowed_s:
            return 0.0
        return self._slots[0][0] + _SLOT_S + HOUR_S - now

    def spend(self, airtime_s: float, now: float) -> None:
        """So much was used, allowed or not."""
        self.airtime_s += airtime_s
        self._used_s += airtime_s
        if self._slots and now < self._slots[-1][0] + _SLOT_S:
            start, used_s = self._slots[-1]
            self._slots[-1] = start, used_s + airtime_s
        else:
            self._slots.append((now, airtime_s))
