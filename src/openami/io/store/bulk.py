"""Many rows at once, as the driver takes them: no conversion per row."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Table, insert
from sqlalchemy.engine import Dialect


def insert_rows(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert `rows`, whose values stand in the order of the table's columns and are what the driver stores:
    `UtcTime` columns take microseconds here (`io.store.columns.microseconds`).
    """
    if not rows:
        return
    statement, positional = _compiled(table, connection.dialect)
    if positional:
        connection.exec_driver_sql(statement, list(rows))
        return
    names = [column.name for column in table.columns]
    connection.exec_driver_sql(statement, [dict(zip(names, row, strict=True)) for row in rows])


@lru_cache(maxsize=64)
def _compiled(table: Table, dialect: Dialect) -> tuple[str, bool]:
    statement = insert(table).compile(dialect=dialect)
    return str(statement), bool(statement.positional)
