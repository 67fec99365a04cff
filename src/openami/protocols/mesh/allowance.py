"""A bucket that bounds how often something may happen, whoever asks for it."""

from __future__ import annotations

from math import inf


class Allowance:
    """At most `burst` at once and `per_s` in the long run."""

    __slots__ = ("_at", "_burst", "_left", "_per_s")

    def __init__(self, per_s: float, burst: float) -> None:
        self._per_s = per_s
        self._burst = burst
        self._left = burst
        self._at = -inf

    def take(self, now: float) -> bool:
        """Whether one more is allowed at `now`; if so it is counted."""
        if self._at > -inf:
            self._left = min(self._left + (now - self._at) * self._per_s, self._burst)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
