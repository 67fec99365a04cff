"""Hours, days, months and years as people live them: local periods as spans of UTC."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

import numpy as np

from openami.model.interval import Stamps

HOUR_S = 3_600


class Period(StrEnum):
    """What consumption is summed by."""

    INTERVAL = "interval"
    HOUR = "hour"
    DAY = "day"
    MONTH = "month"
    YEAR = "year"


def edges(start: int, end: int, by: Period, zone: str, resolution_s: int) -> Stamps:
    """The bounds of the local periods between `start` and `end` (seconds UTC), both included.

    n + 1 bounds for n periods; the first and the last period are cut at `start` and `end`. A local day lasts 23, 24 or
    25 hours (or 23.5 and 24.5: zones differ), and its hours are counted from its beginning.
    """
    if end <= start:
        return np.zeros(0, dtype=np.int64)
    bounds = _bounds(start, end, by, ZoneInfo(zone), resolution_s)
    inner = [bound for bound in bounds if start < bound < end]
    return np.array([start, *inner, end], dtype=np.int64)


def _bounds(start: int, end: int, by: Period, zone: ZoneInfo, resolution_s: int) -> Iterator[int]:
    if by is Period.INTERVAL:
        yield from range(-(-start // resolution_s) * resolution_s, end, resolution_s)
        return
    first = datetime.fromtimestamp(start, zone).date()
    while (at := _midnight(first, zone)) < end:
        after = _next(first, by)
        yield at
        if by is Period.HOUR:
            yield from range(at + HOUR_S, _midnight(after, zone), HOUR_S)
        first = after


def _next(day: date, by: Period) -> date:
    if by is Period.YEAR:
        return date(day.year + 1, 1, 1)
    if by is Period.MONTH:
        return date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return day + timedelta(days=1)


def _midnight(day: date, zone: ZoneInfo) -> int:
    """The first second of a local day. Where clocks jump over midnight, it is the second after the jump."""
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())
