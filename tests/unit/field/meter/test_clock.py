from __future__ import annotations

from datetime import UTC, datetime

import pytest

from openami.field.meter.daylight_saving import DaylightSaving, british, european
from openami.field.meter.meter_clock import MeterClock
from openami.model.errors import SettingError
from openami.protocols.dlms.date_time import ClockStatus, CosemDateTime, DayMark


def second(*fields: int) -> int:
    return int(datetime(*fields, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("rule", "time_zone", "begin", "end"),
    [
        (european(), -60, second(2026, 3, 29, 1), second(2026, 10, 25, 1)),
        (european(), -60, second(2027, 3, 28, 1), second(2027, 10, 31, 1)),
        (british(), 0, second(2026, 3, 29, 1), second(2026, 10, 25, 1)),
        (
            DaylightSaving(CosemDateTime(None, 10, 1, 7, 2), CosemDateTime(None, 4, 1, 7, 3)),
            -600,
            second(2026, 10, 3, 16),
            second(2026, 4, 4, 16),
        ),
        (
            DaylightSaving(CosemDateTime(None, 3, DayMark.SECOND_LAST, 7, 2), CosemDateTime(None, 10, DayMark.LAST)),
            0,
            second(2026, 3, 22, 2),
            second(2026, 10, 30, 23),
        ),
        (
            DaylightSaving(CosemDateTime(None, 2, DayMark.LAST), CosemDateTime(None, 12, 30, None, 1)),
            0,
            second(2028, 2, 29),
            second(2028, 12, 30),
        ),
    ],
    ids=["EU 2026", "EU 2027", "UK", "Sydney, first Sundays", "second last", "last day"],
)
def test_summer_time_begins_and_ends_to_the_second(rule: DaylightSaving, time_zone: int, begin: int, end: int) -> None:
    assert not rule.applies(begin - 1, time_zone)
    assert rule.applies(begin, time_zone)
    assert rule.applies(end - 1, time_zone)
    assert not rule.applies(end, time_zone)


def test_rules_need_a_month_and_a_day() -> None:
    with pytest.raises(SettingError, match="needs a month and a day"):
        DaylightSaving(CosemDateTime(None, None, 1), CosemDateTime(None, 1, 1))


def test_local_time_shows_summer_time() -> None:
    clock = MeterClock(second(2026, 7, 1), time_zone=-60, daylight_saving=european())
    shown = clock.date_time(second(2026, 7, 1, 12))
    assert (shown.hour, shown.deviation, shown.clock_status) == (14, -120, ClockStatus.DAYLIGHT_SAVING)
    winter = clock.date_time(second(2026, 12, 1, 12))
    assert (winter.hour, winter.deviation, winter.clock_status) == (13, -60, ClockStatus(0))


@pytest.mark.parametrize(
    ("local", "at"),
    [
        ((2026, 7, 1, 12, 0), second(2026, 7, 1, 10)),
        ((2026, 12, 1, 12, 0), second(2026, 12, 1, 11)),
        ((2026, 3, 29, 1, 59), second(2026, 3, 29, 0, 59)),
        ((2026, 3, 29, 3, 0), second(2026, 3, 29, 1)),
        ((2026, 10, 25, 1, 59), second(2026, 10, 24, 23, 59)),
        ((2026, 10, 25, 2, 30), second(2026, 10, 25, 0, 30)),
        ((2026, 10, 25, 3, 0), second(2026, 10, 25, 2)),
    ],
)
def test_local_time_without_deviation_is_understood(local: tuple[int, int, int, int, int], at: int) -> None:
    clock = MeterClock(0, time_zone=-60, daylight_saving=european())
    year, month, day, hour, minute = local
    assert clock.utc_seconds(CosemDateTime(year, month, day, None, hour, minute, 0)) == at
    aware = CosemDateTime(year, month, day, None, hour, minute, 0, None, 0)
    assert clock.utc_seconds(aware) == second(*local)


def test_wildcards_are_no_instant() -> None:
    clock = MeterClock(0, time_zone=-60, daylight_saving=european())
    assert clock.utc_seconds(CosemDateTime(None, 1, 1, None, 1, 1, 1)) is None
    assert clock.utc_seconds(CosemDateTime(None, 1, 1, None, 1, 1, 1, None, 0)) is None


def test_drift_and_its_inverse() -> None:
    clock = MeterClock(1000.0, drift_ppm=-50, error_s=2)
    assert clock.reading(1000.0) == 1002.0
    assert clock.reading(1_001_000.0) == pytest.approx(1_001_000 + 2 - 50)
    assert clock.true_time(clock.reading(123_456.0)) == pytest.approx(123_456.0)
    clock.set(5000.0, 2000.0)
    assert clock.reading(2000.0) == 5000.0


def test_a_clock_that_lost_its_time_says_so() -> None:
    clock = MeterClock(0)
    clock.invalid = True
    assert clock.date_time(0).clock_status == ClockStatus.INVALID
    clock.set(10, 0)
    assert clock.date_time(0).clock_status == ClockStatus(0)
