"""The registry's facts with both times: when they held, and when that was known. What was known before comes along."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

from openami.io.store.columns import RowId, UtcTime


def create() -> None:
    fact = op.create_table(
        "registry_fact",
        sa.Column("id", RowId, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("metering_point", RowId, nullable=False),
        sa.Column("start", UtcTime(), nullable=False),
        sa.Column("end", UtcTime()),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("known_from", UtcTime(), nullable=False),
        sa.Column("known_until", UtcTime()),
        sa.PrimaryKeyConstraint("id", name="pk_registry_fact"),
        sa.ForeignKeyConstraint(["metering_point"], ["metering_point.id"], name="fk_registry_fact_metering_point"),
    )
    op.create_index("ix_registry_fact_metering_point_kind", "registry_fact", ["metering_point", "kind"])
    op.bulk_insert(fact, list(_known()))


def _known() -> Iterator[dict[str, Any]]:
    """The facts of the first schema, taken as known since they hold."""
    connection = op.get_bind()
    for kind, other in (("installation", "meter"), ("supply", "consumer")):
        columns = [sa.column(name, UtcTime()) for name in ("start", "end")]
        table = sa.table(kind, sa.column("metering_point"), *columns, sa.column(other))
        for row in connection.execute(sa.select(table).order_by(table.c.metering_point, *columns[:1])):
            yield _fact(kind, row.metering_point, (row.start, row.end), {other: row[3]})
    table = sa.table(
        "service_address", sa.column("metering_point"), sa.column("start", UtcTime()), sa.column("service_address")
    )
    rows = connection.execute(sa.select(table).order_by(table.c.metering_point, table.c.start)).all()
    for row, after in zip(rows, [*rows, None][1:], strict=True):
        same = after is not None and after.metering_point == row.metering_point
        span = row.start, after.start if same and after is not None else None
        yield _fact("address", row.metering_point, span, {"service_address": row.service_address})


def _fact(kind: str, point: int, span: tuple[Any, Any], content: dict[str, Any]) -> dict[str, Any]:
    start, end = span
    told = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return {"kind": kind, "metering_point": point, "start": start, "end": end, "content": told, "known_from": start}
