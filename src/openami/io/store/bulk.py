"""Many rows at once, as the driver takes them: no conversion per row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Select, Table, insert
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


def select_rows(connection: Connection, query: Select[Any], parameters: Mapping[str, Any]) -> Sequence[tuple[Any, ...]]:
    """The rows of `query`, compiled once per database: for queries with hundreds of parameters, asked often.

    `query` must be a constant of its module; it is remembered for good.
    """
    statement, order = _compiled_query(query, connection.dialect)
    given = dict(parameters) if order is None else tuple(parameters[name] for name in order)
    return connection.exec_driver_sql(statement, given).all()


@lru_cache(maxsize=64)
def _compiled_query(query: Select[Any], dialect: Dialect) -> tuple[str, Sequence[str] | None]:
    compiled = query.compile(dialect=dialect)
    return str(compiled), compiled.positiontup if compiled.positional else None
