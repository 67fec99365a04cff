"""Each method on a gap whose answer can be worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from openami.backoffice.mdm.estimation.fallback import (
    METHODS,
    WITH_TOTAL,
    WITHOUT_TOTAL,
    estimate,
    method_use,
)
from openami.backoffice.mdm.estimation.gaps import PARTS, Gaps
from openami.backoffice.mdm.estimation.past import typical_day
from openami.backoffice.mdm.estimation.registers import (
    between_reads,
    from_average_daily_use,
    from_average_daily_use_rounded,
    from_intervals,
    subtractive,
)
from openami.backoffice.mdm.estimation.sharing import rounded
from openami.model.errors import SettingError

COUNT = 4
DAY_S = 86_400
DAYS = (-1, 1, -2, 2, -7, 7, -14, 14, -21, -364)
TUESDAY, HOLIDAY = 1, 7


def gap(**known) -> Gaps:
    """An hour of a Tuesday: 100 before and 200 after; day d from now used 1000 + d in each interval."""
    days = np.array([DAYS])
    shape = 1, len(DAYS), COUNT
    plain = Gaps(
        resolution_s=900,
        count=COUNT,
        length=np.array([COUNT]),
        outage=np.zeros((1, COUNT), dtype=np.bool_),
        before=np.array([100]),
        before_known=np.array([True]),
        after=np.array([200]),
        after_known=np.array([True]),
        outage_before=np.array([False]),
        outage_after=np.array([False]),
        kind=np.array([TUESDAY]),
        days=days,
        kinds=(TUESDAY + days) % 7,
        history=np.broadcast_to((1000 + days)[:, :, None], shape).astype(np.int64),
        history_known=np.ones(shape, dtype=np.bool_),
    )
    return replace(plain, **known)


def run(name: str, gaps: Gaps, **parameters) -> list[int] | None:
    """Whole units, or None where the method is not able."""
    chosen = estimate(gaps, [method_use(name, **parameters)])
    return None if chosen.which[0] < 0 else rounded(chosen.parts)[0].tolist()


def unknown(gaps: Gaps, *days: int) -> Gaps:
    known = gaps.history_known.copy()
    for day in days:
        known[0, DAYS.index(day), 0] = False
    return replace(gaps, history_known=known)


NO, YES = np.array([False]), np.array([True])


def test_linear():
    assert run("linear", gap()) == [120, 140, 160, 180]
    assert run("linear", gap(before_known=NO)) == [200] * 4
    assert run("linear", gap(after_known=NO)) == [100] * 4
    assert run("linear", gap(before_known=NO, after_known=NO)) is None
    assert run("linear", gap(length=np.array([9]))) is None
    assert run("linear", gap(), gap_max_s=3_599) is None


def test_outages_at_the_end_points():
    assert run("outage_end_points", gap()) is None
    assert run("outage_end_points", gap(outage_before=YES, outage_after=YES)) == [0] * 4
    assert run("outage_end_points", gap(outage_before=YES, before_known=NO)) == [200] * 4
    assert run("outage_end_points", gap(outage_after=YES, after_known=NO)) == [100] * 4
    assert run("outage_end_points", gap(outage_after=YES, before_known=NO)) is None


def test_no_supply_no_energy():
    assert run("outage_zero", gap()) is None
    assert run("outage_zero", gap(outage=np.ones((1, COUNT), dtype=np.bool_))) == [0] * 4
    partly = np.array([[True, False, False, True]])
    assert run("linear", gap(outage=partly)) == [0, 140, 160, 0]
    assert run("average_daily_load", gap(outage=partly, daily=np.array([9_600]))) == [0, 100, 100, 0]


def test_like_days_are_the_three_nearest_of_the_same_weekday():
    assert sum(run("like_day", gap())) == round(4 * (993 + 1007 + 986) / 3)
    assert sum(run("like_day", unknown(gap(), 7))) == round(4 * (993 + 986 + 1014) / 3)
    assert run("like_day", unknown(gap(), -7, 7, -14, 14, -21, -364)) is None
    assert run("like_day", gap(kind=np.array([HOLIDAY]))) is None
    assert run("like_day", gap(), days=1) == [993] * 4
    assert run("like_day", gap(), days_min=4) is None


def test_the_order_of_western_australia():
    assert run("like_day_ordered", gap()) == [993] * 4
    tuesdays = [day for day in DAYS if day % 7 == 0]
    assert run("like_day_ordered", unknown(gap(), *tuesdays)) is None  # days -1 and -2 are Monday and Sunday
    wednesday = gap(kind=np.array([2]), kinds=(2 + np.array([DAYS])) % 7)
    assert run("like_day_ordered", unknown(wednesday, *tuesdays)) == [999] * 4


def test_averaging():
    assert run("averaging", gap()) == [1000] * 4
    assert run("averaging", gap(), days=1) == [1000] * 4
    assert run("averaging", unknown(gap(), -1, 1, -2, 2)) is None  # four of six lack the first interval
    assert run("averaging", unknown(gap(), -1, 1, -2, 2), missing_percent=70) == [1000] * 4


def test_days_of_like_temperature():
    assert not gap().known(("warmth",))
    assert estimate(gap(), [method_use("proxy_day")]).which[0] == -1
    warmth = np.array([[9, 9, 9, 9, -1, 9, 1, 1, 9, 9]])
    assert sum(run("proxy_day", gap(warmth=warmth))) == round(4 * (993 + 986 + 1014) / 3)


def test_the_year_before():
    assert run("previous_year", gap()) == [636] * 4
    assert run("previous_year", unknown(gap(), -364)) is None


def test_what_is_assumed():
    assert run("average_daily_load", gap(daily=np.array([9_600]))) == [100] * 4
    assert run("assumed_annual_use", gap(annual=np.array([3_504_000]))) == [100] * 4
    assert run("profile", gap(profile=np.array([[1, 2, 3, 4]])), percent=500) == [5, 10, 15, 20]
    assert run("profile", gap(profile=np.zeros((1, COUNT), dtype=np.int64))) is None
    check, known = np.array([[7, 8, 9, 10]]), np.ones((1, COUNT), dtype=np.bool_)
    assert run("check_meter", gap(check=check, check_known=known)) == [7, 8, 9, 10]
    assert run("check_meter", gap(check=check, check_known=~known)) is None
    assert run("flat", gap()) == [1] * 4


def test_the_first_that_is_able_estimates():
    def name(chain, gaps):
        return chain[int(estimate(gaps, chain).which[0])].method.name

    long = gap(length=np.array([9]))
    bare = replace(long, history_known=np.zeros_like(long.history_known))
    assert name(WITHOUT_TOTAL, gap()) == "linear"
    assert name(WITHOUT_TOTAL, long) == "like_day"
    assert name(WITHOUT_TOTAL, unknown(long, *(day for day in DAYS if day % 7 == 0))) == "averaging"
    assert name(WITHOUT_TOTAL, replace(bare, daily=np.array([9_600]))) == "average_daily_load"
    assert name(WITHOUT_TOTAL, replace(bare, annual=np.array([9_600]))) == "assumed_annual_use"
    assert name(WITH_TOTAL, bare) == "flat"
    assert estimate(bare, WITHOUT_TOTAL).which.tolist() == [-1]


def test_there_are_twelve_methods_with_their_sources():
    registers = (from_average_daily_use, between_reads, from_intervals, subtractive)
    assert len(METHODS) + len(registers) >= 12
    assert all("(" in method.definition for method in METHODS.values())
    with pytest.raises(SettingError, match="no estimation method 'guess'"):
        method_use("guess")


def test_the_typical_day_is_of_whole_days_only():
    history = np.array([[1, 2], [3, 4], [100, 0]])
    known = np.array([[True, True], [True, True], [True, False]])
    assert typical_day(history, known) == 5
    assert typical_day(history, np.zeros_like(known)) is None
    assert rounded(np.array([[PARTS + 499]])).tolist() == [[1]]


def test_registers():
    assert from_average_daily_use((0, 0), (10 * DAY_S, 105), 12 * DAY_S) == 126
    assert from_average_daily_use_rounded((0, 0), (3 * DAY_S, 10), 13 * DAY_S) == 43  # 3.33 a day
    assert from_average_daily_use((0, 0), (3 * DAY_S, 10), 13 * DAY_S) == 43
    assert between_reads((0, 100), (10, 200), 5) == 150
    assert from_intervals(100, [1, 2, 3]) == 106
    assert subtractive([10, 10], [[1, 2], [3, 9]]) == [6, -1]
    with pytest.raises(ValueError, match="wrong order"):
        from_average_daily_use((1, 0), (1, 0), 2)
    with pytest.raises(ValueError, match="does not lie between"):
        between_reads((0, 0), (1, 1), 2)
    with pytest.raises(ValueError, match="different numbers"):
        subtractive([1], [[1, 2]])
