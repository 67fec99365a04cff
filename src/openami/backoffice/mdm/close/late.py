"""Blocks that come for days that were closed: intake marks them, the next close judges their days again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import Connection, and_, delete, func, select

from openami.backoffice.mdm.channel_days import Key
from openami.backoffice.mdm.tables import close_run, late_block
from openami.io.store.among import among
from openami.io.store.barrier import pass_gate
from openami.io.store.bulk import insert_rows

THROUGH = select(func.max(close_run.c.day))
NO_BLOCK = 0
"""The version in a mark that no block made: a register, or a check channel's block."""
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


def pass_on(connection: Connection, came: Sequence[Mark], mains: Mapping[int, Sequence[tuple[int, int]]]) -> None:
    """What came late for a check channel is late for the main channels that it checks."""
    mark_days(connection, [(*main, day) for point, _, day, _ in came for main in mains.get(point, ())])


def mark_days(connection: Connection, days: Sequence[Key]) -> None:
    """Mark channel-days that were closed before and of which something else than a block changed."""
    wanted = sorted(dict.fromkeys(days))
    if wanted:
        there = {mark[:3] for mark in marks(connection, sorted({key[0] for key in wanted}))}
        mark(connection, ((key, NO_BLOCK) for key in wanted if key not in there))


def settle(connection: Connection, done: Sequence[Mark]) -> None:
    """Forget marks whose days were judged again."""
    table = late_block.c
    for point, channel, day, version in done:
        chosen = and_(table.metering_point == point, table.channel == channel, table.day == day)
        connection.execute(delete(late_block).where(chosen, table.version == version))
