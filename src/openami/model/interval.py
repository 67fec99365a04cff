"""Interval data as it is stored and computed with: one block per channel and UTC day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import numpy.typing as npt

from openami.model.quality import Quality

DAY_S = 86_400

Values = npt.NDArray[np.int64]
Qualities = npt.NDArray[np.uint8]
Stamps = npt.NDArray[np.int64]


def day_start(day: date) -> int:
    """The first second of a UTC day, in seconds since 1970-01-01."""
    return (day - date(1970, 1, 1)).days * DAY_S


def day_of(second: int) -> date:
    """The UTC day that holds `second` (seconds since 1970-01-01)."""
    return date(1970, 1, 1) + timedelta(days=second // DAY_S)


@dataclass(frozen=True, slots=True, eq=False)
class IntervalBlock:
    """The intervals of one channel on one UTC day, in one version.

    `values[i]` and `quality[i]` stand for the interval that *ends* `(i + 1) × resolution_s` after midnight UTC;
    values are integers in the channel's unit and scaler. A value whose quality is MISSING means nothing (it is 0).
    UTC days always have `86 400 / resolution_s` intervals: summer time exists only at the edges.
    """

    metering_point: int
    channel: int
    day: date
    resolution_s: int
    values: Values
    quality: Qualities
    version: int
    known_at: datetime

    def __post_init__(self) -> None:
        count = DAY_S // self.resolution_s
        if self.values.shape != (count,) or self.quality.shape != (count,):
            raise ValueError(f"a block of {self.resolution_s} s has {count} intervals, not {self.values.shape}")

    @property
    def stamps(self) -> Stamps:
        """The end of each interval, in seconds since 1970-01-01 UTC."""
        start = day_start(self.day)
        return start + self.resolution_s * np.arange(1, len(self.values) + 1, dtype=np.int64)

    @property
    def missing(self) -> int:
        """How many intervals have no value."""
        return int(np.count_nonzero(self.quality == Quality.MISSING))


def utc(second: float) -> datetime:
    """The UTC time `second` seconds after 1970-01-01."""
    return datetime.fromtimestamp(second, UTC)
