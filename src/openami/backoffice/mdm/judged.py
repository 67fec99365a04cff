"""Judged channel-days in the store: each judgement that differs from the one before is a new version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection, Row, func, select

from openami.backoffice.mdm import reasons as why
from openami.backoffice.mdm.bit_groups import pack
from openami.backoffice.mdm.blocks import Codes, pack_codes, unpack, unpack_codes
from openami.backoffice.mdm.reasons import Reason
from openami.backoffice.mdm.tables import interval_block, judged_block
from openami.io.store.among import among
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


Content = tuple[Any, ...]
"""The columns of a judgement after `judged_at`."""


@dataclass(frozen=True, slots=True)
class Judged:
    """The judgement of one channel-day, ready to be stored."""

    metering_point: int
    day: int
    channel: int
    resolution_s: int
    content: Content

    @property
    def empty(self) -> bool:
        """Whether nobody knows anything of this day: no raw version and no reason."""
        return not self.content[0] and self.content[-1] is None


def raw_versions(connection: Connection, point: int, channel: int, first: int, last: int) -> dict[int, int]:
    """The current version of each stored block from day `first` to `last`."""
    table = interval_block.c
    chosen = table.metering_point == point, table.channel == channel, table.day.between(first, last)
    query = select(table.day, func.max(table.version)).where(*chosen).group_by(table.day)
    return {row[0]: row[1] for row in connection.execute(query)}


def current(connection: Connection, point: int, channel: int, first: int, last: int) -> dict[int, Judgement]:
    """The latest judgement of each day from `first` to `last`."""
    rows = _rows(connection, [point], first, last)
    return {row.day: _judgement(row) for row in rows if row.channel == channel}


def first_estimates(
    connection: Connection, since: Mapping[tuple[int, int], int], reach_days: int
) -> dict[tuple[int, int], int]:
    """Per channel (point and number) the first day with an estimate, or without a value that a register could give, of
    the `reach_days` before the day given for it.
    """
    if not since:
        return {}
    table, days = judged_block.c, since.values()
    chosen = among(table.metering_point, sorted({point for point, _ in since})), table.estimated + table.missing > 0
    within = table.day.between(min(days) - reach_days, max(days))
    query = select(table.metering_point, table.channel, table.day).where(*chosen, within)
    found: dict[tuple[int, int], int] = {}
    for point, channel, day in connection.execute(query):
        key = point, channel
        if key in since and since[key] - reach_days <= day < found.get(key, since[key]):
            found[key] = day
    return found


def store(connection: Connection, judged: Sequence[Judged], judged_at: int) -> int:
    """Store what differs from the current judgement. How many rows were stored."""
    if not judged:
        return 0
    days, points = [each.day for each in judged], sorted({each.metering_point for each in judged})
    rows = _rows(connection, points, min(days), max(days))
    there = {(row.metering_point, row.day, row.channel): row for row in rows}
    added = []
    for each in judged:
        key = each.metering_point, each.day, each.channel
        before = there.get(key)
        if each.empty if before is None else each.content == _content_of(before):
            continue
        version = 1 if before is None else before.version + 1
        added.append((*key, version, each.resolution_s, judged_at, *each.content))
    insert_rows(connection, judged_block, added)
    return len(added)


def content_of(day: JudgedDay) -> Content:
    """What is stored of a judged day."""
    energy = quality = None
    if day.estimated:
        energy, quality = pack(day.energy[None, :])[0], pack_codes(day.quality[None, :])[0]
    total = int(day.energy.sum())
    told = why.encode(day.reasons)
    return day.raw_version, day.rule_set, total, day.missing, day.estimated, energy, quality, told


def estimated_energy(energy: bytes | None, quality: bytes | None, intervals: int) -> int:
    """The energy of the intervals of a stored judgement that are estimates."""
    if energy is None:
        return 0
    codes = unpack_codes([quality], intervals)[0]
    return int(unpack([energy], intervals)[0][codes == Quality.ESTIMATED].sum())


def _content_of(row: Row[Any]) -> tuple[Any, ...]:
    return (
        row.raw_version, row.rule_set, row.energy_sum, row.missing, row.estimated, row.energy, row.quality, row.reasons,
    )  # fmt: skip


def _rows(connection: Connection, points: Sequence[int], first: int, last: int) -> Iterator[Row[Any]]:
    """The latest version of each judged day of `points` from day `first` to `last`."""
    table = judged_block.c
    chosen = among(table.metering_point, points), table.day.between(first, last)
    rows = connection.execute(select(judged_block).where(*chosen).order_by(table.version)).all()
    latest = {(row.metering_point, row.channel, row.day): row for row in rows}
    return iter(latest.values())


def _judgement(row: Row[Any]) -> Judgement:
    count = DAY_S // row.resolution_s
    energy = quality = None
    if row.energy is not None:
        energy, quality = unpack([row.energy], count)[0], unpack_codes([row.quality], count)[0]
    told = tuple(why.decode(row.reasons))
    return Judgement(row.day, row.version, row.judged_at, row.raw_version, row.rule_set, energy, quality, told)
