"""Clock columns: many date-times of twelve octets to UTC at once.

Same meaning as `CosemDateTime.from_bytes(...).to_utc()`, which judges every stamp that this file does not accept.
Calendar arithmetic is done once per change of date: in a load profile the date changes once a day.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from openami.model.errors import DecodeError
from openami.protocols.dlms.date_time import DEVIATION_NOT_SPECIFIED, NOT_SPECIFIED, CosemDateTime

DAY_S: Final = 86_400
NO_STATUS: Final = 0xFF
FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 2199
DEVIATION_MAX: Final = 1439
MONTH_STARTS: Final = (
    np.arange(0, (LAST_YEAR + 1 - FIRST_YEAR) * 12 + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
)

FEW: Final = 8
_ZERO: Final = np.zeros(1, np.intp)
_LIMITS: Final = np.uint32(127 - 23 << 16 | 127 - 59 << 8 | 127 - 59)
_SIGNS: Final = np.uint32(0x80_80_80)
_WEEKDAY_MAX: Final = 0x07_FF_FF_FF

Words = npt.NDArray[np.uint32]
Seconds = npt.NDArray[np.int64]
Statuses = npt.NDArray[np.uint8]


def utc_seconds(
    date: Words, time: Words, rest: Words, default_deviation: int | None
) -> tuple[Seconds, Statuses] | None:
    """UTC seconds since 1970 (hundredths cut off) and clock status of each stamp; `None` if any needs a closer look.

    The twelve octets of a stamp come as three big-endian words: `date` is year, month, day; `time` is weekday,
    hour, minute, second; `rest` is hundredths, deviation, clock status. All three have one length, at least 1.
    """
    seconds = _day_seconds(date)
    if seconds is None or not _add_time_of_day(seconds, time):
        return None
    first = int(rest[0])
    if (rest == first).all():
        return _shifted_alike(seconds, first, default_deviation)
    return _shifted(seconds, rest, default_deviation)


def utc_second(raw: bytes, default_deviation: int | None, offset: int, path: tuple[str, ...]) -> tuple[int, int]:
    """UTC seconds since 1970 (hundredths cut off) and clock status of one stamp; the slow path and the judge.

    Raises `DecodeError` if the octets are no date-time, a needed field is a wildcard, or the deviation is not
    specified and there is no default for it.
    """
    try:
        stamp = CosemDateTime.from_bytes(raw, offset)
    except DecodeError as error:
        error.path = (*path, *error.path)
        raise
    if stamp.deviation is None and default_deviation is not None:
        stamp = CosemDateTime.from_bytes(raw[:9] + default_deviation.to_bytes(2, "big", signed=True) + raw[11:])
    if stamp.deviation is None:
        raise DecodeError(f"clock {stamp} has no deviation from UTC; give a default deviation", offset, path)
    at = stamp.to_utc()
    if at is None:
        raise DecodeError(f"clock {stamp} leaves fields open, so it is no instant", offset, path)
    return int(at.timestamp() // 1), raw[11]


def _day_seconds(date: Words) -> Seconds | None:
    """Seconds since 1970 of local midnight."""
    changes = np.flatnonzero(date[1:] != date[:-1]) + 1
    if len(changes) > FEW:
        return _many_day_seconds(date, np.concatenate((_ZERO, changes)))
    starts = [0, *changes.tolist()]
    days = [_day(word) for word in date[starts].tolist()]
    seconds = np.empty(len(date), np.int64)
    for day, start in zip(days, starts, strict=True):
        if day is None:
            return None
        seconds[start:] = day * DAY_S
    return seconds


def _many_day_seconds(date: Words, starts: npt.NDArray[np.intp]) -> Seconds | None:
    distinct = date[starts].astype(np.int64)
    year, month, day = distinct >> 16, (distinct >> 8) & 0xFF, distinct & 0xFF
    if year.min() < FIRST_YEAR or year.max() > LAST_YEAR or month.min() < 1 or month.max() > 12:
        return None
    index = (year - FIRST_YEAR) * 12 + month - 1
    first = MONTH_STARTS[index]
    if day.min() < 1 or (first + day > MONTH_STARTS[index + 1]).any():
        return None
    return np.repeat((first + day - 1) * DAY_S, np.diff(starts, append=len(date)))


@lru_cache(maxsize=1024)
def _day(date: int) -> int | None:
    """Days since 1970 of one date word; `None` if it needs a closer look."""
    year, month, day = date >> 16, date >> 8 & 0xFF, date & 0xFF
    if not FIRST_YEAR <= year <= LAST_YEAR or not 1 <= month <= 12:
        return None
    index = (year - FIRST_YEAR) * 12 + month - 1
    days = int(MONTH_STARTS[index]) + day
    return days - 1 if day >= 1 and days <= MONTH_STARTS[index + 1] else None


def _add_time_of_day(seconds: Seconds, time: Words) -> bool:
    """Add hour, minute and second; false if one of them or the weekday needs a closer look.

    The three octets are compared with their limits at once: what exceeds 23, 59 or 59 sets its octet's sign.
    """
    if ((time | (time + _LIMITS)) & _SIGNS).any():
        return False
    if time.max() > _WEEKDAY_MAX and not ((time <= _WEEKDAY_MAX) | (time >= NOT_SPECIFIED << 24)).all():
        return False
    of_day = (time >> 16) & 0xFF
    of_day *= 60
    of_day += (time >> 8) & 0xFF
    of_day *= 60
    of_day += time & 0xFF
    seconds += of_day
    return True


def _shifted_alike(seconds: Seconds, rest: int, default_deviation: int | None) -> tuple[Seconds, Statuses] | None:
    """The usual case: hundredths, deviation and status are the same in all stamps."""
    hundredths, status = rest >> 24, rest & 0xFF
    deviation: int | None = (rest >> 8 & 0xFFFF ^ 0x8000) - 0x8000
    if deviation == DEVIATION_NOT_SPECIFIED:
        deviation = default_deviation
    if deviation is None or abs(deviation) > DEVIATION_MAX or (hundredths > 99 and hundredths != NOT_SPECIFIED):
        return None
    if deviation:
        seconds += 60 * deviation
    return seconds, np.full(len(seconds), status, np.uint8)


def _shifted(seconds: Seconds, rest: Words, default_deviation: int | None) -> tuple[Seconds, Statuses] | None:
    hundredths = rest >> 24
    deviation = (rest >> 8).astype(np.uint16).view(np.int16).astype(np.int64)
    missing = deviation == DEVIATION_NOT_SPECIFIED
    if missing.any():
        if default_deviation is None:
            return None
        deviation[missing] = default_deviation
    if np.abs(deviation).max() > DEVIATION_MAX or not ((hundredths <= 99) | (hundredths == NOT_SPECIFIED)).all():
        return None
    return seconds + 60 * deviation, (rest & 0xFF).astype(np.uint8)


def stamps_of(
    clock: Sequence[bytes | None], column: int, default_deviation: int | None, capture_period_s: int | None
) -> tuple[Seconds, Statuses]:
    """UTC seconds and clock status of a clock column, twelve octets or `None` (left out) per row.

    Raises `DecodeError` whose path names the row and `column`.
    """
    given = [row for row, octets in enumerate(clock) if octets is not None]
    parts = np.frombuffer(b"".join([octets for octets in clock if octets is not None]), ">u4").reshape(-1, 3)
    words = parts.T.astype(np.uint32)
    made = utc_seconds(words[0], words[1], words[2], default_deviation) if given else None
    if made is None:
        judged = [
            utc_second(octets, default_deviation, 0, (f"[{row}]", f"[{column}]"))
            for row, octets in enumerate(clock)
            if octets is not None
        ]
        made = np.array([at for at, _ in judged], np.int64), np.array([status for _, status in judged], np.uint8)
    if len(given) == len(clock):
        return made
    return fill_left_out(np.array(given, np.intp), *made, len(clock), column, capture_period_s)


def fill_left_out(
    given: npt.NDArray[np.intp],
    seconds: Seconds,
    statuses: Statuses,
    rows: int,
    column: int,
    capture_period_s: int | None,
) -> tuple[Seconds, Statuses]:
    """Stamps of all `rows` when only those in rows `given` were sent: the others follow by the capture period."""
    if not len(given) or given[0]:
        raise DecodeError("the clock is null-data and no row before has one", 0, ("[0]", f"[{column}]"))
    if capture_period_s is None:
        first = int(np.setdiff1d(np.arange(rows), given)[0])
        reason = "the clock is null-data; give the capture period to fill it in"
        raise DecodeError(reason, 0, (f"[{first}]", f"[{column}]"))
    every = np.arange(rows)
    last = np.searchsorted(given, every, side="right") - 1
    filled = seconds[last] + capture_period_s * (every - given[last])
    status = np.full(rows, NO_STATUS, np.uint8)
    status[given] = statuses
    return filled, status
