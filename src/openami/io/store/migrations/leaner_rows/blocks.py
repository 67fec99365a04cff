"""Interval blocks with narrow columns, and in one all that is told of few: no value changes, nor how it is packed.

The table is made again beside the old one and filled from it: plain days within the database, all others page by page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from alembic import op

PAGE = 2_000
TABLE, BEFORE = "interval_block", "interval_block_before"
KEY = ("metering_point", "day", "channel", "version")
KEPT = (
    *KEY, "resolution_s", "missing", "estimated", "known_at", "meter", "evidence", "energy_sum", "peak", "base",
    "energy",
)  # fmt: skip
UNUSUAL = ("quality", "registers", "status", "sources", "closing", "closing_meter")
PARTS = sa.text(
    "SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
    " WHERE i.inhparent = to_regclass(:before) ORDER BY c.relname"
).bindparams(before=BEFORE)

_before = sa.table(BEFORE, *(sa.column(name) for name in (*KEPT, *UNUSUAL)))
_key = [_before.c[name] for name in KEY]
PLAIN = sa.and_(
    *(_before.c[name].is_(None) for name in UNUSUAL[:4]),
    _before.c.closing == _before.c.base + _before.c.energy_sum,
    _before.c.closing_meter == _before.c.meter,
)


def narrow() -> None:
    """Make `interval_block` anew, parts by month included."""
    server = op.get_bind().dialect.name == "postgresql"
    if server:
        op.execute(f'ALTER INDEX "pk_{TABLE}" RENAME TO "pk_{BEFORE}"')
    op.rename_table(TABLE, BEFORE)
    table = _create()
    for name, bounds in _parts() if server else ():
        op.rename_table(name, f"{name}_before")
        op.execute(f'CREATE TABLE "{name}" PARTITION OF "{TABLE}" {bounds}')
    plain = sa.select(*(_before.c[name] for name in KEPT), sa.literal(b"")).where(PLAIN).order_by(*_key)
    op.execute(table.insert().from_select([*KEPT, "details"], plain))
    for page in _pages(op.get_bind()):
        op.bulk_insert(table, [{**_kept(row), "details": _details(row)} for row in page])
    op.drop_table(BEFORE)


def _create() -> sa.Table:
    return op.create_table(
        TABLE,
        sa.Column("metering_point", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("channel", sa.SmallInteger(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("resolution_s", sa.Integer(), nullable=False),
        sa.Column("missing", sa.SmallInteger(), nullable=False),
        sa.Column("estimated", sa.SmallInteger(), nullable=False),
        sa.Column("known_at", sa.BigInteger(), nullable=False),
        sa.Column("meter", sa.BigInteger(), nullable=False),
        sa.Column("evidence", sa.BigInteger(), nullable=False),
        sa.Column("energy_sum", sa.BigInteger(), nullable=False),
        sa.Column("peak", sa.BigInteger(), nullable=False),
        sa.Column("base", sa.BigInteger(), nullable=False),
        sa.Column("energy", sa.LargeBinary(), nullable=False),
        sa.Column("details", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint(*KEY, name="pk_interval_block"),
        postgresql_partition_by="RANGE (day)",
    )


def _parts() -> Sequence[Any]:
    return op.get_bind().execute(PARTS).all()


def _pages(connection: sa.Connection) -> Iterator[Sequence[Any]]:
    """All blocks with something unusual in the order of their key, some at a time."""
    query = sa.select(_before).where(sa.not_(PLAIN)).order_by(*_key).limit(PAGE)
    page = connection.execute(query).all()
    while page:
        yield page
        after = sa.tuple_(*_key) > sa.tuple_(*(sa.literal(value, sa.BigInteger()) for value in page[-1][: len(KEY)]))
        page = connection.execute(query.where(after)).all()


def _kept(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in KEPT}


def _details(row: Any) -> bytes:
    return msgspec.msgpack.encode([getattr(row, name) for name in UNUSUAL])
