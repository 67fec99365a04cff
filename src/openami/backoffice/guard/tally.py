"""How much may happen in any window of time: amounts over the time in which each may happen, in slots.

Every window that an amount may fall into counts all of it. A window of `window_s` anywhere on the time line touches
no more than `window_s / slot_s + 1` slots, so a sum here is never below the true sum of any window.
"""

from __future__ import annotations


class Tally:
    """Sums by window; `slot_s` divides `window_s`. Times are seconds, amounts any whole unit."""

    __slots__ = ("_slot_s", "_slots", "_sums")

    def __init__(self, slot_s: int, window_s: int) -> None:
        self._slot_s = slot_s
        self._slots = window_s // slot_s + (1 if window_s > slot_s else 0)
        self._sums: dict[int, int] = {}

    def add(self, start: float, end: float, amount: int) -> None:
        """`amount` happens at some moment from `start` to `end`."""
        sums = self._sums
        for window in self._windows(start, end):
            sums[window] = sums.get(window, 0) + amount

    def peak(self, start: float, end: float) -> int:
        """The largest sum of the windows that a moment from `start` to `end` may fall into."""
        return max(self._sums.get(window, 0) for window in self._windows(start, end))

    def forget(self, before: float) -> None:
        """Windows that ended before are looked at no more."""
        first = int(before // self._slot_s) - self._slots
        self._sums = {window: amount for window, amount in self._sums.items() if window >= first}

    def _windows(self, start: float, end: float) -> range:
        """The first slots of the windows that touch `start` to `end`."""
        return range(int(start // self._slot_s) - self._slots + 1, int(end // self._slot_s) + 1)
