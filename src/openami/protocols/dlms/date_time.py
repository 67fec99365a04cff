"""COSEM dates and times: octets with wildcards, a deviation from UTC and a clock status.

UTC = local time + deviation, so Central European Time has deviation −60. A field that the meter does not
specify is `None`; `None` is never taken for zero or for UTC. (Blue Book, common data types, as shown by the
published examples.)
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import IntEnum, IntFlag
from typing import Any, Final, TypeVar

from openami.model.errors import DecodeError

NOT_SPECIFIED: Final = 0xFF
YEAR_NOT_SPECIFIED: Final = 0xFFFF
DEVIATION_NOT_SPECIFIED: Final = -0x8000
_EPOCH = datetime(1970, 1, 1)
T = TypeVar("T")


class MonthMark(IntEnum):
    """Values of `month` that name no month."""

    DAYLIGHT_SAVINGS_END = 0xFD
    DAYLIGHT_SAVINGS_BEGIN = 0xFE


class DayMark(IntEnum):
    """Values of `day` that count from the end of the month."""

    SECOND_LAST = 0xFD
    LAST = 0xFE


class ClockStatus(IntFlag):
    """What the clock says about itself; `None` in its place means not specified."""

    INVALID = 0x01
    DOUBTFUL = 0x02
    DIFFERENT_BASE = 0x04
    INVALID_STATUS = 0x08
    DAYLIGHT_SAVING = 0x80


GOOD: Final = ClockStatus(0)
_MONTH_MARKS: Final = frozenset(MonthMark)
_DAY_MARKS: Final = frozenset(DayMark)


@dataclass(frozen=True, slots=True)
class CosemDate:
    """Five octets: year, month, day of month, day of week (1 = Monday; some meters send 0)."""

    year: int | None
    month: int | None
    day: int | None
    weekday: int | None = None

    def __post_init__(self) -> None:
        _check_date(self)

    @classmethod
    def from_bytes(cls, raw: bytes, offset: int = 0) -> CosemDate:
        """Read five octets; raise `DecodeError` counting from `offset` if they are no date."""
        _check_size("date", raw, 5, offset)
        return _made(cls, "date", raw, offset, _year(raw), _month(raw[2]), _day(raw[3]), _octet(raw[4]))

    def __bytes__(self) -> bytes:
        year = YEAR_NOT_SPECIFIED if self.year is None else self.year
        return year.to_bytes(2, "big") + bytes(map(_or_not_specified, (self.month, self.day, self.weekday)))

    def __str__(self) -> str:
        return f"{_digits(self.year, 4)}-{_digits(self.month)}-{_digits(self.day)}"


@dataclass(frozen=True, slots=True)
class CosemTime:
    """Four octets: hour, minute, second, hundredths of a second."""

    hour: int | None
    minute: int | None
    second: int | None
    hundredths: int | None = None

    def __post_init__(self) -> None:
        _check_time(self)

    @classmethod
    def from_bytes(cls, raw: bytes, offset: int = 0) -> CosemTime:
        """Read four octets; raise `DecodeError` counting from `offset` if they are no time."""
        _check_size("time", raw, 4, offset)
        return _made(cls, "time", raw, offset, *map(_octet, raw))

    def __bytes__(self) -> bytes:
        return bytes(map(_or_not_specified, (self.hour, self.minute, self.second, self.hundredths)))

    def __str__(self) -> str:
        hundredths = "" if self.hundredths is None else f".{self.hundredths:02}"
        return f"{_digits(self.hour)}:{_digits(self.minute)}:{_digits(self.second)}{hundredths}"


@dataclass(frozen=True, slots=True)
class CosemDateTime:
    """Twelve octets: date, time, deviation in minutes (UTC = local + deviation), clock status."""

    year: int | None
    month: int | None
    day: int | None
    weekday: int | None = None
    hour: int | None = None
    minute: int | None = None
    second: int | None = None
    hundredths: int | None = None
    deviation: int | None = None
    clock_status: ClockStatus | None = None

    def __post_init__(self) -> None:
        _check_date(self)
        _check_time(self)
        _check("deviation", self.deviation, -1439, 1439)

    @classmethod
    def from_bytes(cls, raw: bytes, offset: int = 0) -> CosemDateTime:
        """Read twelve octets; raise `DecodeError` counting from `offset` if they are no date-time."""
        _check_size("date-time", raw, 12, offset)
        deviation = int.from_bytes(raw[9:11], "big", signed=True)
        return _made(
            cls,
            "date-time",
            raw,
            offset,
            _year(raw),
            _month(raw[2]),
            _day(raw[3]),
            *map(_octet, raw[4:9]),
            None if deviation == DEVIATION_NOT_SPECIFIED else deviation,
            None if raw[11] == NOT_SPECIFIED else ClockStatus(raw[11]),
        )

    @classmethod
    def from_utc(cls, seconds: float, deviation: int = 0, status: ClockStatus | None = GOOD) -> CosemDateTime:
        """The local time at `seconds` since 1970 UTC on a clock that runs `deviation` minutes off UTC."""
        hundredths = int(seconds * 100 // 1)
        at = _EPOCH + timedelta(seconds=hundredths // 100 - 60 * deviation)
        return cls(
            at.year,
            at.month,
            at.day,
            at.isoweekday(),
            at.hour,
            at.minute,
            at.second,
            hundredths % 100,
            deviation,
            status,
        )

    @property
    def date(self) -> CosemDate:
        """The date alone."""
        return CosemDate(self.year, self.month, self.day, self.weekday)

    @property
    def time(self) -> CosemTime:
        """The time of day alone."""
        return CosemTime(self.hour, self.minute, self.second, self.hundredths)

    def to_local(self) -> datetime | None:
        """The local time: aware if the deviation is specified, naive if not, `None` if a field is a wildcard."""
        match self.year, self.month, self.day, self.hour, self.minute, self.second:
            case int(year), int(month), int(day), int(hour), int(minute), int(second):
                if month in _MONTH_MARKS or day in _DAY_MARKS or not 1 <= year <= 9999:
                    return None
                zone = None if self.deviation is None else timezone(timedelta(minutes=-self.deviation))
                return datetime(year, month, day, hour, minute, second, (self.hundredths or 0) * 10_000, zone)
        return None

    def to_utc(self) -> datetime | None:
        """The instant, or `None` if a field is a wildcard or the deviation is not specified."""
        local = self.to_local()
        if local is None or local.tzinfo is None:
            return None
        try:
            return local.astimezone(UTC)
        except OverflowError:  # the first or the last hours that datetime knows
            return None

    def __bytes__(self) -> bytes:
        deviation = DEVIATION_NOT_SPECIFIED if self.deviation is None else self.deviation
        status = NOT_SPECIFIED if self.clock_status is None else int(self.clock_status)
        return bytes(self.date) + bytes(self.time) + deviation.to_bytes(2, "big", signed=True) + bytes((status,))

    def __str__(self) -> str:
        zone = "" if self.deviation is None else _zone(-self.deviation)
        return f"{self.date}T{self.time}{zone}"


def _check(name: str, value: int | None, low: int, high: int) -> None:
    if value is not None and not low <= value <= high:
        raise ValueError(f"{name} is {value}, must be {low}..{high}")


def _check_date(value: CosemDate | CosemDateTime) -> None:
    _check("year", value.year, 1, 0xFFFE)
    if value.month not in _MONTH_MARKS:
        _check("month", value.month, 1, 12)
    if value.day not in _DAY_MARKS:
        _check("day", value.day, 1, _last_day(value.year, value.month))
    _check("weekday", value.weekday, 0, 7)


def _check_time(value: CosemTime | CosemDateTime) -> None:
    _check("hour", value.hour, 0, 23)
    _check("minute", value.minute, 0, 59)
    _check("second", value.second, 0, 59)
    _check("hundredths", value.hundredths, 0, 99)


def _last_day(year: int | None, month: int | None) -> int:
    """The last day that `month` of `year` can have, wildcards counted in favour of the date."""
    if month is None or month > 12:
        return 31
    if year is None or year > 9999:
        return 29 if month == 2 else calendar.monthrange(2000, month)[1]
    return calendar.monthrange(year, month)[1]


def _check_size(what: str, raw: bytes, size: int, offset: int) -> None:
    if len(raw) != size:
        raise DecodeError(f"a {what} has {size} octets, not {len(raw)}", offset)


def _made(kind: type[T], what: str, raw: bytes, offset: int, *fields: Any) -> T:
    try:
        return kind(*fields)
    except ValueError as error:
        raise DecodeError(f"{raw.hex()} is no {what}: {error}", offset) from error


def _octet(value: int) -> int | None:
    return None if value == NOT_SPECIFIED else value


def _year(raw: bytes) -> int | None:
    year = raw[0] << 8 | raw[1]
    return None if year == YEAR_NOT_SPECIFIED else year


def _month(value: int) -> int | None:
    return MonthMark(value) if value in _MONTH_MARKS else _octet(value)


def _day(value: int) -> int | None:
    return DayMark(value) if value in _DAY_MARKS else _octet(value)


def _or_not_specified(value: int | None) -> int:
    return NOT_SPECIFIED if value is None else value


def _digits(value: int | None, width: int = 2) -> str:
    if isinstance(value, IntEnum):
        return value.name.lower().replace("_", "-")
    return "*" * width if value is None else f"{value:0{width}}"


def _zone(minutes: int) -> str:
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
