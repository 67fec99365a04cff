"""Dates and times: wildcards stay wildcards, deviation has the sign of the standard."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from openami.model.errors import DecodeError
from openami.protocols.dlms.date_time import (
    ClockStatus,
    CosemDate,
    CosemDateTime,
    CosemTime,
    DayMark,
    MonthMark,
)

CET = CosemDateTime.from_bytes(bytes.fromhex("07e50118070e303950ffc400"))
ANY = CosemDateTime.from_bytes(bytes.fromhex("ffffffffffffffffff8000ff"))


def test_utc_is_local_plus_deviation():
    assert CET.deviation == -60
    assert CET.to_utc() == datetime(2021, 1, 24, 13, 48, 57, 800_000, UTC)
    assert str(CET) == "2021-01-24T14:48:57.80+01:00"


def test_from_utc_is_the_inverse():
    at = datetime(2021, 1, 24, 13, 48, 57, 800_000, UTC)
    assert CosemDateTime.from_utc(at.timestamp(), -60) == CET
    status = ClockStatus.DAYLIGHT_SAVING
    summer = CosemDateTime.from_utc(datetime(2026, 7, 1, 22, 30, tzinfo=UTC).timestamp(), -120, status)
    assert bytes(summer).hex() == "07ea0702040" + "01e0000ff8880"
    assert CosemDateTime.from_utc(-0.5).to_utc() == datetime(1969, 12, 31, 23, 59, 59, 500_000, UTC)


def test_nothing_specified_stays_nothing():
    assert CosemDateTime(None, None, None) == ANY
    assert bytes(ANY).hex() == "ffffffffffffffffff8000ff"
    assert str(ANY) == "****-**-**T**:**:**"
    assert ANY.to_utc() is None
    assert ANY.to_local() is None


def test_unknown_deviation_is_local_time_and_no_instant():
    local = CosemDateTime.from_bytes(bytes.fromhex("07e6011801123a32ff8000ff"))
    assert local.deviation is None
    assert local.clock_status is None
    assert local.to_local() == datetime(2022, 1, 24, 18, 58, 50)
    assert local.to_utc() is None


def test_marks_are_kept():
    last = CosemDateTime.from_bytes(bytes.fromhex("ffff" "fe" "fe" "07" "020000ff" "ffc4" "00"))  # fmt: skip
    assert last.month is MonthMark.DAYLIGHT_SAVINGS_BEGIN
    assert last.day is DayMark.LAST
    assert str(last.date) == "****-daylight-savings-begin-last"
    assert last.to_utc() is None
    assert CosemDate(2026, MonthMark.DAYLIGHT_SAVINGS_END, DayMark.SECOND_LAST).month == 0xFD
    assert CosemDateTime(2026, 3, DayMark.LAST, None, 2, 0, 0, 0, 0).to_utc() is None


def test_parts():
    assert CET.date == CosemDate(2021, 1, 24, 7)
    assert CET.time == CosemTime(14, 48, 57, 80)
    assert CosemDate.from_bytes(bytes(CET.date)) == CET.date
    assert CosemTime.from_bytes(bytes(CET.time)) == CET.time
    assert str(CosemTime(1, 2, 3)) == "01:02:03"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("07e50d18070e303950ffc400", "month is 13"),
        ("07e50018070e303950ffc400", "month is 0"),
        ("07e5021d070e303950ffc400", "day is 29, must be 1..28"),
        ("07e50118080e303950ffc400", "weekday is 8"),
        ("07e501180718303950ffc400", "hour is 24"),
        ("07e50118070e3c3950ffc400", "minute is 60"),
        ("07e50118070e303c50ffc400", "second is 60"),
        ("07e50118070e303964ffc400", "hundredths is 100"),
        ("07e50118070e30395005a000", "deviation is 1440"),
        ("00000118070e303950ffc400", "year is 0"),
        ("07e50118070e303950ffc4", "12 octets, not 11"),
    ],
)
def test_impossible_date_times_are_refused_with_their_offset(raw, reason):
    with pytest.raises(DecodeError, match=reason) as caught:
        CosemDateTime.from_bytes(bytes.fromhex(raw), 40)
    assert caught.value.offset == 40


def test_leap_days():
    assert CosemDate(2024, 2, 29)
    assert CosemDate(None, 2, 29)
    assert CosemDate(0x4000, 2, 29)
    with pytest.raises(ValueError, match="day is 30"):
        CosemDate(None, 2, 30)
    with pytest.raises(ValueError, match="day is 31"):
        CosemDate(None, 4, 31)


def test_years_beyond_the_calendar_are_no_instant():
    assert CosemDateTime(0x4000, 1, 1, None, 0, 0, 0, 0, 0).to_utc() is None
    assert CosemDateTime(1, 1, 1, None, 0, 0, 0, 0, -60).to_utc() is None


def test_unknown_status_bits_are_kept():
    odd = CosemDateTime.from_bytes(bytes.fromhex("07e50118070e303950ffc47f"))
    assert int(odd.clock_status) == 0x7F
    assert ClockStatus.DOUBTFUL in odd.clock_status
    assert bytes(odd)[-1] == 0x7F
