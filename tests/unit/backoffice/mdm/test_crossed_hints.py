"""Real households whose meters are exchanged: crossed ones are found, others are left alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

import stores
from openami.app.mdm_curves import shipped_curves
from openami.backoffice.mdm.crossed import CrossedMeters, Request
from openami.backoffice.mdm.crossed_hints import hints
from openami.backoffice.mdm.judge import Judge
from openami.backoffice.mdm.mdm import ACTIVE_ENERGY_IMPORT, Mdm
from openami.backoffice.registry.facts import FactKind
from openami.backoffice.registry.registry import Registry
from openami.backoffice.registry.timeline import Timeline
from openami.model.point import ChannelKind
from openami.model.quality import GuaranteeClass
from openami.model.reading import ProfileReading
from openami.model.unit import Unit

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
AT = BEGIN + timedelta(days=30)
DAYS = 60


@pytest.fixture(scope="module")
def curves():
    return [curve.energy.reshape(len(curve.energy), 24, -1).sum(axis=2)[:DAYS] for curve in shipped_curves()]


@pytest.fixture
def town(curves):
    """Three households; at AT the fitter exchanges all of their meters, within a day."""

    def build(store, told, *, days=DAYS, feeders=("F", "F", "F")):
        registry = Registry(store)
        for number, feeder in enumerate(feeders, 1):
            point = registry.add_point(f"P{number}", f"{number} High Street", "Europe/London").id
            registry.add_channel(point, 1, ACTIVE_ENERGY_IMPORT, ChannelKind.INTERVAL_ENERGY, Unit.WATT_HOUR, 0, 3_600)
            Timeline(store).enter(FactKind.TOPOLOGY, point, BEGIN, None, {"feeder": feeder}, BEGIN)
            for meter in (number, number + 10):
                registry.add_meter(f"M{meter}", bytes([meter]), GuaranteeClass.SHARED_KEYS, None)
            registry.install(registry.meter_by_serial(f"M{number}").id, point, BEGIN)
        for number, hung in enumerate(told, 1):
            at = AT + timedelta(hours=number)
            registry.remove(registry.meter_by_serial(f"M{number}").id, at)
            registry.install(registry.meter_by_serial(f"M{hung + 10}").id, registry.point_by_code(f"P{number}").id, at)
        for number, curve in enumerate(curves, 1):
            split = (AT - BEGIN).days
            take(store, f"M{number}", BEGIN, curve[:split])
            take(store, f"M{number + 10}", AT + timedelta(days=1), curve[split + 1 : days])
        return registry

    return build


def take(store, serial, start, energy):
    registry = Registry(store)
    registers = np.concatenate(([0], np.cumsum(energy.reshape(-1)))).astype(np.int64)
    stamps = int(start.timestamp()) + 3_600 * np.arange(len(registers), dtype=np.int64)
    status = np.zeros(len(registers), dtype=np.uint8)
    meter = registry.meter_by_serial(serial).id
    known = BEGIN + timedelta(days=90)
    reading = ProfileReading(meter, ACTIVE_ENERGY_IMPORT, 3_600, stamps, registers, status, known, 1)
    Mdm(store, registry).take_profile([reading])


def found(store, registry):
    return [(hint.one.metering_point, hint.other.metering_point) for hint in
            hints(store, registry, BEGIN, BEGIN + timedelta(days=DAYS))]  # fmt: skip


@pytest.mark.parametrize("kind", stores.KINDS)
def test_a_crossed_pair_is_found_and_explained(town, kind):
    with stores.opened(kind) as store:
        registry = town(store, (2, 1, 3))
        [hint] = hints(store, registry, BEGIN, BEGIN + timedelta(days=DAYS))
        assert (hint.one.metering_point, hint.other.metering_point) == (1, 2)
        assert hint.swapped < hint.own / 2
        assert hint.since == AT + timedelta(hours=2)
        assert min(hint.one.days_before, hint.one.days_after) >= 7
        likely = abs(hint.one.before_wh - hint.other.after_wh) < abs(hint.one.before_wh - hint.one.after_wh)
        assert likely, "the numbers that are shown tell the same"


def test_nothing_is_said_of_meters_that_hang_right(town):
    with stores.opened("sqlite") as store:
        assert found(store, town(store, (1, 2, 3))) == []


def test_a_hint_changes_nothing_and_a_correction_ends_it(town):
    with stores.opened("sqlite") as store:
        registry = town(store, (2, 1, 3))
        [hint] = hints(store, registry, BEGIN, BEGIN + timedelta(days=DAYS))
        assert found(store, registry) == [(1, 2)]
        work = CrossedMeters(store, registry, Judge(store, registry))
        work.correct(Request((1, 2), hint.since, None, "hint, seen on site", "ann"), BEGIN + timedelta(days=91))
        assert found(store, registry) == []


def test_too_few_days_say_nothing(town):
    with stores.opened("sqlite") as store:
        assert found(store, town(store, (2, 1, 3), days=35)) == []


def test_points_of_other_neighbourhoods_are_not_compared(town):
    with stores.opened("sqlite") as store:
        assert found(store, town(store, (2, 1, 3), feeders=("F", "G", "F"))) == []


def test_without_an_exchange_in_the_time_nothing_is_compared(town):
    with stores.opened("sqlite") as store:
        registry = town(store, (2, 1, 3))
        assert hints(store, registry, AT + timedelta(days=5), AT + timedelta(days=30)) == []
