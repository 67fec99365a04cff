"""Daily statistics of channels: what history rules need of the four weeks before a day, one small row per channel.

A row tells of day `through` and the 28 before it, so that a day can be closed again without reading weeks. It is made
from `interval_block` where it is not there or of another day; intake's late marks say where it no longer holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection, delete, select

from openami.backoffice.mdm import stored
from openami.backoffice.mdm.bit_groups import pack
from openami.backoffice.mdm.blocks import Codes, Matrix, pack_codes, unpack, unpack_codes
from openami.backoffice.mdm.channel_days import ABSENT, ChannelDays, Column, Mask, Sources
from openami.backoffice.mdm.status import usable
from openami.backoffice.mdm.tables import channel_statistic, interval_block
from openami.backoffice.mdm.validation.own_days import HISTORY_DAYS
from openami.io.store.among import among
from openami.io.store.bulk import insert_rows
from openami.model.interval import DAY_S
from openami.model.quality import Quality

DAYS = HISTORY_DAYS + 1
GOOD, PARTLY, EMPTY = 0, 1, 2
TAIL = 2
"""How many registers at the end of a day are kept: a rule compares a day's first register with two before it."""
WIDTH = 2 * DAYS + 2 * 2 * TAIL
Pair = tuple[int, int]
"""Metering point and channel."""


@dataclass(slots=True, eq=False)
class Statistics:
    """Of m channels the DAYS days up to and including one day, oldest first.

    `totals`, `peaks` (m, DAYS); `states` (m, DAYS): GOOD without a missing interval, PARTLY, EMPTY without any value.
    `registers`, `meters` (m, 2, TAIL): the last snapshots of the last day but one and of the last day; a meter of 0
    where the snapshot is missing or not to be trusted. `gap_since` (m,): the first day that still lacks something,
    -1 for none.
    """

    totals: Matrix
    peaks: Matrix
    states: Codes
    registers: Any
    meters: Any
    gap_since: Column

    @classmethod
    def empty(cls, count: int) -> Statistics:
        shape, tails = (count, DAYS), (count, 2, TAIL)
        return cls(
            np.zeros(shape, np.int64),
            np.zeros(shape, np.int64),
            np.full(shape, EMPTY, np.uint8),
            np.zeros(tails, np.int64),
            np.zeros(tails, np.int64),
            np.full(count, -1, np.int64),
        )

    def take(self, rows: Any, other: Statistics) -> None:
        """Let `rows` be those of `other`."""
        for mine, theirs in zip(self._columns(), other._columns(), strict=True):
            mine[rows] = theirs

    def next_day(self, rows: Mask) -> None:
        """Move `rows` one day on: their last day is the one after, of which nothing is known yet."""
        for column, nothing in ((self.totals, 0), (self.peaks, 0), (self.states, EMPTY)):
            column[rows, :-1] = column[rows, 1:]
            column[rows, -1] = nothing
        for column in (self.registers, self.meters):
            column[rows, 0] = column[rows, 1]
            column[rows, 1] = 0

    def put_day(self, days: ChannelDays, there: Mask, expected: Mask, day: int) -> None:
        """Let the last day be `days`, a row each; `there` where a block is stored, `expected` where there should be."""
        missing = days.quality == Quality.MISSING
        self.totals[:, -1] = days.energy.sum(axis=1)
        self.states[:, -1] = np.where(missing.all(axis=1), EMPTY, np.where(missing.any(axis=1), PARTLY, GOOD))
        self.peaks[:, -1] = np.where(self.states[:, -1] == GOOD, days.energy.max(axis=1), 0)
        self.registers[:, 1], self.meters[:, 1] = tail(days)
        lacking = (self.states[:, -1] != GOOD) & (there | expected)
        self.gap_since = np.where((self.gap_since < 0) & lacking, day, self.gap_since)
        self.gap_since = np.where((self.gap_since == day) & ~lacking, -1, self.gap_since)

    def _columns(self) -> tuple[Any, ...]:
        return self.totals, self.peaks, self.states, self.registers, self.meters, self.gap_since


def tail(days: ChannelDays) -> tuple[Any, Any]:
    """(m, TAIL) twice: the last registers of each day, and their meters where they can be trusted, else 0."""
    source = np.where(usable(days.status[:, -TAIL:]), days.source[:, -TAIL:], ABSENT)
    return days.registers[:, -TAIL:], days.sources.meters()[source]


