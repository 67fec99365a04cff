"""The trickle timer (RFC 6206): speak rarely while neighbours say the same, at once when something changed."""

from __future__ import annotations

from collections.abc import Callable
from math import inf


class Trickle:
    """`due` is when `act` wants to be called; `act` says whether to transmit now."""

    __slots__ = ("_counter", "_end", "_interval_s", "_max_s", "_min_s", "_random", "_redundancy", "_spoken", "due")

    def __init__(self, min_s: float, doublings: int, redundancy: int, random: Callable[[int], bytes]) -> None:
        self._min_s = self._interval_s = min_s
        self._max_s = min_s * 2**doublings
        self._redundancy = redundancy
        self._random = random
        self._counter = 0
        self._end = inf
        self._spoken = True
        self.due = inf

    def start(self, now: float) -> None:
        self._begin(self._min_s, now)

    def stop(self) -> None:
        self.due = inf

    def reset(self, now: float) -> None:
        """Something is inconsistent. An interval that is the shortest already goes on, so that nobody can hurry us."""
        if self.due is inf or self._interval_s > self._min_s:
            self._begin(self._min_s, now)

    def consistent(self) -> None:
        """A neighbour has said what we would say."""
        self._counter += 1

    def act(self, now: float) -> bool:
        """What is due at `now`: true if a message should leave."""
        if self._spoken:
            self._begin(min(2 * self._interval_s, self._max_s), now)
            return False
        self._spoken = True
        self.due = self._end
        return not self._redundancy or self._counter < self._redundancy

    def _begin(self, interval_s: float, now: float) -> None:
        self._interval_s = interval_s
        self._counter = 0
        self._spoken = False
        self._end = now + interval_s
        self.due = now + interval_s * (0.5 + int.from_bytes(self._random(2), "big") / 0x20000)
