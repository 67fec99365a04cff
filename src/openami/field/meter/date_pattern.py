"""Dates and times with wildcards, as schedules and calendars hold them, against days of local time.

A day together with a weekday means the first such weekday on or after it; the last day with one, the last such
weekday of the month (as daylight saving rules are said). Months that are named by daylight saving match no day.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Final

from openami.protocols.dlms.date_time import CosemDate, CosemTime, DayMark

SEARCH_DAYS: Final = 4 * 366
"""Any date that comes again comes again within four years."""


def matches(pattern: CosemDate, day: date) -> bool:
    """Whether `day` is one of those that `pattern` means."""
    if pattern.year not in {None, day.year} or pattern.month not in {None, day.month}:
        return False
    if pattern.day is None:
        return not pattern.weekday or pattern.weekday == day.isoweekday()
    return day.day == day_meant(pattern, day.year, day.month)


def day_meant(pattern: CosemDate, year: int, month: int) -> int | None:
    """The day of one month that `pattern` means; `None` if the month has no such day. A pattern without a day: 1."""
    last = calendar.monthrange(year, month)[1]
    if pattern.day in {DayMark.LAST, DayMark.SECOND_LAST}:
        earlier = int(pattern.day == DayMark.SECOND_LAST)
        if not pattern.weekday:
            return last - earlier
        return last - (date(year, month, last).isoweekday() - pattern.weekday) % 7 - 7 * earlier
    day = pattern.day or 1
    if day <= last and pattern.weekday:
        day += (pattern.weekday - date(year, month, day).isoweekday()) % 7
    return day if day <= last else None


def latest(pattern: CosemDate, day: date) -> date | None:
    """The last day up to `day` that `pattern` means, looking back one year; a pattern without a day means the first."""
    for year, month in ((day.year - (day.month <= back), (day.month - back - 1) % 12 + 1) for back in range(13)):
        if pattern.year not in {None, year} or pattern.month not in {None, month}:
            continue
        meant = day_meant(pattern, year, month)
        if meant is not None and date(year, month, meant) <= day:
            return date(year, month, meant)
    return None


def moments(day_pattern: CosemDate, time_pattern: CosemTime, after: datetime) -> Iterator[datetime]:
    """Local times from `after` (included) on that the patterns mean, in order; seconds not specified mean 0."""
    for offset in range(SEARCH_DAYS + 1):
        day = after.date() + timedelta(days=offset)
        if day_pattern.year is not None and day.year > day_pattern.year:
            return
        if matches(day_pattern, day):
            start = datetime(day.year, day.month, day.day)
            yield from (at for at in _times(start, time_pattern) if at >= after)


def _times(start: datetime, pattern: CosemTime) -> Iterator[datetime]:
    for hour in range(24) if pattern.hour is None else (pattern.hour,):
        for minute in range(60) if pattern.minute is None else (pattern.minute,):
            yield start + timedelta(hours=hour, minutes=minute, seconds=pattern.second or 0)