def statistics(
    connection: Connection, pairs: Sequence[Pair], day: int, steps: dict[int, Any], stale: set[Pair]
) -> Statistics:
    """Of `pairs` up to and including `day`, nothing put in for `day` itself yet where it was not there.

    `steps` gives per resolution the rows of `pairs` that have it; rows of `stale` are made anew from the blocks.
    """
    found = Statistics.empty(len(pairs))
    row = {pair: at for at, pair in enumerate(pairs)}
    points = list(dict.fromkeys(point for point, _ in pairs))
    rows = connection.execute(select(channel_statistic).where(among(channel_statistic.c.metering_point, points))).all()
    holds = row.keys() - stale
    fit = [each for each in rows if each.through in {day - 1, day} and (each.metering_point, each.channel) in holds]
    at = np.array([row[each.metering_point, each.channel] for each in fit], dtype=np.intp)
    if fit:
        found.take(at, _unpacked(fit))
        before = np.zeros(len(pairs), dtype=np.bool_)
        before[at] = [each.through == day - 1 for each in fit]
        found.next_day(before)
    known = np.zeros(len(pairs), dtype=np.bool_)
    known[at] = True
    for resolution_s, members in steps.items():
        lacking = [index for index in members.tolist() if not known[index]]
        if lacking:
            made = _made(connection, [pairs[index] for index in lacking], day, resolution_s)
            found.take(np.array(lacking, dtype=np.intp), made)
    return found


def _made(connection: Connection, pairs: Sequence[Pair], day: int, resolution_s: int) -> Statistics:
    """From the blocks: sums and peaks are columns there, only the last registers are read from a block itself."""
    found = Statistics.empty(len(pairs))
    row = {pair: at for at, pair in enumerate(pairs)}
    points = [point for point, _ in pairs]
    table, count = interval_block.c, DAY_S // resolution_s
    columns = table.metering_point, table.channel, table.day, table.energy_sum, table.peak, table.missing
    chosen = among(table.metering_point, points), table.day.between(day - DAYS + 1, day)
    for point, channel, date, total, peak, missing in connection.execute(
        select(*columns).where(*chosen).order_by(table.version)
    ).all():
        index = row.get((point, channel))
        if index is not None:
            at = date - day + DAYS - 1
            state = EMPTY if missing == count else PARTLY if missing else GOOD
            found.totals[index, at], found.states[index, at] = total, state
            found.peaks[index, at] = 0 if missing else peak
    keys = [(point, channel, day - 1) for point, channel in pairs]
    found.registers[:, 0], found.meters[:, 0] = tail(stored.load(connection, keys, resolution_s, Sources()))
    lacking = (found.states != GOOD) & (np.maximum.accumulate(found.states != EMPTY, axis=1))
    first = day - DAYS + 1 + lacking.argmax(axis=1)
    found.gap_since = np.where(lacking.any(axis=1), first, -1)
    return found


def _unpacked(rows: Sequence[Any]) -> Statistics:
    numbers = unpack([each.numbers for each in rows], WIDTH)
    tails = numbers[:, 2 * DAYS :].reshape(-1, 2, 2, TAIL)
    since = np.array([-1 if each.gap_since is None else each.gap_since for each in rows], dtype=np.int64)
    return Statistics(
        numbers[:, :DAYS],
        numbers[:, DAYS : 2 * DAYS],
        unpack_codes([each.states for each in rows], DAYS),
        tails[:, 0],
        tails[:, 1],
        since,
    )


def keep(connection: Connection, pairs: Sequence[Pair], day: int, found: Statistics) -> None:
    """Store the statistics of `pairs` up to `day` in the place of what is there."""
    flat = (found.totals, found.peaks, found.registers.reshape(-1, 2 * TAIL), found.meters.reshape(-1, 2 * TAIL))
    numbers, states = pack(np.concatenate(flat, axis=1)), pack_codes(found.states)
    since = [None if first < 0 else first for first in found.gap_since.tolist()]
    points = sorted({point for point, _ in pairs})
    connection.execute(delete(channel_statistic).where(among(channel_statistic.c.metering_point, points)))
    rows = [
        (*pair, day, first, packed, codes)
        for pair, first, packed, codes in zip(pairs, since, numbers, states, strict=True)
    ]
    insert_rows(connection, channel_statistic, rows)
