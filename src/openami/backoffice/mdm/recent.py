"""Recent intervals as rows, for those who ask the database itself: kept for as many days as somebody wants, or not at
all. Everything else rests on blocks; these rows are copies that are made again whenever they are asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from sqlalchemy import Connection, delete

from openami.backoffice.mdm.held import Held, Pair, held_days
from openami.backoffice.mdm.placement import homes
from openami.backoffice.mdm.tables import recent_interval
from openami.backoffice.registry.registry import Registry
from openami.io.store.among import among
from openami.io.store.bulk import insert_rows
from openami.io.store.engine import Store
from openami.model.interval import DAY_S
from openami.model.point import ChannelKind
from openami.model.quality import Quality

POINTS_AT_ONCE = 200
Row = tuple[int, int, int, int, int, int]


def refresh(store: Store, registry: Registry, first: int, last: int) -> int:
    """Let `recent_interval` hold the UTC days from `first` to `last` (since 1970-01-01) as they hold now, and nothing
    else; with `last` before `first` nothing at all. How many rows there are.
    """
    with store.transaction() as connection:
        connection.execute(delete(recent_interval).where(~recent_interval.c.day.between(first, last)))
    points, count = registry.point_ids() if first <= last else [], 0
    for at in range(0, len(points), POINTS_AT_ONCE):
        some = points[at : at + POINTS_AT_ONCE]
        with store.transaction() as connection:
            connection.execute(delete(recent_interval).where(among(recent_interval.c.metering_point, some)))
            rows = list(_rows(connection, registry, some, (first, last)))
            insert_rows(connection, recent_interval, rows)
        count += len(rows)
    return count


def _rows(connection: Connection, registry: Registry, points: Sequence[int], days: tuple[int, int]) -> Iterator[Row]:
    """Every interval that has a value, by point, channel and time."""
    same: dict[int, list[Pair]] = {}
    for channel in homes(registry.channels_of_points(points)).values():
        if channel.kind is ChannelKind.INTERVAL_ENERGY:
            same.setdefault(channel.resolution_s, []).append((channel.metering_point, channel.number))
    for resolution_s, pairs in same.items():
        held = held_days(connection, pairs, days, resolution_s)
        for row, pair in enumerate(pairs):
            yield from _channel(held, row, pair)


def _channel(held: Held, row: int, pair: Pair) -> Iterator[Row]:
    known = np.flatnonzero(held.quality[row] != Quality.MISSING)
    ends = held.first * DAY_S + (known + 1) * held.resolution_s
    days = (ends - 1) // DAY_S
    columns = (days.tolist(), ends.tolist(), held.energy[row, known].tolist(), held.quality[row, known].tolist())
    for day, end, value, quality in zip(*columns, strict=True):
        yield pair[0], day, pair[1], end, value, quality
