"""`column IN (many keys)` as one parameter, found by the index."""

from __future__ import annotations

from sqlalchemy import Connection, Select, insert, select
from sqlalchemy.dialects import sqlite

from openami.backoffice.mdm.tables import interval_block, late_block
from openami.io.store.among import among
from stores import in_memory


def test_each_key_is_searched_for_in_the_index() -> None:
    store = in_memory()
    block = interval_block.c
    asked = select(block.version).where(among(block.metering_point, [1, 2, 3]), block.day == 5)
    with store.reading() as connection:
        plan = _plan(connection, asked)
    assert any(line.startswith("SEARCH interval_block") and "metering_point=? AND day=?" in line for line in plan), plan
    assert not any(line.startswith("SCAN interval_block") for line in plan), plan


def test_rows_of_the_keys_alone_are_found() -> None:
    store = in_memory()
    with store.transaction() as connection:
        for number in range(1, 6):
            connection.execute(insert(late_block).values(metering_point=number, channel=1, day=2, version=3))
        point = late_block.c.metering_point
        asked = select(point).order_by(point)
        assert connection.execute(asked.where(among(point, [2, 5, 9]))).scalars().all() == [2, 5]
        assert connection.execute(asked.where(among(point, []))).scalars().all() == []
        assert connection.execute(asked.where(~among(point, [2, 5]))).scalars().all() == [1, 3, 4]


def _plan(connection: Connection, asked: Select[tuple[int]]) -> list[str]:
    told = str(asked.compile(dialect=sqlite.dialect()))
    return [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {told}", ("[1]", 5))]
