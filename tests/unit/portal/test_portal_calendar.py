"""Windows of the calendar: days of 23, 24 and 25 hours, months and years, previous and next."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from openami.portal.calendar import View, Window

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(("day", "hours"), [(date(2024, 3, 31), 23), (date(2024, 6, 1), 24), (date(2024, 10, 27), 25)])
def test_a_day_has_the_hours_that_the_clocks_give_it(day, hours):
    assert Window.holding(View.DAY, day, BERLIN).hours == hours


def test_a_day_starts_at_local_midnight():
    window = Window.holding(View.DAY, date(2024, 6, 1), BERLIN)
    assert window.start == datetime(2024, 5, 31, 22, tzinfo=UTC)
    assert window.end == datetime(2024, 6, 1, 22, tzinfo=UTC)


@pytest.mark.parametrize("view", list(View))
@pytest.mark.parametrize("day", [date(2024, 1, 31), date(2024, 2, 29), date(2023, 12, 31), date(2024, 3, 31)])
def test_windows_follow_without_gap_or_overlap(view, day):
    window = Window.holding(view, day, BERLIN)
    assert window.next.start == window.end
    assert window.previous.end == window.start
    assert window.next.previous == window
    assert window.start <= Window.holding(View.DAY, day, BERLIN).start < window.end


@pytest.mark.parametrize("day", [date.min, date.max])
@pytest.mark.parametrize("view", list(View))
def test_the_ends_of_the_calendar_do_not_fail(view, day):
    window = Window.holding(view, day, BERLIN)
    assert window.previous.start < window.next.end
