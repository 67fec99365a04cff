"""Rule sets as settings: written in TOML, kept in versions, used on the days for which they hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import func, select

from openami.backoffice.mdm.close.close import Close
from openami.backoffice.mdm.judge import Judge
from openami.backoffice.mdm.stored_rules import parse_rule_sets, store_rule_sets, stored_rule_sets
from openami.backoffice.mdm.tables import judging_setting
from openami.backoffice.mdm.validation.rule_set import ChannelClass, Consequence
from openami.model.errors import SettingError
from openami.model.quality import Quality

STRICT = """
[[rule_set]]
name = "strict"
class = "consumption"
start = 2026-02-11
end = 2026-02-12
with_total = ["flat"]

[rule_set.rules]
missing_interval = { consequence = "refuse" }
demand_limits = { consequence = "refuse", power_max = 2000 }
"""
START = datetime(2026, 2, 10, tzinfo=UTC)
NOW = START + timedelta(days=3, hours=7)


def put(store, text):
    with store.transaction() as connection:
        return store_rule_sets(connection, parse_rule_sets(text), NOW)


def held(store):
    with store.reading() as connection:
        return stored_rule_sets(connection)


def test_a_set_holds_on_its_days_and_the_defaults_on_others(store):
    assert put(store, STRICT) == 1
    sets = held(store)
    assert [sets.on(ChannelClass.CONSUMPTION, date(2026, 2, day)).name for day in (10, 11, 12)] == [
        "consumption 1", "strict", "consumption 1",
    ]  # fmt: skip
    assert sets.on(ChannelClass.OTHER, date(2026, 2, 11)).name == "other 1"
    strict = sets.on(ChannelClass.CONSUMPTION, date(2026, 2, 11))
    assert [(use.rule.name, use.consequence, use.parameters.get("power_max")) for use in strict.uses] == [
        ("missing_interval", Consequence.REFUSE, None), ("demand_limits", Consequence.REFUSE, 2000),
    ]  # fmt: skip
    assert [use.method.name for use in strict.chains.with_total] == ["flat"]


def test_only_changes_are_stored_each_as_a_version(store):
    assert put(store, STRICT) == 1
    assert put(store, STRICT) == 0
    assert put(store, STRICT.replace("2000", "3000")) == 1
    with store.reading() as connection:
        assert connection.execute(select(func.max(judging_setting.c.version))).scalar() == 2
    assert held(store).on(ChannelClass.CONSUMPTION, date(2026, 2, 11)).uses[1].parameters["power_max"] == 3000


def test_two_sets_for_one_day_are_refused(store):
    put(store, STRICT)
    with pytest.raises(SettingError, match="both hold"):
        put(store, STRICT.replace('"strict"', '"other"'))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("missing_interval", "mising_interval", "no validation rule 'mising_interval'"),
        ("power_max = 2000", "power_max = 2000.5", "rule_set"),
        ("power_max", "pwr_max", "no parameter 'pwr_max'"),
        ('"refuse", power', '"reject", power', "refuse or note"),
        ('["flat"]', '["fat"]', "no estimation method 'fat'"),
        ('["flat"]', "[{ hours = 1 }]", "method with parameters"),
        ('"consumption"', '"water"', "water"),
        ("[[rule_set]]", "[[rule_set", "rule sets"),
    ],
)
def test_what_is_wrong_is_said(old, new, said):
    with pytest.raises(SettingError, match=said):
        parse_rule_sets(STRICT.replace(old, new))


@pytest.mark.parametrize("way", ["judge", "close"])
def test_a_day_is_judged_by_its_own_set(house, way):
    """Two days alike with 3 kW in one quarter hour: the second one's set refuses it and shares evenly."""
    steps = np.full(192, 100)
    steps[[40, 136]] = 750
    registers = np.concatenate(([0], np.cumsum(steps)))
    given = house.reading(0, 193)
    whole = np.ones(193, dtype=np.bool_)
    whole[138] = False  # a gap beside it: the three intervals are shared
    kept = {"stamps": given.stamps[whole], "registers": registers[whole], "status": given.status[whole]}
    house.mdm.take_profile([replace(given, **kept)])
    put(house.store, STRICT)
    judge = Judge(house.store, house.registry, held(house.store))
    if way == "judge":
        judge.judge(START, START + timedelta(days=2), NOW)
    else:
        for day in (10, 11):
            Close(house.store).close(date(2026, 2, day), NOW)
    series = judge.validated(house.point, 1, START, START + timedelta(days=2))
    assert series.quality[40] == Quality.MEASURED
    estimated = np.flatnonzero(series.quality == Quality.ESTIMATED).tolist()
    assert estimated == [136, 137, 138]
    assert series.values[136:139].tolist() == [317, 317, 316], "750 + 2 × 100, shared evenly"
    assert judge.explain(house.point, 1, START + timedelta(minutes=15 * 138)).rule_set == "strict"
    assert judge.explain(house.point, 1, START + timedelta(minutes=15 * 40)).rule_set == "consumption 1"
    names = [reason.name for reason in judge.explain(house.point, 1, START + timedelta(minutes=15 * 138)).reasons]
    assert "flat" in names
