"""The rows of metering data as leaves of a Merkle tree: which became known in a period, each with a name and a hash."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Connection, Row, Table, select, type_coerce
from sqlalchemy.types import TypeDecorator

from openami.backoffice.audit.merkle import leaf_hash
from openami.backoffice.mdm.details import details_of
from openami.backoffice.mdm.tables import edited_block, interval_block, judged_block, stamped_register
from openami.io.store.columns import microseconds

EVERY_TABLE: Final = (
    (interval_block, "known_at"),
    (judged_block, "judged_at"),
    (stamped_register, "known_at"),
    (edited_block, "edited_at"),
)
"""Each table whose rows are only ever added, with the column that says when (microseconds since 1970-01-01)."""
FIRST_TOLD: Final = (
    "metering_point", "day", "channel", "version", "resolution_s", "known_at", "meter", "evidence", "energy_sum",
    "peak", "missing", "estimated", "base",
)  # fmt: skip
DAY_S: Final = 86_400
_AT_A_TIME: Final = 1_000
_ENCODER: Final = msgspec.msgpack.Encoder()


class RowName(NamedTuple):
    """A row by its key: what it is about, and the UTC day (since 1970-01-01) of its values."""

    table: str
    point: int
    day: int
    rest: str

    @classmethod
    def parse(cls, text: str) -> RowName:
        """The name in a list of rows; raises `ValueError` if it is none."""
        table, point, day, rest = text.split("/", 3)
        return cls(table, int(point), int(day), rest)

    def __str__(self) -> str:
        return f"{self.table}/{self.point}/{self.day}/{self.rest}"


class KnownRow(NamedTuple):
    """A row that became known at `at` (microseconds); `leaf` is the hash over all its columns."""

    name: RowName
    at: int
    leaf: bytes


def known_rows(connection: Connection, start: datetime, end: datetime) -> Iterator[KnownRow]:
    """The rows that became known from `start` until before `end`, in no order. Reads each table through once."""
    first, last = microseconds(start), microseconds(end)
    for table, column in EVERY_TABLE:
        stored = [_as_stored(one) for one in table.columns]
        at = stored[table.columns.keys().index(column)]
        query = select(*stored).where(at >= first, at < last).execution_options(yield_per=_AT_A_TIME)
        position = table.columns.keys().index(column)
        for row in connection.execute(query):
            values = tuple(row)
            told = _as_first_told(row) if table is interval_block else values
            leaf = leaf_hash(_ENCODER.encode((f"{table.name}", *told)))
            yield KnownRow(_name(table, values), values[position], leaf)


def _as_stored(column: Any) -> Any:
    """The column as the database keeps it, so that equal rows have equal hashes in every database."""
    kept = column.type
    return type_coerce(column, kept.impl).label(column.name) if isinstance(kept, TypeDecorator) else column


def _as_first_told(row: Row[Any]) -> tuple[Any, ...]:
    """A block in the columns that it had when its first root was entered: that the schema changed changes no leaf."""
    details = details_of(row.details, row.base, row.energy_sum, row.meter)
    ends = details.closing, details.closing_meter, row.energy
    return (*(getattr(row, name) for name in FIRST_TOLD), *ends, *msgspec.structs.astuple(details)[:4])


def _name(table: Table, values: tuple[Any, ...]) -> RowName:
    key = dict(zip((one.name for one in table.columns), values, strict=True))
    key = {one.name: key[one.name] for one in table.primary_key.columns}
    point = key.pop("metering_point")
    day = key.pop("day") if "day" in key else key["stamp"] // DAY_S
    return RowName(f"{table.name}", point, day, "/".join(map(str, key.values())))
