"""When a meter may be dialled: windows of the day, one circuit per meter, a rest between two, so many per cell."""

from __future__ import annotations

import ipaddress
import math
from collections import OrderedDict
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from openami.headend.targets import Network, Refused, Target, parse_network
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


@dataclass(frozen=True, slots=True)
class Cell:
    """Meters that share a radio cell, as far as their addresses tell: a network, and how many circuits it bears."""

    network: Network
    circuits_max: int

    @classmethod
    def parse(cls, text: str) -> Cell:
        """From `NETWORK=CIRCUITS`, as 10.1.0.0/16=20; raises `SettingError`."""
        name, _, number = text.partition("=")
        if not number.isdecimal() or not int(number):
            raise SettingError(f"headend.cells: {text!r} is no cell; write NETWORK=CIRCUITS, as 10.1.0.0/16=20")
        return cls(parse_network(name, "headend.cells"), int(number))

    def holds(self, target: Hashable) -> bool:
        """Whether `target` is an address in this cell; what hangs below a collector is in none."""
        return isinstance(target, Target) and ipaddress.ip_address(target.host) in self.network


class Dialling:
    """Who is being talked to, and who was lately. Holds no more than `circuits_max` and those of `interval_s`."""

    def __init__(
        self, windows: Sequence[DialWindow], interval_s: float, circuits_max: int, cells: Sequence[Cell] = ()
    ) -> None:
        self._windows = windows
        self._interval_s = interval_s
        self._circuits_max = circuits_max
        self._cells = dict.fromkeys(cells, 0)
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
        cells = [cell for cell in self._cells if cell.holds(target)]
        self._admit(target, cells, now)
        self._busy[target] = None
        for cell in cells:
            self._cells[cell] += 1
        try:
            yield
        finally:
            del self._busy[target]
            for cell in cells:
                self._cells[cell] -= 1
            if self._interval_s > 0:
                self._dialled[target] = now
                self._dialled.move_to_end(target)

    def _admit(self, target: Hashable, cells: Sequence[Cell], now: float) -> None:
        if self._windows and not any(window.open_at(now) for window in self._windows):
            raise Refused(RefusalCause.OUTSIDE_WINDOW, "no dial window is open now")
        if target in self._busy:
            raise Refused(RefusalCause.BUSY, f"{target} is being talked to already")
        if len(self._busy) >= self._circuits_max:
            raise Refused(RefusalCause.TOO_MANY, f"{self._circuits_max} circuits are open: the limit")
        for cell in cells:
            if self._cells[cell] >= cell.circuits_max:
                detail = f"{cell.circuits_max} circuits are open in cell {cell.network}: the limit"
                raise Refused(RefusalCause.TOO_MANY, detail)
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
