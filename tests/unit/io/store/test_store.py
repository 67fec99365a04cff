"""Transactions: durable, nesting, one writer; errors in our own words and without passwords."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Column, MetaData, Table, insert, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

import openami.backoffice.mdm.tables
import openami.backoffice.registry.tables  # noqa: F401 - declares tables
import postgres
import stores
from openami.backoffice.mdm import stored
from openami.io.store.bulk import insert_rows
from openami.io.store.columns import EPOCH, RowId, UtcTime, microseconds
from openami.io.store.engine import Store
from openami.io.store.schema import metadata
from openami.model.errors import Conflict, SettingError, StoreError

notes = Table("note", MetaData(), Column("id", RowId, primary_key=True), Column("at", UtcTime))
AT = datetime(2026, 3, 29, 1, 30, 0, 123_456, UTC)


@pytest.fixture(params=["sqlite://", "file", "postgresql"])
def store(request, tmp_path):
    with ExitStack() as stack:
        given = {
            "file": lambda: f"sqlite:///{tmp_path / 'store.sqlite'}",
            "postgresql": lambda: stack.enter_context(postgres.database(empty=True)),
        }
        made = stack.enter_context(stores.closing(Store(given.get(request.param, lambda: request.param)())))
        with made.transaction() as connection:
            notes.create(connection)
        yield made


def ids(store):
    with store.reading() as connection:
        return list(connection.execute(select(notes.c.id).order_by(notes.c.id)).scalars())


def put(store, number):
    with store.transaction() as connection:
        connection.execute(insert(notes).values(id=number, at=AT))


def test_an_error_rolls_back(store):
    def fail():
        with store.transaction():
            put(store, 1)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert ids(store) == []


def test_an_inner_failure_undoes_the_inner_part_only(store):
    with store.transaction():
        put(store, 1)
        with pytest.raises(Conflict):
            put(store, 1)
        put(store, 2)
    assert ids(store) == [1, 2]


def test_reading_inside_a_transaction_sees_what_was_written(store):
    with store.transaction():
        put(store, 1)
        assert ids(store) == [1]


def test_readings_nest_and_refuse_a_transaction(store):
    with store.reading():
        assert ids(store) == []
        with pytest.raises(StoreError, match="inside a reading"):
            put(store, 1)
    put(store, 1)
    assert ids(store) == [1]


def test_writers_of_many_threads_take_turns(store):
    threads = [threading.Thread(target=lambda n=n: [put(store, 10 * n + i) for i in range(10)]) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ids(store) == list(range(40))


def test_two_stores_on_one_file(tmp_path):
    """Two processes: the second sees what the first committed, and nothing before."""
    one, two = (Store(f"sqlite:///{tmp_path / 'store.sqlite'}") for _ in range(2))
    with one.transaction() as connection:
        notes.create(connection)
    with one.transaction():
        put(one, 1)
        assert ids(two) == []
    assert ids(two) == [1]
    put(two, 2)
    assert ids(one) == [1, 2]


def test_commits_are_durable(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'store.sqlite'}")
    with store.reading() as connection:
        pragmas = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar() for name in ("journal_mode", "synchronous")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2}


def test_instants_come_back_exactly(store):
    berlin = timezone(timedelta(hours=2))
    times = [AT, EPOCH - timedelta(days=9_999), AT.astimezone(berlin)]
    with store.transaction() as connection:
        insert_rows(connection, notes, [(number, microseconds(at)) for number, at in enumerate(times)])
        assert list(connection.execute(select(notes.c.at).order_by(notes.c.id)).scalars()) == times


def test_a_time_without_zone_is_refused(store):
    with store.transaction() as connection, pytest.raises(StoreError, match="no time zone"):
        put_naive(store, connection)


def put_naive(store, connection):
    with store.transaction():
        connection.execute(insert(notes).values(id=1, at=datetime(2026, 1, 1)))


@pytest.mark.parametrize("url", ["nonsense", "wonder://host/db"])
def test_bad_addresses_name_the_setting(url):
    with pytest.raises(SettingError, match=r"store\.url"):
        Store(url)


def test_messages_hide_the_password():
    try:
        name = Store("postgresql+psycopg://ami:s3cret@host/db").name
    except SettingError as error:
        name = str(error)
    assert "s3cret" not in name
    assert "host" in name


def test_a_file_that_is_no_database(tmp_path):
    file = tmp_path / "store.sqlite"
    file.write_bytes(b"not a database at all, but long enough to look at" * 40)
    with pytest.raises(StoreError, match="not a database"):
        Store(f"sqlite:///{file}").check()


def test_schema_and_queries_are_written_for_postgresql_too():
    dialect = postgresql.dialect()
    for table in metadata.sorted_tables:
        assert "CREATE TABLE" in str(CreateTable(table).compile(dialect=dialect))
        for index in table.indexes:
            assert "CREATE INDEX" in str(CreateIndex(index).compile(dialect=dialect))
    assert "interval_block" in str(stored.current().compile(dialect=dialect))


def test_keys_of_big_tables_contain_the_metering_point():
    for name in ("interval_block", "stamped_register", "evidence"):
        assert "metering_point" in metadata.tables[name].primary_key.columns
