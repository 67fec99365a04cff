"""What is known around one piece of a gap: its neighbours, and other days at the same local times."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from openami.backoffice.mdm.channel_days import Column, Mask
from openami.backoffice.mdm.estimation.gaps import Gaps
from openami.backoffice.mdm.estimation.past import typical_day
from openami.model.interval import DAY_S, Values

REACH_DAYS = 28
SHIFTS = np.array(sorted((day for day in range(-REACH_DAYS, REACH_DAYS + 1) if day), key=lambda day: (abs(day), day)))
HOLIDAY = 7


@dataclass(frozen=True, slots=True, eq=False)
class Surroundings:
    """One channel over whole UTC days from `first_day`: `energy` is good where `good`; `outage` as the meter flags it.

    `offset_s` (per day) is how far legal time is ahead of UTC; `holidays` are local dates; `annual` (per day) the
    assumed energy of a year, below 0 where nobody assumes any; `check` is what check
    channels measured where `check_known`.
    """

    resolution_s: int
    first_day: int
    energy: Values
    good: Mask
    outage: Mask
    offset_s: Column
    holidays: AbstractSet[date]
    annual: Column | None
    check: Values | None = None
    check_known: Mask | None = None

    def piece(self, first: int, count: int, gap: int) -> Gaps:
        """The `count` intervals from number `first`, all of one day, as one row of `Gaps`."""
        day = first // self._per_day
        history, known = self._history(first, count, day)
        kinds = np.array([self._kind(day + shift) for shift in (0, *SHIFTS.tolist())], dtype=np.int64)
        daily = self._daily(day)
        begin, end = first - 1, first + count
        return Gaps(
            self.resolution_s,
            count,
            length=np.array([gap]),
            outage=self.outage[None, first:end],
            before=self._value(begin),
            before_known=self._fit(begin),
            after=self._value(end),
            after_known=self._fit(end),
            outage_before=self._flagged(begin),
            outage_after=self._flagged(end),
            kind=kinds[:1],
            days=SHIFTS[None, :],
            kinds=kinds[None, 1:],
            history=history[None, :, :],
            history_known=known[None, :, :],
            daily=None if daily is None else np.array([daily]),
            annual=None if self.annual is None else self.annual[[day]],
            check=None if self.check is None else self.check[None, first:end],
            check_known=None if self.check_known is None else self.check_known[None, first:end],
        )

    @property
    def _per_day(self) -> int:
        return DAY_S // self.resolution_s

    def _history(self, first: int, count: int, day: int) -> tuple[Values, Mask]:
        """(d, count): the same local times of the days around, and where they are known."""
        days = day + SHIFTS
        inside = (days >= 0) & (days < len(self.offset_s))
        ahead = self.offset_s[np.clip(days, 0, len(self.offset_s) - 1)]
        shift = SHIFTS * self._per_day + (self.offset_s[day] - ahead) // self.resolution_s
        at = first + shift[:, None] + np.arange(count)
        within = inside[:, None] & (at >= 0) & (at < len(self.energy))
        at = np.where(within, at, 0)
        known = within & self.good[at] & ~self.outage[at]
        return np.where(known, self.energy[at], 0), np.asarray(known)

    def _daily(self, day: int) -> int | None:
        low, high = max(day - REACH_DAYS, 0), min(day + REACH_DAYS + 1, len(self.offset_s))
        cut = slice(low * self._per_day, high * self._per_day)
        shape = high - low, self._per_day
        return typical_day(self.energy[cut].reshape(shape), self.good[cut].reshape(shape))

    def _kind(self, day: int) -> int:
        at = date(1970, 1, 1) + timedelta(days=self.first_day + day)
        return HOLIDAY if at in self.holidays else at.weekday()

    def _value(self, at: int) -> Column:
        return self.energy[[at]] if 0 <= at < len(self.energy) else np.zeros(1, dtype=np.int64)

    def _fit(self, at: int) -> Mask:
        inside = 0 <= at < len(self.energy)
        return np.array([inside and bool(self.good[at]) and not self.outage[at]])

    def _flagged(self, at: int) -> Mask:
        return np.array([0 <= at < len(self.energy) and bool(self.outage[at])])
