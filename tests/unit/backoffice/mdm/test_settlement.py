"""Balances of a small grid whose terms can be counted by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

import stores
from openami.backoffice.mdm.mdm import ACTIVE_ENERGY_IMPORT, Mdm
from openami.backoffice.mdm.settlement import Grouping, balances
from openami.backoffice.registry.facts import FactKind
from openami.backoffice.registry.registry import Registry
from openami.backoffice.registry.timeline import Timeline
from openami.model.errors import SettingError
from openami.model.obis import ObisCode
from openami.model.point import ChannelKind
from openami.model.quality import GuaranteeClass
from openami.model.reading import ProfileReading
from openami.model.unit import Unit

BEGIN = datetime(2026, 2, 10, tzinfo=UTC)
END = BEGIN + timedelta(hours=4)
EXPORT = ObisCode(1, 0, 2, 8, 0)


@pytest.fixture(params=stores.KINDS)
def store(request):
    with stores.opened(request.param) as made:
        yield made


def point(store, number, energies, *, role="", export=None, transformer="T1", gap=()):
    registry = Registry(store)
    made = registry.add_point(f"P{number}", "1 High Street", "Europe/Berlin").id
    meter = registry.add_meter(f"M{number}", bytes([number]), GuaranteeClass.SHARED_KEYS, None).id
    registry.install(meter, made, BEGIN)
    content = {"area": "A", "feeder": "F", "transformer": transformer} | ({"role": role} if role else {})
    Timeline(store).enter(FactKind.TOPOLOGY, made, BEGIN - timedelta(days=9), None, content, BEGIN)
    for channel, (obis, values) in enumerate(((ACTIVE_ENERGY_IMPORT, energies), (EXPORT, export)), 1):
        if values is None:
            continue
        registry.add_channel(made, channel, obis, ChannelKind.INTERVAL_ENERGY, Unit.WATT_HOUR, 0, 3_600)
        there = [at for at in range(len(values) + 1) if at not in gap]
        registers = np.concatenate(([0], np.cumsum(values)))[there].astype(np.int64)
        stamps = int(BEGIN.timestamp()) + 3_600 * np.array(there, dtype=np.int64)
        status = np.zeros(len(there), dtype=np.uint8)
        Mdm(store, registry).take_profile([ProfileReading(meter, obis, 3_600, stamps, registers, status, END, 1)])
    return made


def test_the_loss_of_an_area(store):
    point(store, 1, [100] * 4)
    point(store, 2, [50] * 4, export=[200] * 4)
    point(store, 3, [0] * 4, export=[0] * 4, role="exchange")
    point(store, 4, [10] * 4, role="exchange")
    found = balances(store, Registry(store), Grouping.AREA, BEGIN, END)
    assert [(each.consumed_wh, each.produced_wh, each.inflow_wh, each.loss_wh) for each in found] == [
        (150, 200, 10, 60)
    ] * 4
    assert (found[0].group, found[0].points, found[0].intervals) == ("A", 4, 6)


def test_a_missing_term_makes_the_loss_unknown(store):
    point(store, 1, [100] * 4, gap=(2,))
    point(store, 2, [400] * 4, role="exchange")
    found = balances(store, Registry(store), Grouping.AREA, BEGIN, END)
    assert [each.missing for each in found] == [0, 1, 1, 0]
    assert [each.loss_wh for each in found] == [300, None, None, 300]
    assert found[1].known_loss_wh == 400


def test_a_point_without_values_is_counted(store):
    point(store, 1, [100] * 4)
    silent = Registry(store).add_point("P9", "9 High Street", "Europe/Berlin").id
    Timeline(store).enter(FactKind.TOPOLOGY, silent, BEGIN, None, {"area": "A"}, BEGIN)
    [each] = balances(store, Registry(store), Grouping.AREA, BEGIN, END, 4 * 3_600)
    assert (each.points, each.silent, each.missing, each.loss_wh) == (2, 1, 1, None)


def test_who_moves_is_summed_where_it_was(store):
    moved = point(store, 1, [100] * 4)
    timeline = Timeline(store)
    at = BEGIN + timedelta(hours=1)
    timeline.correct(FactKind.TOPOLOGY, moved, at, None, {"area": "A", "transformer": "T2"}, END)
    found = balances(store, Registry(store), Grouping.TRANSFORMER, BEGIN, END, 4 * 3_600)
    assert [(each.group, each.consumed_wh, each.intervals) for each in found] == [("T1", 100, 1), ("T2", 300, 3)]
    before = balances(store, Registry(store), Grouping.TRANSFORMER, BEGIN, END, 4 * 3_600, BEGIN)
    assert [(each.group, each.consumed_wh) for each in before] == [("T1", 400)]


def test_by_supplier_with_a_change_and_one_that_has_none(store):
    one = point(store, 1, [100] * 4)
    point(store, 2, [10] * 4)
    timeline = Timeline(store)
    timeline.enter(FactKind.CONTRACT, one, BEGIN, BEGIN + timedelta(hours=3), {"supplier": "North"}, BEGIN)
    timeline.enter(FactKind.CONTRACT, one, BEGIN + timedelta(hours=3), None, {"supplier": "South"}, BEGIN)
    found = balances(store, Registry(store), Grouping.SUPPLIER, BEGIN, END, 4 * 3_600)
    assert [(each.group, each.consumed_wh) for each in found] == [("", 40), ("North", 300), ("South", 100)]


def test_a_period_that_does_not_fit_is_refused(store):
    point(store, 1, [100] * 4)
    with pytest.raises(SettingError, match="whole number"):
        balances(store, Registry(store), Grouping.AREA, BEGIN, END + timedelta(minutes=1))
    with pytest.raises(SettingError, match="cannot be made of"):
        balances(store, Registry(store), Grouping.AREA, BEGIN, END, 900)
