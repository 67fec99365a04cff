"""The judge on a house whose energies can be counted by hand."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from openami.backoffice.mdm.judge import Judge
from openami.backoffice.mdm.mdm import ACTIVE_ENERGY_IMPORT
from openami.backoffice.mdm.reasons import Outcome
from openami.backoffice.mdm.validation.rule_set import ChannelClass, RuleSet, RuleSets, full_set, use
from openami.backoffice.registry.registry import NotRegistered
from openami.model.errors import SettingError
from openami.model.point import ChannelKind
from openami.model.quality import Quality
from openami.model.unit import Unit

DAY = 96


@pytest.fixture
def judge(house):
    return Judge(house.store, house.registry)


def start_of(house):
    return house.registry.installations(house.meter)[0].start


def judged(house, judge, days: int = 1, after: int = 0):
    """Judge `days` days; their intervals as (values, qualities)."""
    start = start_of(house)
    end = start + timedelta(days=days)
    judge.judge(start, end, end + timedelta(days=after))
    series = judge.validated(house.point, 1, start, end)
    return series.values.tolist(), series.quality.tolist()


def at(house, quarter: int):
    return start_of(house) + timedelta(minutes=15 * quarter)


def test_what_was_measured_stays(house, judge):
    house.mdm.take_profile([house.reading(0, DAY + 1)])
    before = house.versions()
    values, quality = judged(house, judge)
    assert values == [100] * DAY
    assert set(quality) == {Quality.MEASURED}
    assert house.versions() == before


def test_a_gap_sums_to_its_registers(house, judge):
    house.mdm.take_profile([house.reading(0, 41), house.reading(50, DAY - 49, base=7)])
    values, quality = judged(house, judge)
    assert quality == [Quality.MEASURED] * 40 + [Quality.ESTIMATED] * 10 + [Quality.MEASURED] * (DAY - 50)
    assert sum(values[40:50]) == 1_007
    assert sum(values) == 100 * DAY + 7
    told = judge.explain(house.point, 1, at(house, 44))
    assert (told.measured, told.value, told.quality) == (None, values[44], Quality.ESTIMATED)
    missing, method = told.reasons
    assert (missing.name, missing.outcome, missing.first, missing.count) == (
        "missing_interval",
        Outcome.REFUSED,
        40,
        10,
    )
    assert (method.name, method.outcome) == ("flat", Outcome.ESTIMATED)
    assert method.inputs["total"] == 1_007
    origin = int(start_of(house).timestamp())
    assert method.inputs["registers"] == [
        [origin + 40 * 900, house.meter, 4_000, 1],
        [origin + 50 * 900, house.meter, 5_007, 1],
    ]


def test_a_short_gap_is_a_line_between_its_neighbours(house, judge):
    house.mdm.take_profile([house.reading(0, 41), house.reading(44, DAY - 43, base=8_000 - 4_400 + 1_000, step=100)])
    judged(house, judge)
    told = judge.explain(house.point, 1, at(house, 41)).reasons[-1]
    assert (told.name, told.parameters) == ("linear", {"gap_max_s": 7_200})


def test_a_late_register_rescales_the_estimates_before_it(house, judge):
    house.mdm.take_profile([house.reading(0, 41)])
    values, quality = judged(house, judge)
    assert quality[40:] == [Quality.MISSING] * (DAY - 40)
    assert judge.explain(house.point, 1, at(house, 50)).reasons[-1].outcome is Outcome.NOT_ESTIMATED
    house.mdm.take_register([house.register(DAY, 9_999)])
    values, quality = judged(house, judge)
    assert sum(values) == 9_999
    assert quality[40:] == [Quality.ESTIMATED] * (DAY - 40)
    house.mdm.take_register([house.register(60, 8_000)])
    values, _ = judged(house, judge)
    assert (sum(values[:60]), sum(values[60:])) == (8_000, 1_999)
    assert judge.explain(house.point, 1, at(house, 50)).version == 3


def test_late_readings_replace_estimates(house, judge):
    house.mdm.take_profile([house.reading(0, 41), house.reading(50, DAY - 49, base=7)])
    judged(house, judge)
    house.mdm.take_profile([house.reading(44, 3)])
    assert judge.explain(house.point, 1, at(house, 45)).stale
    values, quality = judged(house, judge)
    assert values[44:46] == [100, 100]
    assert quality[43:47] == [Quality.ESTIMATED, Quality.MEASURED, Quality.MEASURED, Quality.ESTIMATED]
    assert sum(values) == 100 * DAY + 7
    assert not judge.explain(house.point, 1, at(house, 45)).stale


def test_like_days_give_the_shape(house, judge):
    shape = np.tile(np.repeat([50, 150], 48), 21)
    registers = np.concatenate(([0], np.cumsum(shape)))
    whole = house.reading(0, len(registers))
    day, gap = 15, slice(15 * DAY + 1, 16 * DAY)
    keep = np.ones(len(registers), dtype=np.bool_)
    keep[gap] = False
    house.mdm.take_profile(
        [type(whole)(
            whole.meter, whole.obis, 900, whole.stamps[keep], registers[keep], whole.status[keep], whole.known_at, 1
        )]
    )  # fmt: skip
    values, quality = judged(house, judge, days=21)
    cut = slice(day * DAY, (day + 1) * DAY)
    assert quality[cut] == [Quality.ESTIMATED] * DAY
    assert values[cut] == shape[cut].tolist()
    told = judge.explain(house.point, 1, at(house, day * DAY)).reasons[-1]
    assert (told.name, told.inputs["days"]) == ("like_day", [-14, -7])


def spoilt(house, wrong: int, by: int):
    """A day in which one register is wrong."""
    reading = house.reading(0, DAY + 1)
    reading.registers[wrong] += by
    return reading


@pytest.mark.parametrize("by", [9_000_000, -4_000])
def test_one_wrong_register_spoils_two_intervals_and_no_more(house, judge, by):
    house.mdm.take_profile([spoilt(house, 50, by)])
    values, quality = judged(house, judge)
    assert values == [100] * DAY
    assert quality == [Quality.MEASURED] * 49 + [Quality.ESTIMATED] * 2 + [Quality.MEASURED] * (DAY - 51)
    names = [each.name for each in judge.explain(house.point, 1, at(house, 49 if by > 0 else 50)).reasons]
    assert ("demand_limits" if by > 0 else "register_dip") in names


def test_what_the_registers_confirm_stays(house, judge):
    after = house.reading(51, DAY - 50, base=20_000)
    house.mdm.take_profile([house.reading(0, 51), after])
    values, quality = judged(house, judge)
    assert (values[50], quality[50]) == (20_100, Quality.MEASURED)
    told = {each.name: each.outcome for each in judge.explain(house.point, 1, at(house, 50)).reasons}
    assert told["demand_limits"] is Outcome.CONFIRMED
    assert told["spike"] is Outcome.NOTED


def test_what_has_not_happened_is_not_missing(house, judge):
    house.mdm.take_profile([house.reading(0, 41)])
    start = start_of(house)
    result = judge.judge(start, start + timedelta(days=1), at(house, 40))
    assert (result.days, result.estimated) == (1, 0)
    assert not judge.explain(house.point, 1, at(house, 50)).reasons


def test_a_gap_that_is_too_long_stays(house, judge):
    days = 40
    house.mdm.take_profile([house.reading(0, 41), house.reading(days * DAY, 41)])
    start = start_of(house)
    judge.judge(start, start + timedelta(days=days), start + timedelta(days=days + 1))
    told = judge.explain(house.point, 1, at(house, 20 * DAY)).reasons[-1]
    assert (told.outcome, told.inputs["days_max"]) == (Outcome.NOT_ESTIMATED, 35)


def test_judging_again_stores_nothing(house, judge):
    house.mdm.take_profile([house.reading(0, 41), house.reading(50, DAY - 49, base=7)])
    start = start_of(house)
    first = judge.judge(start, start + timedelta(days=1), start + timedelta(days=1))
    again = judge.judge(start, start + timedelta(days=1), start + timedelta(days=1, hours=3))
    assert (first.stored, again.stored) == (1, 0)
    assert (first.days, first.estimated) == (again.days, again.estimated)


def test_another_rule_set_judges_otherwise(house):
    kind = ChannelClass.CONSUMPTION
    start = start_of(house)
    old = RuleSet("mild", kind, start.date(), start.date() + timedelta(days=1), ())
    new = RuleSet("strict", kind, start.date() + timedelta(days=1), None, (use("never_zero", power_min=1),))
    judge = Judge(house.store, house.registry, RuleSets([old, new]))
    house.mdm.take_profile([house.reading(0, 2 * DAY + 1)])
    judged(house, judge, days=2)
    first, second = (judge.explain(house.point, 1, at(house, quarter)) for quarter in (1, DAY + 1))
    assert (first.rule_set, first.reasons) == ("mild", ())
    assert (second.rule_set, [each.name for each in second.reasons]) == ("strict", ["never_zero"])
    assert full_set(kind).name == "consumption 1"
    with pytest.raises(SettingError, match="no rule set holds for consumption channels on 2026-02-09"):
        judge.judge(start - timedelta(days=1), start, start)


def test_nobody_has_judged_yet(house, judge):
    house.mdm.take_profile([house.reading(0, 41)])
    told = judge.explain(house.point, 1, at(house, 3))
    assert (told.value, told.quality, told.version, told.reasons) == (100, Quality.MEASURED, 0, ())
    series = judge.validated(house.point, 1, start_of(house), at(house, 41))
    assert series.values.tolist() == [100] * 40 + [0]


def test_a_channel_without_intervals_has_no_judgement(house, judge):
    house.registry.add_channel(house.point, 2, ACTIVE_ENERGY_IMPORT, ChannelKind.STAMPED_REGISTER, Unit.WATT_HOUR, 0, 0)
    with pytest.raises(NotRegistered, match="stamped-register"):
        judge.validated(house.point, 2, start_of(house), at(house, 4))
    with pytest.raises(NotRegistered, match="stamped-register"):
        judge.explain(house.point, 2, at(house, 4))


def test_a_judgement_goes_when_its_ground_goes(house, judge):
    house.mdm.take_profile([house.reading(0, 41), house.reading(2 * DAY, 41)])
    start = start_of(house)
    period = start + timedelta(days=1), start + timedelta(days=2)
    judge.judge(*period, start + timedelta(days=3))
    assert judge.explain(house.point, 1, at(house, DAY + 5)).quality is Quality.ESTIMATED
    judge.judge(*period, start)
    assert judge.explain(house.point, 1, at(house, DAY + 5)).quality is Quality.MISSING
