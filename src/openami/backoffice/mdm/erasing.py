"""Fine-grained values of a metering point are erased: intervals, judgements, edits, and the bytes they are from.

Registers, bills and the sums in them stay: they say what was used in a month, not when somebody was at home.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection, Table, delete, func, select

from openami.backoffice.mdm.tables import (
    channel_statistic,
    edited_block,
    evidence,
    interval_block,
    judged_block,
    late_block,
    recent_interval,
    value_edit,
)
from openami.io.store.columns import EPOCH
from openami.model.interval import DAY_S, utc

BY_DAY: tuple[Table, ...] = (interval_block, judged_block, edited_block, late_block, recent_interval)


def first_days(connection: Connection) -> dict[int, int]:
    """The oldest UTC day (since 1970-01-01) of which intervals are kept, by metering point."""
    table = interval_block.c
    query = select(table.metering_point, func.min(table.day).label("first")).group_by(table.metering_point)
    return {row.metering_point: row.first for row in connection.execute(query).all()}


def erase(connection: Connection, metering_point: int, before: int) -> int:
    """Erase what the point has of days before `before`; how many rows went. What follows is judged without it."""
    gone = 0
    for table in BY_DAY:
        chosen = table.c.metering_point == metering_point, table.c.day < before
        gone += connection.execute(delete(table).where(*chosen)).rowcount
    edits = value_edit.c.metering_point == metering_point, value_edit.c.start < before * DAY_S
    gone += connection.execute(delete(value_edit).where(*edits)).rowcount
    bytes_of = evidence.c.metering_point == metering_point, evidence.c.received_at < utc(before * DAY_S)
    gone += connection.execute(delete(evidence).where(*bytes_of)).rowcount
    connection.execute(delete(channel_statistic).where(channel_statistic.c.metering_point == metering_point))
    return gone


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - EPOCH.date()).days
