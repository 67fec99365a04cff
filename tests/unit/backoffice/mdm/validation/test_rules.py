"""Every rule finds what it is declared to find, where it is, and nothing on an ordinary day."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date

import numpy as np
import pytest

from openami.backoffice.mdm.validation.catalogue import CATALOGUE
from openami.backoffice.mdm.validation.check import WHOLE_DAY, check, not_run
from openami.backoffice.mdm.validation.columns import Columns, runs_of
from openami.backoffice.mdm.validation.rule_set import (
    DEFAULT_RULE_SETS,
    ChannelClass,
    Consequence,
    RuleSet,
    RuleSets,
    class_of,
    use,
)
from openami.model.errors import SettingError
from openami.model.obis import ObisCode

ROWS, COUNT = 3, 96
ROW = 1  # the day that is spoilt; its neighbours stay ordinary
SHAPE = ROWS, COUNT


def ordinary() -> Columns:
    """Three days of a house: 40 to 135 Wh a quarter hour, all different from one to the next."""
    energy = np.tile(40 + np.arange(COUNT, dtype=np.int64), (ROWS, 1))
    off, on = np.zeros(SHAPE, dtype=np.bool_), np.ones(SHAPE, dtype=np.bool_)
    each = np.ones(ROWS, dtype=np.int64)
    total = energy.sum(axis=1)
    return Columns(
        900, energy, off.copy(), np.zeros(SHAPE, dtype=np.uint8), outage=off.copy(), installed=on.copy(),
        sibling=on.copy(), current=energy.copy(), delivered=on.copy(), loss=off.copy(), dip=off.copy(),
        profile=energy.copy(), check=energy.copy(), check_known=on.copy(),
        register=total.copy(), register_known=np.ones(ROWS, dtype=np.bool_), expected=total.copy(),
        history_days=28 * each, history_mean=total.copy(), history_sd=500 * each, history_peak=135 * each,
        estimated_days=0 * each, size_s=900 * each, multiplier=each.copy(), registry_multiplier=each.copy(),
        device=each.copy(), registry_device=each.copy(), unit=each.copy(), registry_unit=each.copy(),
        sender=each.copy(), registry_sender=each.copy(), doubled=0 * each, clock_offset_s=0 * each,
        age_s=3_600 * each,
    )  # fmt: skip


def put(name: str, value: object, at: object = ...):
    """Spoil `ROW`: the column `name` holds `value` at the intervals `at`."""

    def spoil(columns: Columns) -> None:
        column = getattr(columns, name)
        column[(ROW, at) if column.ndim == 2 else ROW] = value

    return spoil


def both(*spoils):
    return lambda columns: [spoil(columns) for spoil in spoils]


def gone(at):
    return both(put("missing", True, at), put("energy", 0, at))


EVENING = slice(70, 74)
NIGHT = slice(0, 8)
WHOLE = "the whole day"
SPOILT = {
    "missing_interval": (gone(EVENING), EVENING),
    "duplicate": (put("doubled", 2), WHOLE),
    "interval_size": (put("size_s", 1_800), WHOLE),
    "unit": (put("unit", 7), WHOLE),
    "multiplier": (put("multiplier", 40), WHOLE),
    "device_identity": (put("device", 9), WHOLE),
    "ownership": (put("sender", 9), WHOLE),
    "sibling_channels": (gone(EVENING), EVENING),
    "clock_tolerance": (put("clock_offset_s", -61), WHOLE),
    "age": (put("age_s", 1_097 * 86_400), WHOLE),
    "digits": (put("energy", 10**10, 5), slice(5, 6)),
    "replacement_of_final": (put("current", 60, slice(0, 1)), slice(0, 1)),
    "prolonged_estimation": (put("estimated_days", 6), WHOLE),
    "negative": (put("energy", -1, 3), slice(3, 4)),
    "demand_limits": (put("energy", 12_501, 3), slice(3, 4)),
    "consecutive_change": (put("energy", 1_300, 3), slice(3, 4)),
    "meter_flags": (put("status", 0x04, EVENING), EVENING),
    "outage": (put("outage", True, EVENING), EVENING),
    "voltage_current_loss": (put("loss", True, EVENING), EVENING),
    "register_dip": (put("dip", True, EVENING), EVENING),
    "inactive_usage": (put("installed", False, EVENING), EVENING),
    "spike": (put("energy", 5_000, 30), slice(30, 31)),
    "zero_run": (put("energy", 0), slice(0, COUNT)),
    "stuck_run": (put("energy", 77, slice(10, 16)), slice(10, 16)),
    "negative_run": (put("energy", -5, EVENING), EVENING),
    "outage_run": (put("outage", True, slice(20, 36)), slice(20, 36)),
    "sum_check": (put("register", 8_401), WHOLE),
    "check_difference": (put("check", 10_000, 3), WHOLE),
    "high_low_history": (put("history_mean", 100_000), WHOLE),
    "high_low_factor": (put("expected", 100_000), WHOLE),
    "twice_expected": (put("expected", 4_199), WHOLE),
    "historical_peak": (put("history_peak", 67), WHOLE),
    "dynamic_comparison": (put("history_mean", 10_500), WHOLE),
    "zero_consumption": (put("energy", 0), WHOLE),
    "never_zero": (put("energy", 75 + np.arange(COUNT)), WHOLE),
    "register_delta": (put("register", -1), WHOLE),
    "shifted_shape": (lambda columns: np.copyto(columns.energy[ROW], np.roll(columns.energy[ROW], 2)), WHOLE),
}


def found(name: str, columns: Columns) -> set[tuple[int, int]]:
    findings = check(columns, [use(name)], rows_at_once=2)
    return {pair for one in findings for pair in zip(one.rows.tolist(), one.intervals.tolist(), strict=True)}


def test_every_rule_is_tried():
    assert set(SPOILT) == set(CATALOGUE)
    assert len(CATALOGUE) >= 25


@pytest.mark.parametrize("name", CATALOGUE)
def test_an_ordinary_day_is_left_alone(name):
    assert not found(name, ordinary())


@pytest.mark.parametrize("name", SPOILT)
def test_what_is_wrong_is_found_where_it_is(name):
    spoil, where = SPOILT[name]
    columns = ordinary()
    spoil(columns)
    wanted = {(ROW, WHOLE_DAY)} if where is WHOLE else {(ROW, at) for at in range(COUNT)[where]}
    assert found(name, columns) == wanted


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_rule_alters_nothing_and_names_all_that_it_needs(name):
    rule = CATALOGUE[name]
    columns = ordinary()
    SPOILT[name][0](columns)
    before = {field.name: np.copy(getattr(columns, field.name)) for field in fields(columns)}
    expected = found(name, columns)
    for key, column in before.items():
        assert np.array_equal(column, getattr(columns, key)), key
    optional = [field.name for field in fields(columns)][3:]
    bare = replace(columns, **{key: None for key in optional if key not in rule.needs})
    assert found(name, bare) == expected
    for need in rule.needs:
        lacking = replace(columns, **{need: None})
        assert not found(name, lacking)
        assert not_run(lacking, [use(name)]) == [(name, [need])]


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_rule_says_what_it_does_and_where_it_is_from(name):
    rule = CATALOGUE[name]
    assert "(" in rule.definition, "the source stands in brackets"
    assert all(parameter.meaning for parameter in rule.parameters)


def test_negative_values_are_allowed_where_it_is_said():
    columns = ordinary()
    columns.energy[ROW, 3] = -1
    assert not [*check(columns, [use("negative", allowed=1)])]


def test_unknown_names_are_refused():
    with pytest.raises(SettingError, match="no validation rule 'spikes'"):
        use("spikes")
    with pytest.raises(SettingError, match="no parameter 'percents'; it has percent, floor_power"):
        use("spike", percents=3)


@pytest.mark.parametrize("length", range(1, 12))
def test_runs_against_counting(length):
    mask = np.random.default_rng(length).random((40, 23)) < 0.7
    wanted = np.zeros_like(mask)
    for row, at in np.argwhere(mask).tolist():
        first = at
        while first and mask[row, first - 1]:
            first -= 1
        last = at
        while last + 1 < 23 and mask[row, last + 1]:
            last += 1
        wanted[row, at] = last - first + 1 >= length
    assert np.array_equal(runs_of(mask, length), wanted)


def test_rule_sets_hold_from_day_to_day():
    kind = ChannelClass.CONSUMPTION
    old = RuleSet("old", kind, date(2020, 1, 1), date(2026, 1, 1), (use("spike"),))
    new = RuleSet("new", kind, date(2026, 1, 1), None, (use("spike", Consequence.REFUSE, percent=200),))
    sets = RuleSets([new, old])
    assert sets.on(kind, date(2025, 12, 31)).name == "old"
    assert sets.on(kind, date(2026, 1, 1)).name == "new"
    with pytest.raises(SettingError, match="no rule set holds for consumption channels on 2019-12-31"):
        sets.on(kind, date(2019, 12, 31))
    with pytest.raises(SettingError, match="both hold on 2026-01-01"):
        RuleSets([replace(old, end=None), new])


def test_the_default_sets():
    names = {each.rule.name for each in DEFAULT_RULE_SETS.on(ChannelClass.CONSUMPTION, date(2026, 1, 1)).uses}
    assert names == set(CATALOGUE)
    assert class_of(ObisCode.parse("1-0:2.8.0*255")) is ChannelClass.GENERATION
    assert class_of(ObisCode.parse("7-0:3.0.0*255")) is ChannelClass.OTHER
