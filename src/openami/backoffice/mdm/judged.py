"""Judged channel-days in the store: each judgement that differs from the one before is a new version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, func, select

from openami.backoffice.mdm import reasons as why
from openami.backoffice.mdm.blocks import Codes, pack, pack_codes, unpack, unpack_codes
from openami.backoffice.mdm.reasons import Reason
from openami.backoffice.mdm.tables import interval_block, judged_block
from openami.io.store.bulk import insert_rows
from openami.model.interval import DAY_S, Values
from openami.model.quality import Quality


@dataclass(frozen=True, slots=True, eq=False)
class JudgedDay:
    """One channel-day as judged. `raw_version` is the version of the measured block that was judged, 0 for none."""

    day: int
    raw_version: int
    rule_set: str
    energy: Values
    quality: Codes
    reasons: tuple[Reason, ...]

    @property
    def estimated(self) -> int:
        """How many intervals are estimates."""
        return int(np.count_nonzero(self.quality == Quality.ESTIMATED))

    @property
    def missing(self) -> int:
        return int(np.count_nonzero(self.quality == Quality.MISSING))


@dataclass(frozen=True, slots=True)
class Judgement:
    """A stored row; `energy` and `quality` are None where nothing was estimated."""

    day: int
    version: int
    judged_at: int
    raw_version: int
    rule_set: str
    energy: Values | None
    quality: Codes | None
    reasons: tuple[Reason, ...]


def raw_versions(connection: Connection, point: int, channel: int, first: int, last: int) -> dict[int, int]:
    """The current version of each stored block from day `first` to `last`."""
    table = interval_block.c
    chosen = table.metering_point == point, table.channel == channel, table.day.between(first, last)
    query = select(table.day, func.max(table.version)).where(*chosen).group_by(table.day)
    return {row[0]: row[1] for row in connection.execute(query)}


def current(connection: Connection, point: int, channel: int, first: int, last: int) -> dict[int, Judgement]:
    """The latest judgement of each day from `first` to `last`."""
    return {row.day: _judgement(row) for row in _rows(connection, point, channel, first, last)}


def store(
    connection: Connection, point: int, channel: int, resolution_s: int, days: Sequence[JudgedDay], judged_at: int
) -> int:
    """Store what differs from the current judgement. How many rows were stored."""
    if not days:
        return 0
    there = {row.day: row for row in _rows(connection, point, channel, days[0].day, days[-1].day)}
    rows = []
    for day in days:
        content = _content(day)
        before = there.get(day.day)
        if before is None and not day.raw_version and not day.reasons:
            continue  # nobody knows anything of this day
        if before is None or content != _content_of(before):
            version = 1 if before is None else before.version + 1
            rows.append((point, day.day, channel, version, resolution_s, judged_at, *content))
    insert_rows(connection, judged_block, rows)
    return len(rows)


def _content(day: JudgedDay) -> tuple[Any, ...]:
    energy = quality = None
    if day.estimated:
        energy, quality = pack(day.energy[None, :])[0], pack_codes(day.quality[None, :])[0]
    total = int(day.energy.sum())
    told = why.encode(day.reasons)
    return day.raw_version, day.rule_set, total, day.missing, day.estimated, energy, quality, told


def _content_of(row: Row[Any]) -> tuple[Any, ...]:
    return (
        row.raw_version, row.rule_set, row.energy_sum, row.missing, row.estimated, row.energy, row.quality, row.reasons,
    )  # fmt: skip


def _rows(connection: Connection, point: int, channel: int, first: int, last: int) -> Sequence[Row[Any]]:
    later = judged_block.alias("later")
    mine = judged_block.c
    latest = select(func.max(later.c.version)).where(
        later.c.metering_point == mine.metering_point, later.c.day == mine.day, later.c.channel == mine.channel
    )
    chosen = mine.metering_point == point, mine.channel == channel, mine.day.between(first, last)
    query = select(judged_block).where(*chosen, mine.version == latest.scalar_subquery()).order_by(mine.day)
    return connection.execute(query).all()


def _judgement(row: Row[Any]) -> Judgement:
    count = DAY_S // row.resolution_s
    energy = quality = None
    if row.energy is not None:
        energy, quality = unpack([row.energy], count)[0], unpack_codes([row.quality], count)[0]
    told = tuple(why.decode(row.reasons))
    return Judgement(row.day, row.version, row.judged_at, row.raw_version, row.rule_set, energy, quality, told)
