"""When a meter on the air speaks, and how long it listens behind: all else of the time it sleeps.

The interval between two telegrams depends on the access number, so that meters drift past one another:
t = (1 + (|n - 128| - 64) / 2048) × the nominal one (as the OMS group's published material has it).
"""

from __future__ import annotations


class Airtime:
    """`due` is when the next broadcast is (UTC seconds), `access_number` what it will carry.

    `window_s`: how long the meter listens behind each of its telegrams; 0 makes it a one-way meter.
    """

    __slots__ = ("_interval_s", "_open_until", "_window_s", "access_number", "due")

    def __init__(self, interval_s: float, window_s: float, start: float) -> None:
        self.due = start
        self.access_number = 0
        self._open_until = start
        self._interval_s = interval_s
        self._window_s = window_s

    def spoken(self, now: float) -> None:
        """The broadcast that was due is on the air."""
        self._open_until = now + self._window_s
        self.due = now + interval(self.access_number, self._interval_s)
        self.access_number = (self.access_number + 1) & 0xFF

    def listens(self, now: float) -> bool:
        """Whether the meter hears what is sent now."""
        return bool(self._window_s) and now <= self._open_until

    def heard(self, now: float, *, last: bool) -> None:
        """A frame was taken: the window opens anew, or closes behind the last one of a conversation."""
        self._open_until = now if last else now + self._window_s


def interval(access_number: int, nominal_s: float) -> float:
    """Seconds from the telegram with this access number to the next one."""
    return (1 + (abs(access_number - 128) - 64) / 2048) * nominal_s
