"""What estimation starts from: `m` pieces of `n` intervals without a value, and all that is known around them.

A piece is a gap, or the part of one that lies in one day, so that all pieces of one call are equally long.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from openami.backoffice.mdm.blocks import Matrix
from openami.backoffice.mdm.channel_days import Column, Mask

PARTS = 1_000
"""Methods answer in thousandths of the channel's unit, so that means lose nothing before the last rounding."""


@dataclass(frozen=True, slots=True, eq=False)
class Gaps:
    """Columns that are None are not known; values are integers in the channel's unit and scaler.

    (m,): `length` intervals of the whole gap; `before`, `after` the interval right before and after the piece, where
    `before_known`, `after_known` (an interval that holds an outage is a poor end point, and not known here);
    `outage_before`, `outage_after`; `daily` the mean energy of a day; `annual` the assumed energy of a year; `kind`
    the kind of day: 0 to 6 Monday to Sunday, 7 holiday.
    (m, n): `outage` no supply; `profile` shares of a class profile, any scale; `check` the redundant channel, where
    `check_known`.
    (m, d) and (m, d, n): other days at the same local times, nearest first: `days` their distance (negative:
    earlier), `kinds`, `warmth` the difference of temperature in tenths of a degree; `history` with `history_known`,
    which is false for what was not measured well, or held an outage.
    """

    resolution_s: int
    count: int
    length: Column
    outage: Mask
    before: Column
    before_known: Mask
    after: Column
    after_known: Mask
    outage_before: Mask
    outage_after: Mask
    kind: Column
    days: Column
    kinds: Column
    history: npt.NDArray[np.int64]
    history_known: npt.NDArray[np.bool_]
    warmth: Column | None = None
    daily: Column | None = None
    annual: Column | None = None
    profile: Matrix | None = None
    check: Matrix | None = None
    check_known: Mask | None = None

    def __len__(self) -> int:
        return len(self.length)

    def column(self, name: str) -> npt.NDArray[Any]:
        """The column `name`, which must be known."""
        found = getattr(self, name)
        assert found is not None, f"column {name} is not known: the method must name it among its needs"
        return np.asarray(found)

    def known(self, names: tuple[str, ...]) -> bool:
        """Whether all these columns are known."""
        return all(getattr(self, name) is not None for name in names)

    def whole_days(self) -> Mask:
        """(m, d): history days of which every interval of the piece is known."""
        return np.asarray(self.history_known.all(axis=2))

    def per_day(self) -> int:
        """How many intervals a day has."""
        return 86_400 // self.resolution_s


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """`parts` (m, n): thousandths of the unit, where the method is `able` (m,). `days` (m, d): the history used."""

    parts: Matrix
    able: Mask
    days: Mask | None = None
