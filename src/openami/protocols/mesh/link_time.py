"""The network's own time: stations stamp their datagrams with it, so that the root sees how long these were on the way.

The root's is what its collector says. A station takes it from confirmations: one that answers a datagram was written
between the first sending of that and now, so the middle of the two is wrong by half of the span at most. It sets no
clock: whatever the collector says, nothing but the stamps of datagrams follows it.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Final

UNKNOWN: Final = 0
"""The stamp of a station that does not know the time well enough."""
ERROR_MAX_S: Final = 1.0
DRIFT: Final = 100e-6
"""How much a station's own time is assumed to run away meanwhile."""
AGE_MAX_S: Final = 86_400.0
_MODULUS: Final = 1 << 32
_MS: Final = 1000


class LinkTime:
    """Stamps are milliseconds modulo 2³², never 0. `now` is the station's own time in seconds, never running back."""

    def __init__(self) -> None:
        self._says: Callable[[float], float] | None = None
        self._ahead_s = 0.0
        self._error_s = inf
        self._learned_at = 0.0

    def lead(self, says: Callable[[float], float]) -> None:
        """This is the root: the network's time is what `says` makes of `now`, in seconds."""
        self._says = says

    def error_s(self, now: float) -> float:
        """How wrong the stamps may be at most; infinite without any time."""
        return 0.0 if self._says is not None else self._error_s + DRIFT * (now - self._learned_at)

    def stamp(self, now: float) -> int:
        """The stamp of what is sent `now`, or `UNKNOWN`."""
        return self._stamp(now) if self.error_s(now) <= ERROR_MAX_S else UNKNOWN

    def learn(self, stamp: int, sent_at: float, now: float) -> None:
        """The root wrote `stamp` between `sent_at` and `now`: taken if that tells more than what is known."""
        error_s = (now - sent_at) / 2
        if stamp != UNKNOWN and self._says is None and error_s <= self.error_s(now):
            self._ahead_s = stamp / _MS - (sent_at + now) / 2
            self._error_s, self._learned_at = error_s, now

    def age_s(self, stamp: int, now: float) -> float | None:
        """How long ago a stamp was made; None for one that says nothing or cannot be."""
        if stamp == UNKNOWN or self.error_s(now) > ERROR_MAX_S:
            return None
        age_s = ((self._stamp(now) - stamp) % _MODULUS) / _MS
        if age_s > _MODULUS / _MS - ERROR_MAX_S - 1 / _MS:
            return 0.0  # from the future, by no more than a station may err
        return age_s if age_s <= AGE_MAX_S else None

    def _stamp(self, now: float) -> int:
        at = self._says(now) if self._says is not None else now + self._ahead_s
        return round(at * _MS) % _MODULUS or 1
