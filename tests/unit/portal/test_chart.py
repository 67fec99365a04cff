"""Charts: bars in their slots, round grid lines, states that occur."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from openami.portal.chart import PLOT_HEIGHT, Entry, State, chart, grid_label, grid_step

START = datetime(2024, 1, 1, tzinfo=UTC)


def entries(*values):
    step = timedelta(minutes=15)
    return [
        Entry(
            START + index * step,
            START + (index + 1) * step,
            value,
            State.MISSING if value is None else State.MEASURED,
            "",
        )
        for index, value in enumerate(values)
    ]


@pytest.mark.parametrize("count", [24, 48, 92, 96, 100, 31, 12])
def test_bars_fill_the_width_side_by_side(count):
    bars = chart(entries(*range(1, count + 1))).bars
    assert len(bars) == count
    assert bars[0].slot_x == 0
    assert bars[-1].slot_x + bars[-1].slot_width == pytest.approx(100, abs=0.01)
    for left, right in pairwise(bars):
        assert left.x + left.width <= right.x


def test_heights_are_in_proportion_and_stand_on_the_axis():
    bars = chart(entries(0, 500, 1000)).bars
    assert [bar.y + bar.height for bar in bars] == [PLOT_HEIGHT] * 3
    assert bars[0].height == 0
    assert bars[2].height == pytest.approx(2 * bars[1].height)


def test_a_small_value_can_still_be_seen_and_a_missing_one_has_no_bar():
    bars = chart(entries(1, None, 1_000_000)).bars
    assert bars[0].height >= 1
    assert bars[1].height == 0


def test_the_legend_names_what_occurs():
    assert chart(entries(1, None)).states == (State.MEASURED, State.MISSING)
    assert chart([]).states == ()


@pytest.mark.parametrize("top", [0, 1, 3, 7, 99, 250, 999, 1001, 12_345, 10**9])
def test_between_one_and_six_round_lines_reach_the_top(top):
    step = grid_step(top)
    assert step >= 1
    assert -(-top // step) <= 6
    grid = chart(entries(top)).grid
    assert grid[0].y == PLOT_HEIGHT
    assert grid[-1].y == pytest.approx(0)


@pytest.mark.parametrize(("wh", "text"), [(0, "0"), (250, "0.25"), (1500, "1.5"), (2_000_000, "2\u202f000")])
def test_labels_are_kwh_without_needless_zeros(wh, text):
    assert grid_label(wh) == text
