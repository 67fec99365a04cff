"""A store that the first migration made, with readings in it, becomes one of today and keeps every value."""

from __future__ import annotations

import hashlib
import zlib
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import msgspec
import numpy as np
import pytest
from alembic import command
from sqlalchemy import column, insert, inspect, select, table, text, update

import openami.io.store.migrations
import postgres
import stores
from deflated_blocks import deflated
from openami.backoffice.audit.merkle import leaf_hash
from openami.backoffice.mdm.judge import Judge
from openami.backoffice.mdm.known_rows import known_rows
from openami.backoffice.mdm.mdm import Mdm
from openami.backoffice.mdm.tables import interval_block, judged_block
from openami.backoffice.registry.registry import Registry
from openami.io.store import upgrade
from openami.io.store.columns import EPOCH
from openami.io.store.engine import Store
from openami.io.store.partitions import make_ahead
from openami.model.interval import DAY_S, day_of, utc

MIGRATIONS = Path(openami.io.store.migrations.__file__).parent
AS_RELEASED = "1b3c806f15327bfa64015992be96471b1e7113cea431e9cc4c290393dd85d4fe"
ADDED = ("peak", "multiplier")
"""Columns that later migrations added to the tables of the first."""
DAY = 20_454
HIGHEST = 3_000_000_000  # beyond 32 bits: packed in wide items
REGISTERED = (
    ("INSERT INTO metering_point VALUES (1, 'P1', '1 High Street', 'Europe/Berlin', NULL)", {}),
    ("INSERT INTO meter VALUES (1, 'M1', :title, 1, NULL, 'wrapper', '')", {"title": b"OAM00001"}),
    ("INSERT INTO channel VALUES (1, 1, '1-0:1.8.0*255', 'interval-energy', 30, 0, 3600, 0)", {}),
    ("INSERT INTO installation VALUES (1, :at, 1, NULL)", {"at": DAY * DAY_S * 1_000_000}),
)


@contextmanager
def first_store(kind):
    """A store as the first migration alone makes it."""
    if kind == "postgresql":
        with postgres.database(empty=True) as url, stores.closing(Store(url)) as store:
            migrate(store, "0001")
            yield store
        return
    with stores.closing(Store("sqlite://")) as store:
        migrate(store, "0001")
        yield store


def migrate(store, revision):
    with store.transaction() as connection:
        config = upgrade._config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


FIRST_BLOCK = table(
    "interval_block",
    *map(column, (
        "metering_point", "day", "channel", "version", "resolution_s", "known_at", "meter", "evidence", "energy_sum",
        "missing", "estimated", "base", "closing", "closing_meter", "energy", "quality", "registers", "status",
        "sources",
    )),
)  # fmt: skip


def fill(store, days):
    """A point with its meter and `days` of hourly energies, as rows of the first schema."""
    point, meter = 1, 1
    with store.transaction() as connection:
        for statement, values in REGISTERED:
            connection.execute(text(statement), values)
    energies = np.arange(days * 24, dtype=np.int64).reshape(days, 24) % 977
    energies[1, 5] = HIGHEST
    register, blocks = 0, [deflated(row, 8 if row.max() == HIGHEST else 4) for row in energies]
    with store.transaction() as connection:
        for number, row in enumerate(energies):
            values = {
                "metering_point": point, "day": DAY + number, "channel": 1, "version": 1, "resolution_s": 3_600,
                "known_at": 1, "meter": meter, "evidence": 7, "energy_sum": int(row.sum()), "missing": 0,
                "estimated": 0, "base": register, "closing": register + int(row.sum()), "closing_meter": meter,
                "energy": blocks[number],
            }  # fmt: skip
            connection.execute(insert(FIRST_BLOCK).values(values))
            register += int(row.sum())
        judged = {
            "metering_point": point, "day": DAY, "channel": 1, "version": 1, "resolution_s": 3_600, "judged_at": 1,
            "raw_version": 1, "rule_set": "plain", "energy_sum": 5, "missing": 0, "estimated": 0,
        }  # fmt: skip
        connection.execute(insert(judged_block).values(judged))
    return point, energies


def first_columns(store):
    """Every row of the tables of the first schema, in the columns that it had."""
    with store.reading() as connection:
        told = inspect(connection)
        found = {}
        for name_of in ("judged_block", "metering_point", "channel", "meter", "installation"):
            names = sorted(each["name"] for each in told.get_columns(name_of) if each["name"] not in ADDED)
            listed = ", ".join(f'"{name}"' for name in names)
            rows = connection.execute(text(f'SELECT {listed} FROM "{name_of}"'))
            found[name_of] = sorted((tuple(row) for row in rows), key=repr)
        return found


