"""Two meters recorded at each other's points: seen before it is done, done at once, and put back."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

import stores
from openami.backoffice.mdm.billing.runs import Billing
from openami.backoffice.mdm.crossed import CrossedMeters, Request
from openami.backoffice.mdm.judge import Judge
from openami.backoffice.mdm.mdm import ACTIVE_ENERGY_IMPORT, Mdm
from openami.backoffice.registry.facts import FactKind
from openami.backoffice.registry.registry import Registry
from openami.backoffice.registry.timeline import Timeline
from openami.model.errors import Conflict, SettingError
from openami.model.point import ChannelKind
from openami.model.quality import GuaranteeClass
from openami.model.reading import ProfileReading, RegisterReading
from openami.model.unit import Unit

BEGIN = datetime(2026, 2, 10, tzinfo=UTC)
SINCE = BEGIN + timedelta(hours=12)
END = BEGIN + timedelta(days=2)
NOW = BEGIN + timedelta(days=5)
HOURS = 48
ENERGIES = {1: 100, 2: 7}


@pytest.fixture(params=stores.KINDS)
def store(request):
    with stores.opened(request.param) as made:
        yield made


def take(store, meter, hours, registers, known=NOW):
    """Registers at whole hours after BEGIN, and a stamped one at each midnight."""
    mdm = Mdm(store, Registry(store))
    stamps = int(BEGIN.timestamp()) + 3_600 * np.array(hours, dtype=np.int64)
    values, status = np.array(registers, dtype=np.int64), np.zeros(len(hours), dtype=np.uint8)
    mdm.take_profile([ProfileReading(meter, ACTIVE_ENERGY_IMPORT, 3_600, stamps, values, status, known, meter)])
    stamped = [(hour, register) for hour, register in zip(hours, registers, strict=True) if hour % 24 == 0]
    mdm.take_register(
        [
            RegisterReading(meter, ACTIVE_ENERGY_IMPORT, BEGIN + timedelta(hours=hour), register, known, meter)
            for hour, register in stamped
        ]
    )


def town(store, crossed_from):
    """Meters 1 and 2 count 100 and 7 Wh an hour. From `crossed_from` on the books have them at each other's points."""
    registry = Registry(store)
    points = []
    for number in ENERGIES:
        points.append(registry.add_point(f"P{number}", "1 High Street", "Europe/London").id)
        registry.add_channel(points[-1], 1, ACTIVE_ENERGY_IMPORT, ChannelKind.INTERVAL_ENERGY, Unit.WATT_HOUR, 0, 3_600)
        registry.add_meter(f"M{number}", bytes([number]), GuaranteeClass.SHARED_KEYS, None)
    for meter, point in zip((1, 2), points, strict=True):
        if crossed_from > BEGIN:
            registry.install(meter, point, BEGIN)
    if crossed_from > BEGIN and crossed_from < END:
        for meter in (1, 2):
            registry.remove(meter, crossed_from)
    if crossed_from < END:
        for meter, point in zip((1, 2), points[::-1], strict=True):
            registry.install(meter, point, crossed_from)
    for meter, energy in ENERGIES.items():
        take(store, meter, list(range(HOURS + 1)), [energy * hour for hour in range(HOURS + 1)])
    return points


def answers(store, points):
    """Everything that is answered of both points."""
    registry = Registry(store)
    mdm, judge = Mdm(store, registry), Judge(store, registry)
    found = []
    for point in points:
        series = judge.validated(point, 1, BEGIN, END)
        bill = mdm.bill(point, BEGIN, END)
        found.append((series.values.tolist(), series.quality.tolist(), series.evidence.tolist(), bill))
        found.append([(each.meter, each.start, each.end) for each in registry.installations_of_point(point)])
    return found


def correction(store):
    registry = Registry(store)
    return CrossedMeters(store, registry, Judge(store, registry))


def request(points, start=BEGIN, end=None):
    return Request(tuple(points), start, end, "crossed at installation", "ann")


