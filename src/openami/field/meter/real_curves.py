"""Real load curves that come with the package (`openami/data/SOURCES.md` says what is known of them).

A file becomes a `Series`: exact integer Wh per interval, with its gaps. A `Window` is cut from a run without gaps;
gaps are never filled. A window may be moved by whole weeks, so that weekdays stay weekdays, and split into shorter
intervals, but only when asked: `origin` and `changes` tell what was done, and go wherever the values go.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from openami.model.errors import SettingError

DAY_S = 86_400
WEEK_S = 7 * DAY_S
YEAR_WEEKS = 52

Energies = npt.NDArray[np.int64]


class Origin(StrEnum):
    """Where the values of a curve come from."""

    REAL = "real"
    REPLAYED = "replayed"
    SYNTHETIC = "synthetic"


@dataclass(frozen=True, slots=True)
class Source:
    """One household: which file, how long its intervals are, and how its stamps are to be read."""

    name: str
    file: str
    interval_s: int
    read_stamp: Callable[[str], datetime]


def _as_written(text: str) -> datetime:
    stamp = datetime.fromisoformat(text)
    return stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)


def _day_and_month_swapped(text: str) -> datetime:
    """Sample 2 was once read month first where that was possible: days 1 to 12. SOURCES.md has the proof."""
    stamp = _as_written(text)
    return stamp.replace(month=stamp.day, day=stamp.month) if stamp.day <= 12 else stamp


SOURCES = {
    source.name: source
    for source in (
        Source("uk-0", "uk-electricity-hdd-only-hourly-sample-0.csv.gz", 3600, _as_written),
        Source("uk-1", "uk-electricity-hdd-only-hourly-sample-1.csv.gz", 1800, _as_written),
        Source("uk-2", "uk-electricity-hdd-only-hourly-sample-2.csv.gz", 1800, _day_and_month_swapped),
    )
}


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """Energy without gaps: `energy_wh[i]` Wh flowed in the interval that begins `start_s + i × interval_s` (UTC).

    `origin` is the worst of what went in; `changes` names each step away from the source, in order.
    """

    source: str
    start_s: int
    interval_s: int
    energy_wh: Energies
    origin: Origin = Origin.REAL
    changes: tuple[str, ...] = ()

    @property
    def end_s(self) -> int:
        """The end of the last interval, UTC seconds."""
        return self.start_s + len(self.energy_wh) * self.interval_s

    @property
    def cumulative_wh(self) -> Energies:
        """A register that starts at 0: its value at the window's start and at the end of each interval."""
        return np.concatenate((np.zeros(1, np.int64), np.cumsum(self.energy_wh)))

    @property
    def label(self) -> str:
        """What a person must know of the values: origin, household, and what was done to them."""
        return ", ".join((f"{self.origin}: {self.source}", *self.changes))

    def moved(self, weeks: int) -> Window:
        """The same values, `weeks` whole weeks later (earlier if negative): weekdays and times of day stay."""
        if weeks == 0:
            return self
        origin = Origin.SYNTHETIC if self.origin is Origin.SYNTHETIC else Origin.REPLAYED
        changes = (*self.changes, f"moved by {weeks:+d} weeks")
        return replace(self, start_s=self.start_s + weeks * WEEK_S, origin=origin, changes=changes)

    def cut(self, start_s: int, end_s: int) -> Window:
        """The part from `start_s` to `end_s`; raise `SettingError` if it is not inside or off the interval grid."""
        first, first_rest = divmod(start_s - self.start_s, self.interval_s)
        last, last_rest = divmod(end_s - self.start_s, self.interval_s)
        if first_rest or last_rest or not 0 <= first <= last <= len(self.energy_wh):
            raise SettingError(
                f"{self.source} has no intervals from {_text(start_s)} to {_text(end_s)}; "
                f"it has {self.interval_s} s intervals from {_text(self.start_s)} to {_text(self.end_s)}"
            )
        return replace(self, start_s=start_s, energy_wh=self.energy_wh[first:last])

    def split(self, interval_s: int) -> Window:
        """Shorter intervals of `interval_s`: energy spread evenly, in whole Wh, each interval's sum kept exactly."""
        parts, rest = divmod(self.interval_s, interval_s)
        if rest or parts < 1:
            raise SettingError(f"intervals of {self.interval_s} s cannot be split into {interval_s} s")
        if parts == 1:
            return self
        shares = np.arange(parts + 1, dtype=np.int64)
        energy_wh = np.diff(self.energy_wh[:, None] * shares // parts, axis=1).reshape(-1)
        changes = (*self.changes, f"each {self.interval_s} s split evenly over {parts} × {interval_s} s")
        return replace(self, interval_s=interval_s, energy_wh=energy_wh, changes=changes)


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """All of one source: `energy_wh[i]` Wh in the interval that begins at `stamps[i]`, UTC, strictly ascending."""

    source: Source
    stamps: npt.NDArray[np.int64]
    energy_wh: Energies
    doubled_rows: int

    def windows(self) -> Iterator[Window]:
        """The runs without gaps, in order."""
        breaks = np.flatnonzero(np.diff(self.stamps) != self.source.interval_s) + 1
        for part, energy_wh in zip(np.split(self.stamps, breaks), np.split(self.energy_wh, breaks), strict=True):
            yield Window(self.source.name, int(part[0]), self.source.interval_s, energy_wh)

    def longest(self) -> Window:
        """The longest run without gaps."""
        return max(self.windows(), key=lambda window: len(window.energy_wh))


@lru_cache(maxsize=len(SOURCES))
def load(name: str) -> Series:
    """Read the series `name` of `SOURCES`; raise `SettingError` if there is none or its file is not as documented."""
    source = SOURCES.get(name)
    if source is None:
        raise SettingError(f"there is no load curve {name!r}; there are {', '.join(SOURCES)}")
    packed = files("openami").joinpath("data", "opendsm", source.file).read_bytes()
    with io.TextIOWrapper(gzip.GzipFile(fileobj=io.BytesIO(packed)), encoding="ascii") as text:
        return read_series(source, text.read().splitlines())


def read_series(source: Source, lines: list[str]) -> Series:
    """The series in CSV `lines` (`start,value` in kWh): rows doubled in full are dropped, others refused."""
    values: dict[int, int] = {}
    for number, line in enumerate(lines[1:], start=2):
        stamp, energy_wh = _row(source, number, line)
        if values.setdefault(stamp, energy_wh) != energy_wh:
            raise SettingError(f"{source.file} line {number}: a second value for {_text(stamp)}")
    stamps = np.array(sorted(values), np.int64)
    energies = np.array([values[int(stamp)] for stamp in stamps], np.int64)
    return Series(source, stamps, energies, len(lines) - 1 - len(values))


def replayed(name: str, at_s: float, *, weeks_back: int = 0) -> Window:
    """The longest window of `name`, moved to whole weeks around `at_s` so that its seasons fit.

    The move is the multiple of 52 weeks that brings the window's middle closest to `at_s`, less `weeks_back`:
    meters that share a source differ in it. Whole weeks of it are kept, 52 at most, so that weekdays stay right when
    a curve made of it begins again after its end.
    """
    window = load(name).longest()
    weeks = min((window.end_s - window.start_s) // WEEK_S, YEAR_WEEKS)
    whole = window.cut(window.start_s, window.start_s + weeks * WEEK_S)
    middle = (whole.start_s + whole.end_s) / 2
    moved = whole.moved(YEAR_WEEKS * round((at_s - middle) / (YEAR_WEEKS * WEEK_S)) - weeks_back)
    return replace(moved, changes=(*moved.changes, f"the same {weeks} weeks again and again"))


def _row(source: Source, number: int, line: str) -> tuple[int, int]:
    try:
        stamp, value = line.split(",")
        return int(source.read_stamp(stamp).timestamp()), round(float(value) * 1000)
    except ValueError as error:
        raise SettingError(f"{source.file} line {number}: {line!r} is not `start,value`") from error


def _text(second: float) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
