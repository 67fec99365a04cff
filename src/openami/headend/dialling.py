"""When a meter may be dialled: windows of the day, one circuit per meter, a rest between two."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from openami.headend.targets import Refused
from openami.model.errors import SettingError
from openami.model.interval import DAY_S
from openami.protocols.zones.message import RefusalCause


@dataclass(frozen=True, slots=True)
class DialWindow:
    """A time of day, UTC, in seconds after midnight; `end_s` may lie before `start_s`: then it spans midnight."""

    start_s: int
    end_s: int

    def __post_init__(self) -> None:
        if not (0 <= self.start_s < DAY_S and 0 < self.end_s <= DAY_S) or self.start_s == self.end_s:
            raise SettingError(f"a dial window from {self.start_s} s to {self.end_s} s of the day is none")

    def open_at(self, now: float) -> bool:
        """Whether `now` (UTC seconds since 1970-01-01) lies in the window."""
        second = now % DAY_S
        if self.start_s < self.end_s:
            return self.start_s <= second < self.end_s
        return second >= self.start_s or second < self.end_s


class Dialling:
    """Who is being talked to, and who was lately. Holds no more than `circuits_max` and those of `interval_s`."""

    def __init__(self, windows: Sequence[DialWindow], interval_s: float, circuits_max: int) -> None:
        self._windows = windows
        self._interval_s = interval_s
        self._circuits_max = circuits_max
        self._busy: dict[Hashable, None] = {}
        self._dialled: OrderedDict[Hashable, float] = OrderedDict()

    @property
    def open(self) -> int:
        """How many circuits are open or being opened."""
        return len(self._busy)

    @contextmanager
    def slot(self, target: Hashable, now: float) -> Iterator[None]:
        """The right to talk to `target` for the length of the block; raise `Refused` if there is none now."""
        self._forget(now)
        self._admit(target, now)
        self._busy[target] = None
        try:
            yield
        finally:
            del self._busy[target]
            if self._interval_s > 0:
                self._dialled[target] = now
                self._dialled.move_to_end(target)

    def _admit(self, target: Hashable, now: float) -> None:
        if self._windows and not any(window.open_at(now) for window in self._windows):
            raise Refused(RefusalCause.OUTSIDE_WINDOW, "no dial window is open now")
        if target in self._busy:
            raise Refused(RefusalCause.BUSY, f"{target} is being talked to already")
        if len(self._busy) >= self._circuits_max:
            raise Refused(RefusalCause.TOO_MANY, f"{self._circuits_max} circuits are open: the limit")
        if 0 <= now - self._dialled.get(target, -math.inf) < self._interval_s:
            raise Refused(
                RefusalCause.TOO_SOON,
                f"{target} was dialled less than {self._interval_s:g} s ago",
            )

    def _forget(self, now: float) -> None:
        while self._dialled:
            target, dialled = next(iter(self._dialled.items()))
            if 0 <= now - dialled < self._interval_s:
                return
            del self._dialled[target]