def test_after_the_correction_all_is_as_if_it_had_never_been(store):
    points = town(store, BEGIN)
    with stores.opened("sqlite") as right:
        wanted = answers(right, town(right, END))
    before = answers(store, points)
    assert before != wanted
    seen = correction(store).preview(request(points), NOW)
    assert answers(store, points) == before, "a preview changes nothing"
    done = correction(store).correct(request(points), NOW)
    assert (seen.days, seen.registers, seen.bills) == (done.days, done.registers, done.bills)
    assert done.days == 4
    assert answers(store, points) == wanted


def test_a_correction_is_put_back(store):
    points = town(store, BEGIN)
    before = answers(store, points)
    done = correction(store).correct(request(points), NOW)
    correction(store).reverse(done.id, "was right after all", "ben", NOW)
    assert answers(store, points) == before
    with pytest.raises(Conflict, match="put back before"):
        correction(store).reverse(done.id, "again", "ben", NOW)
    assert [row.person for row in correction(store).all()] == ["ann", "ben"]


def test_a_part_of_the_time_in_mid_day(store):
    points = town(store, END)
    before = answers(store, points)
    done = correction(store).correct(request(points, SINCE, SINCE + timedelta(hours=6)), NOW)
    values = answers(store, points)[0][0]
    assert values[:12] == [100] * 12
    assert values[12:] == [7] * 6 + [100] * 30
    correction(store).reverse(done.id, "no", "ben", NOW)
    after = answers(store, points)
    assert [after[at][0] for at in (0, 2)] == [before[at][0] for at in (0, 2)]


def test_what_was_known_before_stays_readable(store):
    points = town(store, BEGIN)
    correction(store).correct(request(points), NOW)
    timeline = Timeline(store)
    now = timeline.at(FactKind.INSTALLATION, points[0], SINCE)
    before = timeline.at(FactKind.INSTALLATION, points[0], SINCE, NOW - timedelta(days=1))
    assert (now.content["meter"], before.content["meter"]) == (1, 2)


def test_readings_that_come_later_go_to_the_right_point(store):
    points = town(store, BEGIN)
    correction(store).correct(request(points), NOW)
    take(store, 1, [49, 50], [4_900, 5_000], NOW)
    series = Mdm(store, Registry(store)).series(points[0], 1, END, END + timedelta(hours=2))
    assert series.values.tolist() == [100, 100]


def test_only_one_of_the_meters_was_read(store):
    points = town(store, BEGIN)
    take(store, 1, list(range(49, 73)), [100 * hour for hour in range(49, 73)])
    correction(store).correct(request(points), NOW)
    mdm = Mdm(store, Registry(store))
    series = [mdm.series(point, 1, END, END + timedelta(days=1)) for point in points]
    assert series[0].values.tolist() == [100] * 24
    assert series[1].quality.tolist() == [3] * 24


def test_affected_bills_are_listed(store):
    points = town(store, BEGIN)
    billing = Billing(store, Registry(store))
    billing.store_plans('[[plan]]\nname = "p"\nregister = "all"\n', NOW)
    run = billing.run("p", date(2026, 2, 10), date(2026, 2, 12), NOW)
    seen = correction(store).preview(request(points), NOW)
    told = {(bill.run, bill.difference.metering_point): bill.difference.value for bill in seen.bills}
    assert told == {(run.id, points[0]): 93 * HOURS, (run.id, points[1]): -93 * HOURS}
    correction(store).correct(request(points), NOW)
    assert {each.value for each in billing.again(run.id, NOW)} == {93 * HOURS, -93 * HOURS}
    assert billing.check(run.id) == []


def test_what_cannot_be_put_right_is_refused(store):
    points = town(store, BEGIN)
    with pytest.raises(SettingError, match="at two points"):
        correction(store).correct(request([points[0]] * 2), NOW)
    with pytest.raises(Conflict, match="nothing hung"):
        correction(store).correct(request(points, BEGIN - timedelta(days=9), BEGIN - timedelta(days=8)), NOW)
    with pytest.raises(SettingError, match="who makes it"):
        correction(store).correct(Request(tuple(points), BEGIN, None, "", "ann"), NOW)