@pytest.mark.parametrize("kind", stores.KINDS)
def test_a_filled_store_keeps_its_values(kind):
    days = 5
    with first_store(kind) as store:
        point, energies = fill(store, days)
        before = first_columns(store)
        store.upgrade()
        store.check()
        assert first_columns(store) == before
        with store.reading() as connection:
            query = select(interval_block.c.peak).order_by(interval_block.c.day)
            assert connection.execute(query).scalars().all() == energies.max(axis=1).tolist()
        assert Registry(store).channel(point, 1).multiplier == 1, "what a meter showed is what flowed, as ever"
        start = utc(DAY * DAY_S)
        series = Mdm(store, Registry(store)).series(point, 1, start, start + timedelta(days=days))
        assert series.values.tolist() == energies.ravel().tolist()


@pytest.mark.parametrize("kind", stores.KINDS)
def test_an_upgraded_store_goes_on(kind):
    """What comes after the upgrade works on what was there before: parts take old days over, days are judged."""
    with first_store(kind) as store:
        point, energies = fill(store, 3)
        store.upgrade()
        start = utc(DAY * DAY_S)
        with store.transaction() as connection:
            made = make_ahead(connection, day_of(DAY * DAY_S), day_of(DAY * DAY_S))
        assert len(made) == (2 if kind == "postgresql" else 0)
        judge = Judge(store, Registry(store))
        judge.judge(start, start + timedelta(days=3), start + timedelta(days=4))
        first = judge.validated(point, 1, start, start + timedelta(days=1))
        assert first.values.tolist() == energies[0].tolist()


UNUSUAL = (
    {"closing": 0, "closing_meter": 0},
    {"closing_meter": 2},
    {"quality": zlib.compress(bytes(23) + b"\x03"), "registers": b"\xff\xff\xfe" + deflated([0] * 24, 4), "missing": 1},
    {"status": zlib.compress(bytes(23) + b"\x80"), "sources": msgspec.msgpack.encode(([(1, 7, 1)], [(0, 24)]))},
)
"""What some days of a store tell beyond their energies."""


def leaves_before(store):
    """Name and hash of each block as the program of the third schema entered them in the audit log."""
    names = [each.name for each in FIRST_BLOCK.columns]
    names.insert(names.index("energy_sum") + 1, "peak")
    with store.reading() as connection:
        rows = connection.execute(text(f"SELECT {', '.join(names)} FROM interval_block")).all()
    return {
        f"interval_block/{row.metering_point}/{row.day}/{row.channel}/{row.version}": leaf_hash(
            msgspec.msgpack.encode(("interval_block", *row))
        )
        for row in rows
    }


@pytest.mark.parametrize("kind", stores.KINDS)
def test_roots_of_the_audit_log_hold_over_the_upgrade(kind, monkeypatch):
    """A block tells in its new columns, byte by byte, what it told in the old ones: also the few unusual ones."""
    monkeypatch.setattr("openami.io.store.migrations.leaner_rows.blocks.PAGE", 3)
    with first_store(kind) as store:
        _, energies = fill(store, 9)
        with store.transaction() as connection:
            for number, values in enumerate(UNUSUAL, start=3):
                connection.execute(update(FIRST_BLOCK).where(FIRST_BLOCK.c.day == DAY + number).values(values))
        migrate(store, "0003")
        with store.transaction() as connection:
            make_ahead(connection, day_of(DAY * DAY_S), day_of((DAY + 40) * DAY_S))
        before = leaves_before(store)
        with store.reading() as connection:
            parts = partitioned_parts(connection)
        store.upgrade()
        with store.reading() as connection:
            assert partitioned_parts(connection) == parts
            after = {str(row.name): row.leaf for row in known_rows(connection, EPOCH, utc(DAY * DAY_S))}
        assert {name: leaf for name, leaf in after.items() if name.startswith("interval")} == before
        start = utc(DAY * DAY_S)
        series = Mdm(store, Registry(store)).series(1, 1, start, start + timedelta(days=9))
        assert series.values.tolist() == energies.ravel().tolist()
        assert np.flatnonzero(series.quality).tolist() == [5 * 24 + 23]


def partitioned_parts(connection):
    """The parts by month and where their days begin and end."""
    if connection.dialect.name != "postgresql":
        return []
    query = "SELECT relname, pg_get_expr(relpartbound, oid) FROM pg_class WHERE relispartition AND relkind = 'r'"
    return sorted(tuple(row) for row in connection.execute(text(query)))


def test_many_pages_of_blocks_get_their_highest_interval(monkeypatch):
    monkeypatch.setattr("openami.io.store.migrations.metering_data.peaks.PAGE", 2)
    test_a_filled_store_keeps_its_values("sqlite")


def test_what_was_released_is_not_edited():
    """The first migration made stores that exist: a change of the schema is a change after it."""
    digest = hashlib.sha256()
    for file in (*sorted((MIGRATIONS / "first_light").glob("*.py")), MIGRATIONS / "versions" / "0001_first_light.py"):
        digest.update(file.read_bytes())
    assert digest.hexdigest() == AS_RELEASED
