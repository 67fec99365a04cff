"""Blocks that come for days that were closed: intake marks them, the next close judges their days again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, and_, delete, func, select

from openami.backoffice.mdm.channel_days import Key
from openami.backoffice.mdm.tables import close_run, late_block
from openami.io.store.among import among
from openami.io.store.barrier import pass_gate
from openami.io.store.bulk import insert_rows

THROUGH = select(func.max(close_run.c.day))
Mark = tuple[int, int, int, int]
"""Metering point, channel, day, version."""


def mark(connection: Connection, stored: Iterable[tuple[Key, int]]) -> None:
    """Mark those channel-days, each with the version just stored, whose day was closed before (or is being closed)."""
    pass_gate(connection)
    through = connection.execute(THROUGH).scalar()
    if through is not None:
        insert_rows(connection, late_block, [(*key, version) for key, version in stored if key[2] <= through])


def marks(connection: Connection, points: Sequence[int]) -> list[Mark]:
    """What came late for `points`, in the order of the key."""
    table = late_block.c
    query = select(late_block).where(among(table.metering_point, points))
    rows = connection.execute(query.order_by(table.metering_point, table.channel, table.day, table.version))
    return [(row[0], row[1], row[2], row[3]) for row in rows]


def settle(connection: Connection, done: Sequence[Mark]) -> None:
    """Forget marks whose days were judged again."""
    table = late_block.c
    for point, channel, day, version in done:
        chosen = and_(table.metering_point == point, table.channel == channel, table.day == day)
        connection.execute(delete(late_block).where(chosen, table.version == version))
