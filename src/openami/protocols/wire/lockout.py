"""Guessing passwords gets slow: a pure count of wrong ones, for whatever takes passwords."""

from __future__ import annotations

from typing import Final

TRIES: Final = 3
FIRST_PAUSE_S: Final = 60.0
PAUSE_MAX_S: Final = 3600.0


class Lockout:
    """After three wrong passwords in a row none is looked at for a minute; each further wrong one doubles the pause.

    An hour is the longest pause, and the right password after it ends all of this: nobody is locked out for good.
    """

    __slots__ = ("_pause_s", "_until", "_wrong")

    def __init__(self) -> None:
        self.right()

    def holds(self, now: float) -> bool:
        """Whether no password is to be looked at."""
        return now < self._until

    def right(self) -> None:
        """The right password came."""
        self._wrong, self._until, self._pause_s = 0, float("-inf"), FIRST_PAUSE_S

    def wrong(self, now: float) -> bool:
        """A wrong password came; whether a pause begins."""
        self._wrong += 1
        if self._wrong < TRIES:
            return False
        self._until = now + self._pause_s
        self._pause_s = min(2 * self._pause_s, PAUSE_MAX_S)
        return True
