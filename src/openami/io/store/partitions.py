"""Tables kept in a part per month, on servers that can: parts made ahead, a default part for the rest, retention.

A table is kept so if it is declared with `postgresql_partition_by="RANGE (day)"`, `day` being whole days since
1970-01-01. SQLite keeps everything in one part and takes the same calls.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from alembic import op
from sqlalchemy import Connection, inspect, text

BEGINNING = date(1970, 1, 1)
MONTHS_AHEAD = 3


def default_partition(table: str) -> None:
    """In a migration: the part that takes days of no month's part, so that nothing is ever refused."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f'CREATE TABLE "{table}_default" PARTITION OF "{table}" DEFAULT')


def make_ahead(connection: Connection, first: date, last: date) -> list[str]:
    """Make the parts for the months from `first` to `last` that are not there; the names of those made.

    Days of such a month that the default part took meanwhile are moved.
    """
    made = []
    for table in partitioned(connection):
        for month in _months(first, last):
            name = f"{table}_{month:%Y_%m}"
            if not _exists(connection, name):
                _make(connection, table, name, month)
                made.append(name)
    return made


def retire(connection: Connection, before: date) -> int:
    """Drop all days before `before` for good: whole months by their part, the rest row by row. How many rows went."""
    gone = 0
    edge = (before - BEGINNING).days
    for table in partitioned(connection):
        for name in _parts(connection, table):
            month = _month_of(table, name)
            if month is not None and _next_month(month) <= before:
                gone += connection.execute(text(f'SELECT count(*) FROM "{name}"')).scalar_one()  # noqa: S608 - our name
                connection.execute(text(f'ALTER TABLE "{table}" DETACH PARTITION "{name}"'))
                connection.execute(text(f'DROP TABLE "{name}"'))
    for table in _tables_by_day(connection):
        gone += connection.execute(text(f'DELETE FROM "{table}" WHERE day < :edge'), {"edge": edge}).rowcount  # noqa: S608
    return gone


def partitioned(connection: Connection) -> list[str]:
    """The tables that this database keeps in parts."""
    if connection.dialect.name != "postgresql":
        return []
    kept = "SELECT relname FROM pg_class WHERE relkind = 'p' AND relnamespace = current_schema()::regnamespace"
    return list(connection.execute(text(f"{kept} ORDER BY relname")).scalars())


def _tables_by_day(connection: Connection) -> list[str]:
    """Tables of which each row is of one day, by their key; parts are not listed."""
    found = inspect(connection)
    parts = {part for table in partitioned(connection) for part in _parts(connection, table)}
    names = sorted(name for name in found.get_table_names() if name not in parts)
    return [name for name in names if found.get_pk_constraint(name)["constrained_columns"][:2] == DAY_KEY]


DAY_KEY = ["metering_point", "day"]


def _parts(connection: Connection, table: str) -> list[str]:
    children = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = CAST(:table AS regclass)"
    return [name.strip('"') for name in connection.execute(text(children), {"table": f'"{table}"'}).scalars()]


def _exists(connection: Connection, name: str) -> bool:
    return connection.execute(text("SELECT to_regclass(:name)"), {"name": f'"{name}"'}).scalar() is not None


def _make(connection: Connection, table: str, name: str, month: date) -> None:
    """Beside the table first, so that what the default part holds of this month can move before it is attached."""
    first, after = ((edge - BEGINNING).days for edge in (month, _next_month(month)))
    days = {"first": first, "after": after}
    connection.execute(text(f'CREATE TABLE "{name}" (LIKE "{table}" INCLUDING ALL)'))
    moved = f'DELETE FROM "{table}_default" WHERE day >= :first AND day < :after RETURNING *'  # noqa: S608
    connection.execute(text(f'WITH moved AS ({moved}) INSERT INTO "{name}" SELECT * FROM moved'), days)  # noqa: S608
    bounds = f"FROM ({first}) TO ({after})"
    connection.execute(text(f'ALTER TABLE "{table}" ATTACH PARTITION "{name}" FOR VALUES {bounds}'))


def _months(first: date, last: date) -> Iterator[date]:
    month = first.replace(day=1)
    while month <= last:
        yield month
        month = _next_month(month)


def _next_month(month: date) -> date:
    return (month.replace(day=1) + timedelta(days=32)).replace(day=1)


def _month_of(table: str, name: str) -> date | None:
    try:
        year, month = name.removeprefix(f"{table}_").split("_")
        return date(int(year), int(month), 1)
    except ValueError:
        return None
