"""What a chunk of a close is: its points, and what the registry says of their channels on the day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row

from openami.backoffice.mdm.channel_days import Column, Mask
from openami.backoffice.mdm.close.late import Mark
from openami.backoffice.mdm.close.statistics import Pair
from openami.backoffice.registry.listing import channels_of_kind, hung_between
from openami.backoffice.registry.rows import channel_of
from openami.model.interval import DAY_S
from openami.model.point import Channel, ChannelKind

DIRECT = "direct"
SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Work:
    """One chunk, as it travels to whoever does it. `collectors` are links that several meters share,
    `mains` the main channels that channels of these points check, `passed_on` the late marks they were told of.
    """

    url: str
    day: int
    now: datetime
    first_closed: int
    points: tuple[int, ...]
    collectors: frozenset[str]
    mains: Mapping[int, Sequence[tuple[int, int]]]
    passed_on: frozenset[Mark]


@dataclass(slots=True, eq=False)
class Members:
    """The channels of a chunk, a row each, and what the registry says of them on the day. `obis` are texts."""

    rows: list[Row[Any]]
    pairs: list[Pair]
    obis: list[str]
    zones: list[str]
    collectors: list[str]
    resolutions: Column
    hung_all_day: Mask
    expected: Mask
    meters: list[int]

    def channel(self, row: int) -> Channel:
        """The channel of a row."""
        return channel_of(self.rows[row])


def members_of(connection: Connection, work: Work) -> Members:
    """The channels of interval energy of the chunk's points; of two for the same quantity the one that keeps it."""
    rows, quantities = [], set()
    for row in channels_of_kind(connection, work.points, ChannelKind.INTERVAL_ENERGY):
        quantity = row.metering_point, row.obis, row.resolution_s
        if quantity not in quantities:
            quantities.add(quantity)
            rows.append(row)
    points = np.array([row.metering_point for row in rows], dtype=np.int64)
    place = np.searchsorted(np.array(work.points, dtype=np.int64), points)
    meters, all_day, links = _hung(connection, work)
    shared = [link if link is not None and link in work.collectors else DIRECT for link in links]
    return Members(
        rows,
        [(row.metering_point, row.number) for row in rows],
        [row.obis for row in rows],
        [row.zone for row in rows],
        [shared[at] for at in place.tolist()],
        np.array([row.resolution_s for row in rows], dtype=np.int64),
        all_day[place],
        meters[place] != 0,
        meters[place].tolist(),
    )


def _hung(connection: Connection, work: Work) -> tuple[Column, Mask, Sequence[str | None]]:
    """Per point the last meter that hung there on the day (0: none), whether it hung there all day and no other touched
    the day (an exchange at midnight is looked at), and its link.
    """
    start, end = work.day * DAY_S, (work.day + 1) * DAY_S
    meters, count = np.zeros(len(work.points), dtype=np.int64), np.zeros(len(work.points), dtype=np.int64)
    all_day = np.zeros(len(work.points), dtype=np.bool_)
    links: list[str | None] = [None] * len(work.points)
    place = {point: at for at, point in enumerate(work.points)}
    for point, meter, begun, ended, link in hung_between(connection, work.points, start * SECOND, end * SECOND):
        at = place[point]
        if ended is None or ended // SECOND > start:
            meters[at], links[at] = meter, link
            count[at] += 1
            all_day[at] = begun // SECOND <= start and (ended is None or ended // SECOND >= end)
    return meters, all_day & (count == 1), links
