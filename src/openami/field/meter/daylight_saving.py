"""Daylight saving by the rules that a COSEM clock holds: "last Sunday of March at 02:00"."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from openami.model.errors import SettingError
from openami.protocols.dlms.date_time import ClockStatus, CosemDateTime, DayMark

SUNDAY = 7


@dataclass(frozen=True, slots=True)
class DaylightSaving:
    """From `begin` to `end` local time is `minutes` ahead of normal local time.

    Both have a month and a day, or the last (or second last) day of the month, and perhaps a weekday: then the first
    such weekday on or after the day, or the last (second last) of the month. `begin` is said in normal local time,
    `end` in summer time, as clocks on the wall show them.
    """

    begin: CosemDateTime
    end: CosemDateTime
    minutes: int = 60

    def __post_init__(self) -> None:
        for rule in (self.begin, self.end):
            if rule.month is None or not 1 <= rule.month <= 12 or rule.day is None:
                raise SettingError(f"daylight saving rule {rule} needs a month and a day")

    def applies(self, second: int, time_zone: int) -> bool:
        """Whether summer time is in force at `second` (UTC) where normal local time has the deviation `time_zone`."""
        begin, end = _edges(self, time_zone, (datetime.fromtimestamp(second, UTC) - timedelta(minutes=time_zone)).year)
        return begin <= second < end if begin < end else not end <= second < begin


def european() -> DaylightSaving:
    """The rule of the European Union where normal local time is CET: from 02:00 to 03:00 local time on Sundays."""
    return DaylightSaving(_last_sunday(3, 2), _last_sunday(10, 3))


def british() -> DaylightSaving:
    """The rule of the United Kingdom: the same instants as in the European Union."""
    return DaylightSaving(_last_sunday(3, 1), _last_sunday(10, 2))


def _last_sunday(month: int, hour: int) -> CosemDateTime:
    return CosemDateTime(None, month, DayMark.LAST, SUNDAY, hour, 0, 0, 0, None, ClockStatus(0))


@lru_cache(maxsize=4096)
def _edges(rule: DaylightSaving, time_zone: int, year: int) -> tuple[int, int]:
    """UTC seconds of begin and end in one local year."""
    return (
        _local_second(rule.begin, year) + 60 * time_zone,
        _local_second(rule.end, year) + 60 * (time_zone - rule.minutes),
    )


def _local_second(rule: CosemDateTime, year: int) -> int:
    day = _day(rule, year)
    at = datetime(year, rule.month or 1, day, rule.hour or 0, rule.minute or 0, rule.second or 0, tzinfo=UTC)
    return int(at.timestamp())


def _day(rule: CosemDateTime, year: int) -> int:
    last = calendar.monthrange(year, rule.month or 1)[1]
    weekday = rule.weekday or None
    if rule.day in {DayMark.LAST, DayMark.SECOND_LAST}:
        earlier = rule.day == DayMark.SECOND_LAST
        if weekday is None:
            return last - earlier
        return last - (datetime(year, rule.month or 1, last, tzinfo=UTC).isoweekday() - weekday) % 7 - 7 * earlier
    day = min(rule.day or 1, last)
    if weekday is None:
        return day
    return min(day + (weekday - datetime(year, rule.month or 1, day, tzinfo=UTC).isoweekday()) % 7, last)
