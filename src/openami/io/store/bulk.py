"""Many rows at once, as the driver takes them: no conversion per row, COPY BINARY where the database has it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sqlalchemy import BigInteger, Boolean, Connection, Integer, LargeBinary, SmallInteger, Table, insert
from sqlalchemy.engine import Dialect

COPY_TYPES = (
    (LargeBinary, "bytea"), (BigInteger, "int8"), (SmallInteger, "int2"), (Integer, "int4"), (Boolean, "bool"),
)  # fmt: skip
WHOLE: Final = {"int2": ">i2", "int4": ">i4", "int8": ">i8"}
HEADER, TRAILER = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
"""Around the tuples of COPY BINARY (PostgreSQL's documentation of COPY, file formats)."""

Column = npt.NDArray[np.int64] | Sequence[int] | Sequence[bytes]


def insert_rows(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert `rows`, whose values stand in the order of the table's columns and are what the driver stores:
    `UtcTime` columns take microseconds here (`io.store.columns.microseconds`).
    """
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        with _copying(connection, table) as (copy, types):
            copy.set_types(types)
            for row in rows:
                copy.write_row(row)
    else:
        connection.exec_driver_sql(_insert(table, connection.dialect), list(rows))


def insert_columns(connection: Connection, table: Table, parts: Iterable[Sequence[Column]]) -> None:
    """Insert parts of many rows each, every part all columns of the table in their order: integers and bytes, no NULL.

    A server takes a part in while the next one is made: nothing else may be asked of `connection` meanwhile.
    """
    if connection.dialect.name == "postgresql":
        with _copying(connection, table) as (copy, types):
            copy.write(HEADER)
            for columns in parts:
                copy.write(_tuples(columns, types))
            copy.write(TRAILER)
        return
    for columns in parts:
        listed = [column.tolist() if isinstance(column, np.ndarray) else column for column in columns]
        connection.exec_driver_sql(_insert(table, connection.dialect), list(zip(*listed, strict=True)))


@lru_cache(maxsize=64)
def _insert(table: Table, dialect: Dialect) -> str:
    return str(insert(table).compile(dialect=dialect))


@contextmanager
def _copying(connection: Connection, table: Table) -> Iterator[tuple[Any, Sequence[str]]]:
    """A COPY in binary; a row that is there already fails the whole of it, like any other insert."""
    statement, types = _copy_statement(table)
    cursor: Any = connection.connection.cursor()  # psycopg's own: COPY is beyond the DB-API
    try:
        with cursor.copy(statement) as copy:
            yield copy, types
    finally:
        cursor.close()


@lru_cache(maxsize=64)
def _copy_statement(table: Table) -> tuple[str, list[str]]:
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    types = [_copy_type(getattr(column.type, "impl", column.type)) for column in table.columns]
    return f'COPY "{table.name}" ({names}) FROM STDIN (FORMAT BINARY)', types


def _copy_type(declared: Any) -> str:
    return next((name for kind, name in COPY_TYPES if isinstance(declared, kind)), "text")


def _tuples(columns: Sequence[Column], types: Sequence[str]) -> bytes:
    """Rows as tuples of COPY BINARY: a count of fields, then of each field its length and its bytes.

    What lies between two columns of bytes is of one length: it is made of all rows at once.
    """
    fixed: list[tuple[str, Any]] = [(">i2", len(types))]
    parts: list[Sequence[bytes]] = []
    for column, kind in zip(columns, types, strict=True):
        if kind == "bytea":
            octets: Any = column
            parts += [_stretch([*fixed, (">i4", [len(each) for each in octets])], len(column)), octets]
            fixed = []
        else:
            fixed += [(">i4", np.dtype(WHOLE[kind]).itemsize), (WHOLE[kind], column)]
    if fixed:
        parts.append(_stretch(fixed, len(columns[0])))
    return b"".join([octets for row in zip(*parts, strict=True) for octets in row])


def _stretch(fields: Sequence[tuple[str, Any]], count: int) -> Sequence[bytes]:
    """Per row the fields one after another."""
    table = np.empty(count, dtype=[(f"f{at}", kind) for at, (kind, _) in enumerate(fields)])
    for at, (_, values) in enumerate(fields):
        table[f"f{at}"] = values
    flat, width = table.tobytes(), table.dtype.itemsize
    return [flat[at : at + width] for at in range(0, count * width, width)]
