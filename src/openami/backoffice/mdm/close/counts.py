"""What a close counts: reads in time, completeness, estimates, by collector and by the cause of what is missing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from openami.io.store.columns import microseconds
from openami.model.interval import DAY_S, day_of

DELIVERY = time(7)
"""When a day's values are due on the day after, local time (Elhub)."""
BILLING_DAYS = 5
"""Days after which all values should be usable for billing (Elhub's D+5): until the end of that day."""


@dataclass(slots=True)
class Count:
    """Of channels of interval energy that a meter hung at on the day.

    `by_deadline`, `by_billing`: all intervals measured by D+1 07:00 and by the end of D+5, local time; `late_changes`:
    values came or changed after D+1 07:00. Of their `intervals`: measured, estimated, missing as judged. `energy` is
    their sum in each channel's own unit, `estimated_energy` the part that is estimates. `oldest_gap` is the first day
    that still lacks a measured interval, None if none does.
    """

    channels: int = 0
    by_deadline: int = 0
    by_billing: int = 0
    late_changes: int = 0
    intervals: int = 0
    measured: int = 0
    estimated: int = 0
    missing: int = 0
    energy: int = 0
    estimated_energy: int = 0
    oldest_gap: int | None = None

    def add(self, other: Count) -> None:
        gaps = [gap for gap in (self.oldest_gap, other.oldest_gap) if gap is not None]
        for field in fields(self)[:-1]:
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))
        self.oldest_gap = min(gaps, default=None)


Counts = dict[tuple[str, str], Count]
"""By collector and cause."""


def merged(all_counts: Iterable[Counts]) -> Counts:
    """The sums of all."""
    found: Counts = {}
    for counts in all_counts:
        for key, count in counts.items():
            found.setdefault(key, Count()).add(count)
    return found


def rows(day: int, counts: Counts) -> list[tuple[object, ...]]:
    """Rows of `close_count`."""
    return [(day, *key, *astuple(count)) for key, count in sorted(counts.items())]


@lru_cache(maxsize=4_096)
def deadlines(day: int, zone: str) -> tuple[int, int]:
    """When the values of a day are due and when they should be usable for billing: microseconds UTC."""
    there, on = ZoneInfo(zone), day_of(day * DAY_S)
    due = datetime.combine(on + timedelta(days=1), DELIVERY, there)
    usable = datetime.combine(on + timedelta(days=BILLING_DAYS + 1), time(), there)
    return microseconds(due.astimezone(UTC)), microseconds(usable.astimezone(UTC))


@dataclass(frozen=True, slots=True)
class Kpis:
    """What is reported of a day, in shares from 0 to 1; None where there is nothing to take a share of."""

    day: date
    collector: str
    cause: str
    channels: int
    read_by_deadline: float | None
    read_by_billing: float | None
    late_changes: float | None
    completeness: float | None
    estimated: float | None
    estimated_energy: float | None
    oldest_gap_days: int | None


def kpis_of(day: int, collector: str, cause: str, count: Count) -> Kpis:
    """The shares of a count."""
    age = None if count.oldest_gap is None else day - count.oldest_gap + 1
    return Kpis(
        day_of(day * DAY_S),
        collector,
        cause,
        count.channels,
        _share(count.by_deadline, count.channels),
        _share(count.by_billing, count.channels),
        _share(count.late_changes, count.channels),
        _share(count.measured, count.intervals),
        _share(count.estimated, count.intervals),
        _share(count.estimated_energy, count.energy),
        age,
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
