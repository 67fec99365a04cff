"""Billing runs over houses whose energies can be counted by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

import stores
from openami.backoffice.mdm.billing.plan import parse_plans
from openami.backoffice.mdm.billing.runs import Billing
from openami.backoffice.mdm.edits import Editor
from openami.backoffice.mdm.judge import Judge
from openami.backoffice.mdm.mdm import ACTIVE_ENERGY_IMPORT, Mdm
from openami.backoffice.registry.registry import Registry
from openami.model.errors import SettingError
from openami.model.obis import ObisCode
from openami.model.point import ChannelKind
from openami.model.quality import GuaranteeClass
from openami.model.reading import ProfileReading
from openami.model.unit import Unit

EXPORT = ObisCode(1, 0, 2, 8, 0)
FIRST, AFTER = date(2026, 3, 28), date(2026, 3, 30)  # summer time begins on the 29th: 24 and 23 hours
BEGIN = datetime(2026, 3, 27, 23, tzinfo=UTC)
NOW = datetime(2026, 4, 2, tzinfo=UTC)
PLAN = """
[[plan]]
name = "home"
register = "low"
holidays = ["2026-03-28"]
tiers_wh = [1000, 3000]
demand_window_s = 7200
metering = "gross"

[[plan.window]]
register = "high"
days = ["sat", "sun"]
from = "06:00"
until = "22:00"
"""


@pytest.fixture(params=stores.KINDS)
def store(request):
    with stores.opened(request.param) as made:
        yield made


def house(store, number, energies, *, export=None, gap=()):
    """A point with hourly energies from BEGIN on; hours in `gap` have no register at either end."""
    registry = Registry(store)
    point = registry.add_point(f"P{number}", "1 High Street", "Europe/Berlin").id
    meter = registry.add_meter(f"M{number}", bytes([number]), GuaranteeClass.SHARED_KEYS, None).id
    registry.install(meter, point, BEGIN - timedelta(days=1))
    for channel, (obis, values) in enumerate(((ACTIVE_ENERGY_IMPORT, energies), (EXPORT, export)), 1):
        if values is not None:
            registry.add_channel(point, channel, obis, ChannelKind.INTERVAL_ENERGY, Unit.WATT_HOUR, 0, 3_600)
            take(store, meter, obis, values, gap=gap)
    return point, meter


def take(store, meter, obis, energies, *, gap=(), known=NOW - timedelta(days=1)):
    registers = np.concatenate(([0], np.cumsum(energies))).astype(np.int64)
    stamps = int(BEGIN.timestamp()) + 3_600 * np.arange(len(registers), dtype=np.int64)
    there = np.array([at not in gap for at in range(len(registers))])
    status = np.zeros(int(there.sum()), dtype=np.uint8)
    reading = ProfileReading(meter, obis, 3_600, stamps[there], registers[there], status, known, 1)
    Mdm(store, Registry(store)).take_profile([reading])


def billed(store):
    billing = Billing(store, Registry(store))
    billing.store_plans(PLAN, NOW)
    return billing, billing.run("home", FIRST, AFTER, NOW)


def values(result):
    return {line.name: line.value for line in result.lines}


def test_registers_tiers_and_demand_over_summer_time(store):
    energies = [100] * 47
    energies[30] = 900
    point, _ = house(store, 1, energies)
    billing, run = billed(store)
    [result] = billing.results(run.id)
    told = values(result)
    assert (told["import"], told["import.high"], told["import.low"]) == (5_500, 2_400, 3_100)
    assert [told[f"tier.{n}"] for n in (1, 2, 3)] == [1_000, 2_000, 2_500]
    assert told["demand"] == 500
    assert result.lines[0].intervals == 47
    assert result.metering_point == point


def test_what_is_missing_and_estimated_is_told(store):
    point, _ = house(store, 1, [100] * 47, gap=(10,))
    billing, run = billed(store)
    [before] = billing.results(run.id)
    assert (before.lines[0].value, before.lines[0].missing, before.lines[0].estimated) == (4_500, 2, 0)
    Judge(store, Registry(store)).judge(BEGIN, BEGIN + timedelta(hours=47), NOW, [point])
    found = billing.again(run.id, NOW)
    assert {each.name: each.value for each in found}["import"] == 200
    [after] = billing.results(run.id)
    assert (after.version, after.lines[0].missing, after.lines[0].estimated) == (2, 0, 2)
    assert after.lines[0].estimated_value == 200


def test_net_metering(store):
    house(store, 1, [100] * 47, export=[0] * 20 + [300] * 10 + [0] * 17)
    billing = Billing(store, Registry(store))
    billing.store_plans(PLAN.replace('"gross"', '"net"'), NOW)
    run = billing.run("home", FIRST, AFTER, NOW)
    told = values(next(iter(billing.results(run.id))))
    assert (told["import"], told["export"], told["net"]) == (4_700, 3_000, 1_700)
    assert [told[f"tier.{n}"] for n in (1, 2, 3)] == [1_000, 700, 0]


def test_a_run_is_frozen_and_a_correction_is_a_difference(store):
    point, meter = house(store, 1, [100] * 47)
    other, _ = house(store, 2, [50] * 47)
    billing, run = billed(store)
    before = list(billing.results(run.id))
    take(store, meter, ACTIVE_ENERGY_IMPORT, [100] * 20 + [150] * 27, known=NOW)
    assert billing.run("home", FIRST, AFTER, NOW + timedelta(days=1)) == run
    assert list(billing.results(run.id)) == before
    assert billing.check(run.id) == []
    found = billing.again(run.id, NOW + timedelta(days=1))
    assert {each.metering_point for each in found} == {point}
    assert {each.name: each.value for each in found}["import"] == 27 * 50
    assert billing.again(run.id, NOW + timedelta(days=2)) == []
    assert billing.check(run.id) == [], "both versions are computed again from what each rested on"
    assert [result.version for result in billing.results(run.id)] == [2, 1]
    assert other == 2


def test_an_edit_is_a_difference_too(store):
    point, _ = house(store, 1, [100] * 47)
    billing, run = billed(store)
    Editor(store, Registry(store), four_eyes=False).propose(point, 1, BEGIN, [0], "test load", "ann", NOW)
    [change] = [each for each in billing.again(run.id, NOW) if each.name == "import"]
    assert (change.before, change.after, change.value) == (4_700, 4_600, -100)


def test_a_tampered_result_is_found(store):
    from sqlalchemy import update

    from openami.backoffice.mdm.billing.tables import billing_result

    point, _ = house(store, 1, [100] * 47)
    billing, run = billed(store)
    with store.transaction() as connection:
        connection.execute(update(billing_result).values(content="[]"))
    assert billing.check(run.id) == [point]


def test_a_run_that_was_cut_off_goes_on(store, monkeypatch):
    monkeypatch.setattr("openami.backoffice.mdm.billing.runs.POINTS_AT_ONCE", 1)
    for number in (1, 2, 3):
        house(store, number, [100] * 47)
    billing = Billing(store, Registry(store))
    billing.store_plans(PLAN, NOW)
    whole, calls = Billing._bill, []

    def cut(self, *given):
        calls.append(given)
        if len(calls) == 2:
            raise RuntimeError
        whole(self, *given)

    monkeypatch.setattr(Billing, "_bill", cut)
    with pytest.raises(RuntimeError):
        billing.run("home", FIRST, AFTER, NOW)
    [run] = billing.runs()
    assert run.ended_at is None
    assert len(list(billing.results(run.id))) == 1
    assert billing.run("home", FIRST, AFTER, NOW).ended_at is not None
    assert [(each.metering_point, each.version) for each in billing.results(run.id)] == [(1, 1), (2, 1), (3, 1)]


def test_a_point_without_intervals_has_a_result_without_lines(store):
    Registry(store).add_point("P1", "1 High Street", "Europe/Berlin")
    billing, run = billed(store)
    [result] = billing.results(run.id)
    assert result.lines == ()
    assert billing.check(run.id) == []


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"06:00"', '"25:00"', "no time of day"),
        ('until = "22:00"', 'until = "05:00"', "is empty"),
        ('["sat", "sun"]', '["saturday"]', "is no day"),
        ("[1000, 3000]", "[3000, 1000]", "must rise"),
        ("7200", "7000", "does not divide a day"),
        ('name = "home"', "", "missing required field"),
    ],
)
def test_a_wrong_plan_is_refused(old, new, reason):
    with stores.opened("sqlite") as store, pytest.raises(SettingError, match=reason):
        Billing(store, Registry(store)).store_plans(PLAN.replace(old, new), NOW)


def test_no_plan_is_called_contracts():
    with pytest.raises(SettingError, match="contract"):
        parse_plans('[[plan]]\nname = "contracts"\nregister = "all"\n')
