"""Points in time as M-Bus meters tell them: data types F, G, I and J of EN 13757-3.

The meter's clock knows no zone: the moments here are naive, in the time of the meter. Bit layouts from public
descriptions and frames of real meters; the standard's text was not at hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache

from openami.model.errors import LocalProtocolError

LAST_YEAR = 99
YEAR_OF_CENTURY_2000 = 80
"""Without a century of its own, year 81..99 is 1981..1999, and year 0..80 is 2000..2080."""


@dataclass(frozen=True, slots=True)
class MeterTime:
    """What the meter says about a point in time.

    `moment` is `None` where the meter marks it as invalid, leaves parts of it open (every day, every month) or names a
    day that is none. `summer_time` is the meter's own flag.
    """

    moment: datetime | date | time | None
    summer_time: bool = False

    def __str__(self) -> str:
        return self.moment.isoformat() if self.moment is not None else "not valid"


@lru_cache(maxsize=4096)
def decode_time(raw: bytes) -> MeterTime | None:
    """The point in time in `raw` by its size: J (3 bytes), G (2), F (4) or I (6); `None` for any other size."""
    decoder = _BY_SIZE.get(len(raw))
    return decoder(raw) if decoder is not None else None


def _year(low: int, high: int, century: int = 0) -> int:
    year = low >> 5 | (high & 0xF0) >> 1
    if year > LAST_YEAR:
        return 0  # no year at all, and none that a date takes
    if century:
        return 1900 + 100 * century + year
    return year + (2000 if year <= YEAR_OF_CENTURY_2000 else 1900)


def _date(low: int, high: int, century: int = 0) -> date | None:
    try:
        return date(_year(low, high, century), high & 0x0F, low & 0x1F)
    except ValueError:
        return None


def _time(hour: int, minute: int, second: int = 0) -> time | None:
    try:
        return time(hour, minute, second)
    except ValueError:
        return None


def _joined(day: date | None, at: time | None) -> datetime | None:
    return datetime.combine(day, at) if day is not None and at is not None else None


def _type_g(raw: bytes) -> MeterTime:
    return MeterTime(_date(raw[0], raw[1]))


def _type_f(raw: bytes) -> MeterTime:
    minute, hour, low, high = raw
    summer = bool(hour & 0x80)
    if minute & 0x80:
        return MeterTime(None, summer)
    return MeterTime(_joined(_date(low, high, hour >> 5 & 3), _time(hour & 0x1F, minute & 0x3F)), summer)


def _type_i(raw: bytes) -> MeterTime:
    second, minute, hour, low, high, _ = raw
    summer = bool(second & 0x40)
    if minute & 0x80:
        return MeterTime(None, summer)
    return MeterTime(_joined(_date(low, high), _time(hour & 0x1F, minute & 0x3F, second & 0x3F)), summer)


def _type_j(raw: bytes) -> MeterTime:
    second, minute, hour = raw
    return MeterTime(_time(hour & 0x1F, minute & 0x3F, second & 0x3F))


_BY_SIZE = {2: _type_g, 3: _type_j, 4: _type_f, 6: _type_i}


def encode_date(day: date) -> bytes:
    """Type G."""
    year = _two_digits(day.year)
    return bytes((day.day | (year & 7) << 5, day.month | (year >> 3) << 4))


def encode_date_time(moment: datetime, *, summer_time: bool = False) -> bytes:
    """Type F; seconds are dropped."""
    return bytes((moment.minute, moment.hour | summer_time << 7)) + encode_date(moment)


def encode_date_time_with_seconds(moment: datetime, *, summer_time: bool = False) -> bytes:
    """Type I, with the day of the week; week of the year and deviation are left open."""
    hour = moment.hour | moment.isoweekday() << 5
    return bytes((moment.second | summer_time << 6, moment.minute, hour)) + encode_date(moment) + b"\x00"


def _two_digits(year: int) -> int:
    if not 1981 <= year <= 2000 + YEAR_OF_CENTURY_2000:
        raise LocalProtocolError(f"an M-Bus date has a year of 1981 to 2080, not {year}")
    return year % 100
