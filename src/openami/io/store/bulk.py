"""Many rows at once, as the driver takes them: no conversion per row, COPY BINARY where the database has it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Boolean, Connection, Integer, LargeBinary, SmallInteger, Table, insert
from sqlalchemy.engine import Dialect

COPY_TYPES = (
    (LargeBinary, "bytea"), (BigInteger, "int8"), (SmallInteger, "int2"), (Integer, "int4"), (Boolean, "bool"),
)  # fmt: skip


def insert_rows(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert `rows`, whose values stand in the order of the table's columns and are what the driver stores:
    `UtcTime` columns take microseconds here (`io.store.columns.microseconds`).
    """
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        _copy(connection, table, rows)
    else:
        connection.exec_driver_sql(_insert(table, connection.dialect), list(rows))


@lru_cache(maxsize=64)
def _insert(table: Table, dialect: Dialect) -> str:
    return str(insert(table).compile(dialect=dialect))


def _copy(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """COPY in binary; a row that is there already fails the whole of it, like any other insert."""
    statement, types = _copy_statement(table)
    cursor: Any = connection.connection.cursor()  # psycopg's own: COPY is beyond the DB-API
    try:
        with cursor.copy(statement) as copy:
            copy.set_types(types)
            for row in rows:
                copy.write_row(row)
    finally:
        cursor.close()


@lru_cache(maxsize=64)
def _copy_statement(table: Table) -> tuple[str, list[str]]:
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    types = [_copy_type(getattr(column.type, "impl", column.type)) for column in table.columns]
    return f'COPY "{table.name}" ({names}) FROM STDIN (FORMAT BINARY)', types


def _copy_type(declared: Any) -> str:
    return next((name for kind, name in COPY_TYPES if isinstance(declared, kind)), "text")
