"""What was known once and is not as it was in the store, is named: changed, gone, added; what was dropped is told."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select, update

from openami.backoffice.audit.entry import Audit, Kind
from openami.backoffice.audit.log import MerkleLog
from openami.backoffice.mdm.known_rows import RowName
from openami.backoffice.mdm.roots import LATE, Difference, Dropped, Finding, Roots, enter_dropped
from openami.backoffice.mdm.tables import interval_block, stamped_register
from openami.field.meter.push_queue import random_of
from openami.io.spool.file_spool import FileSpool
from openami.io.store.columns import EPOCH
from openami.simulation.disk import FaultDisk

START = EPOCH + timedelta(days=20494)  # 2026-02-10, as the house


@pytest.fixture
def disk():
    return FaultDisk()


@pytest.fixture
def audit(disk):
    log = MerkleLog(FileSpool(Path("records"), disk=disk, random=random_of(b"roots")), "openami.test/operations")
    return Audit(log, START.timestamp)


@pytest.fixture
def roots(house, audit, disk):
    house.mdm.take_profile([house.reading(0, 97)])
    house.mdm.take_register([house.register(96, 9600)])
    made = Roots(house.store, audit, Path("known"), disk)
    assert made.enter(START + timedelta(days=3)) == 0
    return made


def block(point, day):
    return f"interval_block/{point}/{20494 + day}/1/1"


TODAY = interval_block.c.day == 20494


def altered(store, statement):
    with store.transaction() as connection:
        connection.execute(statement)


def test_what_stands_as_it_was_is_found_so_and_entered_once(roots, audit, house):
    assert roots.check(EPOCH) == []
    assert roots.enter(START + timedelta(days=3, minutes=10)) is None
    house.mdm.take_profile([house.reading(96, 97, known_h=73)])
    assert roots.enter(START + timedelta(days=4)) == 1
    assert [entry.what for entry in audit.of_kind(Kind.BLOCKS)] == ["3 rows known", "2 rows known"]
    assert roots.check(EPOCH) == []


def test_a_value_that_somebody_changes_in_the_database_is_named(roots, house):
    altered(house.store, update(interval_block).where(TODAY).values(energy_sum=interval_block.c.energy_sum - 1))
    assert roots.check(EPOCH) == [Finding(block(house.point, 0), Difference.CHANGED)]
    altered(house.store, update(stamped_register).values(register=1))
    assert [finding.difference for finding in roots.check(EPOCH)] == [Difference.CHANGED] * 3


def test_a_row_that_was_removed_is_named_unless_the_log_says_that_its_days_were_dropped(roots, house, audit):
    altered(house.store, delete(interval_block).where(TODAY))
    assert roots.check(EPOCH) == [Finding(block(house.point, 0), Difference.GONE)]
    assert roots.check(EPOCH, [Dropped(house.point + 1, 30000)]) == [Finding(block(house.point, 0), Difference.GONE)]
    enter_dropped(audit, "root", Dropped(None, 20494))
    assert len(roots.check(EPOCH)) == 1
    enter_dropped(audit, "root", Dropped(house.point, 20495))
    assert roots.check(EPOCH) == []


def test_a_row_that_was_put_in_behind_is_named(roots, house):
    house.mdm.take_profile([house.reading(96, 97, known_h=80)])
    assert roots.enter(START + timedelta(days=3) + 2 * LATE) == 1
    with house.store.reading() as connection:
        row = connection.execute(select(interval_block)).mappings().first()
    altered(house.store, insert(interval_block).values({**row, "day": 20490}))
    assert roots.check(EPOCH) == [Finding(block(house.point, -4), Difference.ADDED)]


def test_a_row_that_is_committed_late_is_entered_late(roots, house):
    house.mdm.take_profile([house.reading(96, 97, known_h=71)])
    assert roots.enter(START + timedelta(days=3, minutes=10)) == 1
    assert roots.check(EPOCH) == []


def test_a_list_that_was_changed_proves_nothing(roots, disk, house):
    (name,) = disk.names(Path("known"))
    altered(house.store, update(interval_block).where(TODAY).values(peak=1))
    with_change = Roots(house.store, roots._audit, Path("known"), disk)
    assert with_change.check(EPOCH) == [Finding(block(house.point, 0), Difference.CHANGED)]
    raw = disk.read(Path("known") / name)
    disk.remove(Path("known") / name)
    assert roots.check(EPOCH)[0].difference is Difference.LIST_LOST
    file = disk.append(Path("known") / name)
    file.write(raw[:-1] + bytes([raw[-1] ^ 1]))
    file.close()
    assert roots.check(EPOCH)[0].difference is Difference.LIST_LOST


def test_names_and_droppings_are_read_as_they_are_written():
    name = RowName("stamped_register", 5, 20494, "1-0:1.8.0*255/1770681600/1/1")
    assert RowName.parse(str(name)) == name
    for dropped in (Dropped(None, 3), Dropped(7, 20494)):
        assert Dropped.parse(dropped.subject) == dropped
    with pytest.raises(ValueError, match="no days"):
        Dropped.parse("a meter")
