"""What a consumer may see: the times of their own supply."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from openami.model.point import MeteringPoint
from openami.portal.ownership import Sight, whole

POINT = MeteringPoint(1, "P1", "1 Alder Row", "Europe/London")
START = datetime(2024, 3, 1, tzinfo=UTC)
END = datetime(2024, 5, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
SIGHT = Sight(POINT, ((START, END),))


@pytest.mark.parametrize(
    ("stamp", "interval", "register"),
    [
        (START - SECOND, False, False),
        (START, False, True),
        (START + SECOND, True, True),
        (END, True, True),
        (END + SECOND, False, False),
    ],
)
def test_an_interval_belongs_to_whom_it_ends_for_and_a_register_to_both_sides(stamp, interval, register):
    assert SIGHT.shows_interval(stamp) is interval
    assert SIGHT.shows_register(stamp) is register


def test_a_window_is_cut_to_the_supply():
    day = timedelta(days=1)
    assert SIGHT.within(START - day, START + day) == [(START, START + day)]
    assert SIGHT.within(END - day, END + day) == [(END - day, END)]
    assert SIGHT.within(END, END + day) == []
    assert SIGHT.within(START - day, START) == []


def test_a_consumer_who_came_back_has_two_times():
    again = Sight(POINT, ((START, END), (END + timedelta(days=31), END + timedelta(days=60))))
    assert len(again.within(START, END + timedelta(days=40))) == 2
    assert not again.shows_interval(END + timedelta(days=10))


def test_operators_see_everything():
    assert whole(POINT).is_whole
    assert not SIGHT.is_whole
    assert whole(POINT).shows_interval(START - timedelta(days=9999))
