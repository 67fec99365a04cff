"""The frame counter of a station: numbers reserved in ranges, so that none is used twice whatever crashes."""

from __future__ import annotations

from typing import Final, Protocol

from openami.protocols.mesh.events import Persist

COUNTER_END: Final = 0xFFFFFFFF
"""The highest value is never used (IEEE 802.15.4)."""


class Counters(Protocol):
    """Where counters are kept."""

    def load(self, name: str) -> int:
        """The last value that was saved under `name`; 0 if there is none."""
        ...


class FrameCounter:
    """`take` gives the next number that is durably reserved, or `None`; `reservation` says what to make durable."""

    __slots__ = ("_asked", "_end", "_first", "_next", "_reserve", "name")

    def __init__(self, name: str, counters: Counters, reserve: int) -> None:
        self.name = name
        self._reserve = reserve
        self._first = self._next = self._end = self._asked = counters.load(name)

    @property
    def upcoming(self) -> int:
        return self._next

    @property
    def life(self) -> int:
        """An octet that is another one after each start: every life reserves a range of its own."""
        return self._first // self._reserve & 0x7F

    @property
    def exhausted(self) -> bool:
        """No number is left for ever: the key has to be changed, and the device re-commissioned."""
        return self._next >= COUNTER_END

    def take(self) -> int | None:
        if self._next >= self._end:
            return None
        number = self._next
        self._next = number + 1
        return number

    def reservation(self) -> Persist | None:
        """What has to be made durable now, if less than half a range is left and nothing was asked for yet."""
        if self._asked > self._end or self._end - self._next > self._reserve // 2 or self._end >= COUNTER_END:
            return None
        self._asked = min(max(self._end, self._next) + self._reserve, COUNTER_END)
        return Persist(self.name, self._asked)

    def persisted(self, value: int) -> None:
        """Numbers below `value` may be used."""
        self._end = max(self._end, value)

    def skip_to(self, number: int) -> None:
        """Go on with `number` if that is ahead; it has to be reserved first."""
        if number > self._next:
            self._next = min(number, COUNTER_END)
            self._end = max(self._end, self._next) if self._end > self._next else self._next
            self._asked = self._end
