from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import islice

import pytest

from openami.field.meter.date_pattern import day_meant, latest, matches, moments
from openami.protocols.dlms.date_time import CosemDate, CosemTime, DayMark, MonthMark


def local(*fields: int) -> datetime:
    """Naive, as the meter's clock gives local time."""
    return datetime(*fields, tzinfo=UTC).replace(tzinfo=None)


YEAR = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]


@pytest.mark.parametrize(
    ("pattern", "days"),
    [
        (CosemDate(2026, 2, 3), [date(2026, 2, 3)]),
        (CosemDate(None, 3, DayMark.LAST, 7), [date(2026, 3, 29)]),
        (CosemDate(None, 10, DayMark.SECOND_LAST, 7), [date(2026, 10, 18)]),
        (CosemDate(None, 2, DayMark.LAST), [date(2026, 2, 28)]),
        (CosemDate(None, 2, DayMark.SECOND_LAST), [date(2026, 2, 27)]),
        (CosemDate(None, 5, 8, 1), [date(2026, 5, 11)]),
        (CosemDate(None, 2, 29), []),
        (CosemDate(2025, None, 1), []),
        (CosemDate(None, MonthMark.DAYLIGHT_SAVINGS_BEGIN, 1), []),
        (CosemDate(None, None, 31), [date(2026, m, 31) for m in (1, 3, 5, 7, 8, 10, 12)]),
        (CosemDate(None, None, 30, 3), [date(2026, 9, 30), date(2026, 12, 30)]),
        (CosemDate(None, 6, None, 2), [date(2026, 6, day) for day in (2, 9, 16, 23, 30)]),
        (CosemDate(None, None, None), YEAR),
    ],
)
def test_the_days_that_a_pattern_means(pattern: CosemDate, days: list[date]) -> None:
    assert [day for day in YEAR if matches(pattern, day)] == days


def test_a_day_that_a_month_does_not_have() -> None:
    assert day_meant(CosemDate(None, None, 31), 2026, 4) is None
    assert day_meant(CosemDate(None, None, 28, 1), 2026, 2) is None, "the Monday after is in March"


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        (CosemDate(None, 4, 1), date(2025, 4, 1)),
        (CosemDate(None, 3, 15), date(2026, 3, 15)),
        (CosemDate(None, 3, 16), date(2025, 3, 16)),
        (CosemDate(2026, 1, 1), date(2026, 1, 1)),
        (CosemDate(2026, 4, 1), None),
        (CosemDate(None, 10, DayMark.LAST, 7), date(2025, 10, 26)),
        (CosemDate(None, None, None), date(2026, 3, 1)),
    ],
)
def test_the_latest_day_that_a_pattern_meant(pattern: CosemDate, found: date | None) -> None:
    assert latest(pattern, date(2026, 3, 15)) == found


def test_moments_come_in_order_and_end() -> None:
    after = local(2026, 1, 31, 23, 59, 30)
    day = CosemDate(None, None, None)
    minutes = list(islice(moments(day, CosemTime(None, None, 30, 0), after), 3))
    assert minutes == [after, after + timedelta(minutes=1), after + timedelta(minutes=2)]
    leap = moments(CosemDate(None, 2, 29), CosemTime(12, 0, 0), after)
    assert next(leap) == local(2028, 2, 29, 12)
    assert next(leap, None) is None, "four years are looked through, no more"
    assert list(moments(CosemDate(2025, None, None), CosemTime(0, 0, 0), after)) == []
    assert list(moments(CosemDate(2026, 2, None, 7), CosemTime(6, 30, None), after)) == [
        local(2026, 2, day, 6, 30) for day in (1, 8, 15, 22)
    ]
