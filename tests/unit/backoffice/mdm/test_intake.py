"""Intake: append-only versions, idempotence, and nothing that arrives is lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from openami.backoffice.mdm.intake import IntakeResult
from openami.backoffice.mdm.mdm import ACTIVE_ENERGY_IMPORT
from openami.backoffice.mdm.unplaced import NO_CHANNEL, NO_INSTALLATION, OFF_GRID
from openami.model.errors import StoreError
from openami.model.obis import ObisCode
from openami.model.point import ChannelKind
from openami.model.quality import GuaranteeClass, Quality
from openami.model.unit import Unit

DAY = timedelta(days=1)


@pytest.fixture
def start(house):
    return house.registry.installations(house.meter)[0].start


def test_versions_are_only_added(house, start):
    house.mdm.take_profile([house.reading(0, 49)])
    first = house.versions()
    house.mdm.take_profile([house.reading(49, 48)])
    assert house.versions()[: len(first)] == first
    assert [row[3] for row in house.versions()] == [1, 2]
    assert house.mdm.series(house.point, 1, start, start + DAY).values.sum() == 9_600


def test_the_same_again_stores_nothing(house):
    taken = house.mdm.take_profile([house.reading(0, 97)])
    assert (taken.blocks, taken.registers, taken.unchanged) == (1, 1, 0)
    before = house.versions()
    again = house.mdm.take_profile([house.reading(0, 97)])
    assert (again.stored, again.unchanged) == (0, 1)
    assert house.versions() == before


def test_reading_again_later_moves_the_evidence_and_nothing_else(house, start):
    house.mdm.take_profile([house.reading(0, 97, evidence=1)])
    house.mdm.take_profile([house.reading(40, 10, evidence=5, known_h=60)])
    series = house.mdm.series(house.point, 1, start, start + DAY)
    assert series.values.tolist() == [100] * 96
    assert series.evidence.tolist() == [1] * 39 + [5] * 10 + [1] * 47


def test_older_news_is_counted_and_changes_nothing(house):
    house.mdm.take_profile([house.reading(1, 10, known_h=60)])
    before = house.versions()
    result = house.mdm.take_profile([house.reading(1, 10, base=7, known_h=50)])
    assert result == IntakeResult(unchanged=1, superseded=10)
    assert house.versions() == before


def test_two_rows_with_one_stamp_in_one_reading(house, start):
    """A clock that was set back captures the same stamp twice: the later, greater register stays."""
    reading = house.reading(0, 5)
    doubled = replace(
        reading,
        stamps=np.concatenate((reading.stamps, reading.stamps[2:3])),
        registers=np.concatenate((reading.registers, reading.registers[2:3] + 30)),
        status=np.concatenate((reading.status, reading.status[2:3])),
    )
    assert house.mdm.take_profile([doubled]).superseded == 1
    series = house.mdm.series(house.point, 1, start, start + timedelta(hours=1))
    assert series.values.tolist() == [100, 130, 70, 100]


def test_registers_of_a_day_with_gaps_come_back_exactly(house, start):
    for first, count, base in ((0, 20, 0), (30, 5, 900), (60, 37, 1_000_000_000_000)):
        house.mdm.take_profile([house.reading(first, count, base=base)])
    number = 2
    kind = ChannelKind.REGISTER_SNAPSHOT
    house.registry.add_channel(house.point, number, ACTIVE_ENERGY_IMPORT, kind, Unit.WATT_HOUR, 0, 900)
    snapshots = house.mdm.series(house.point, number, start, start + DAY)
    known = {1: 100, 19: 1_900, 30: 3_900, 34: 4_300, 60: 1_000_000_006_000, 96: 1_000_000_009_600}
    for quarter, register in known.items():
        assert snapshots.values[quarter - 1] == register
    assert (snapshots.quality == Quality.MISSING).sum() == 10 + 25
    assert (house.mdm.series(house.point, 1, start, start + DAY).quality == Quality.MISSING).sum() == 10 + 25 + 2


def test_a_meter_without_a_place_keeps_its_readings_until_it_has_one(house, start):
    other = house.registry.add_meter("M2", b"OAM00002", GuaranteeClass.SHARED_KEYS, None).id
    lost = replace(house.reading(0, 97), meter=other)
    assert house.mdm.take_profile([lost]) == IntakeResult(unplaced=97)
    assert house.mdm.take_profile([lost]) == IntakeResult()
    waiting = house.mdm.unplaced(other)
    assert [(one.count, one.reason) for one in waiting] == [(97, NO_INSTALLATION)]

    point = house.registry.add_point("P2", "2 High Street", "Europe/London").id
    house.registry.install(other, point, start)
    assert house.mdm.place_unplaced().unplaced == 0
    assert [one.reason for one in house.mdm.unplaced(other)] == [NO_CHANNEL]

    kind = ChannelKind.INTERVAL_ENERGY
    house.registry.add_channel(point, 1, ACTIVE_ENERGY_IMPORT, kind, Unit.WATT_HOUR, 0, 900)
    assert house.mdm.place_unplaced(other).blocks == 1
    assert house.mdm.unplaced() == []
    assert house.mdm.series(point, 1, start, start + DAY).values.sum() == 9_600


@pytest.mark.parametrize("stamp", [-900, 0, 2**61, 901, -(2**63)])
def test_impossible_stamps_are_kept_aside(house, stamp):
    reading = house.reading(0, 1)
    bad = replace(reading, stamps=np.array([stamp], dtype=np.int64))
    assert house.mdm.take_profile([bad]).unplaced == 1
    assert house.mdm.unplaced()[0].reason in {OFF_GRID, NO_INSTALLATION}


def test_unknown_quantity_is_kept_aside(house):
    strange = replace(house.reading(0, 97), obis=ObisCode(1, 0, 99, 8, 0))
    assert house.mdm.take_profile([strange]).unplaced == 97
    assert [one.reason for one in house.mdm.unplaced()] == [NO_CHANNEL]


def test_an_empty_reading_is_nothing(house):
    assert house.mdm.take_profile([house.reading(0, 0)]) == IntakeResult()
    assert house.mdm.take_profile([]) == IntakeResult()
    assert house.mdm.take_register([]) == IntakeResult()


def test_stamped_registers_have_versions_too(house, start):
    house.mdm.take_register([house.register(96, 9_600)])
    assert house.mdm.take_register([house.register(96, 9_600)]) == IntakeResult()
    assert house.mdm.take_register([house.register(96, 9_700, known_h=60)]).registers == 1
    assert house.mdm.take_register([house.register(96, 1, known_h=20)]).superseded == 1
    found = house.mdm.registers(house.point, ACTIVE_ENERGY_IMPORT, start, start + DAY)
    assert [one.register for one in found] == [9_700]


def test_an_error_leaves_nothing_behind(house):
    before = house.versions()

    def session():
        with house.store.transaction():
            house.mdm.take_profile([house.reading(0, 97)])
            raise RuntimeError("the session failed after all")

    with pytest.raises(RuntimeError):
        session()
    assert house.versions() == before


def test_one_quantity_has_one_resolution_a_channel(house):
    house.mdm.take_profile([house.reading(0, 97)])
    with house.store.transaction() as connection:
        connection.exec_driver_sql("UPDATE channel SET resolution_s = 1800")
        connection.exec_driver_sql("UPDATE registry_revision SET revision = revision + 1")
    half_hours = replace(house.reading(0, 97), resolution_s=1_800)
    with pytest.raises(StoreError, match="a channel of its own"):
        house.mdm.take_profile([half_hours])


@pytest.mark.parametrize("name", ["installations_of_meters", "channels_of_points", "installations_of_points"])
def test_a_look_up_that_failed_midway_is_not_remembered(house, monkeypatch, name):
    look_up, failures = getattr(house.registry, name), [StoreError("the disk is gone")]

    def fail_once(numbers):
        if failures:
            raise failures.pop()
        return look_up(numbers)

    monkeypatch.setattr(house.registry, name, fail_once)
    with pytest.raises(StoreError):
        house.mdm.take_profile([house.reading(0, 5)])
    assert house.mdm.take_profile([house.reading(0, 5)]).unplaced == 0


def test_what_was_looked_up_in_a_transaction_that_came_to_nothing_is_not_remembered(house, start):
    other = house.registry.add_meter("M2", b"OAM00002", GuaranteeClass.SHARED_KEYS, None).id
    point = house.registry.add_point("P2", "2 High Street", "Europe/London").id
    house.registry.add_channel(point, 1, ACTIVE_ENERGY_IMPORT, ChannelKind.INTERVAL_ENERGY, Unit.WATT_HOUR, 0, 900)
    reading = replace(house.reading(0, 5), meter=other)
    with pytest.raises(StoreError), house.store.transaction():
        house.registry.install(other, point, start)
        house.mdm.take_profile([reading])
        raise StoreError("nothing of this")
    house.registry.change_link(house.meter, "tcp://127.0.0.1:4059")
    assert house.mdm.take_profile([reading]).unplaced == 5
