"""Interval data as it is stored and computed with: one block per channel and UTC day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import numpy.typing as npt

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


def utc(second: float) -> datetime:
    """The UTC time `second` seconds after 1970-01-01."""
    return datetime.fromtimestamp(second, UTC)
