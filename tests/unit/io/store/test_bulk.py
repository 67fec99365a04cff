"""Rows in bulk: what goes in as columns comes out as it was, in every database, part by part."""

from __future__ import annotations

import numpy as np
import pytest
from sqlalchemy import (
    BigInteger,
    Column,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    select,
)

import stores
from openami.io.store.bulk import insert_columns
from openami.model.errors import Conflict

TABLE = Table(
    "bulk",
    MetaData(),
    Column("number", BigInteger, nullable=False),
    Column("small", SmallInteger, nullable=False),
    Column("first", LargeBinary, nullable=False),
    Column("second", LargeBinary, nullable=False),
    Column("last", Integer, nullable=False),
    PrimaryKeyConstraint("number"),
)
BIG = (1 << 63) - 1
PARTS = (
    ([1, 2, BIG], [0, 32_767, -32_768], [b"", b"a", bytes(300)], [b"x", b"", b"\xff\xff"], [5, -1, (1 << 31) - 1]),
    (np.array([-BIG]), np.array([7]), [b"alone"], [b""], np.array([0])),
)
ROWS = [row for part in PARTS for row in zip(*part, strict=True)]


@pytest.fixture(params=stores.KINDS)
def store(request):
    with stores.opened(request.param) as opened:
        with opened.transaction() as connection:
            TABLE.create(connection)
        yield opened
        with opened.transaction() as connection:
            TABLE.drop(connection)


def stored(store):
    with store.reading() as connection:
        return sorted(tuple(row) for row in connection.execute(select(TABLE)))


def test_columns_come_back_as_rows(store):
    with store.transaction() as connection:
        insert_columns(connection, TABLE, PARTS)
    assert stored(store) == sorted(ROWS)


def test_a_row_that_is_there_already_fails_the_whole(store):
    with pytest.raises(Conflict), store.transaction() as connection:
        insert_columns(connection, TABLE, [*PARTS, PARTS[1]])
    assert stored(store) == []


def test_a_part_that_cannot_be_made_leaves_nothing(store):
    def parts():
        yield PARTS[0]
        raise KeyError("the second part")

    with pytest.raises(KeyError), store.transaction() as connection:
        insert_columns(connection, TABLE, parts())
    assert stored(store) == []
    with store.transaction() as connection:
        insert_columns(connection, TABLE, iter(PARTS))
    assert len(stored(store)) == len(ROWS)
