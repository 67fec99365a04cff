"""The close of some points: read what is needed, judge, and store it in one short transaction.

All that is computed depends on what is stored alone, so that a chunk can be done again, by anybody, without harm.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any

import numpy as np
from sqlalchemy import Connection, select

from openami.backoffice.mdm import judged, stored
from openami.backoffice.mdm.channel_days import Mask, Sources
from openami.backoffice.mdm.close import late
from openami.backoffice.mdm.close.counts import Counts
from openami.backoffice.mdm.close.members import Work, members_of
from openami.backoffice.mdm.close.plain_days import columns_of, findings, judgements, like_days, plain
from openami.backoffice.mdm.close.statistics import DAYS, Pair, Statistics, keep, statistics
from openami.backoffice.mdm.close.tally import tally
from openami.backoffice.mdm.hierarchy import checked
from openami.backoffice.mdm.judge import Judge, judged_of
from openami.backoffice.mdm.judged import Judged
from openami.backoffice.mdm.stored_rules import stored_rule_sets
from openami.backoffice.mdm.tables import stamped_register
from openami.backoffice.mdm.validation.own_days import offsets
from openami.backoffice.mdm.validation.rule_set import ChannelClass, class_of
from openami.backoffice.mdm.verdict import GAP_DAYS_MAX
from openami.backoffice.registry.registry import Registry
from openami.io.store.among import among
from openami.io.store.columns import microseconds
from openami.io.store.engine import Store
from openami.model.errors import Conflict, StoreError
from openami.model.interval import DAY_S, day_of
from openami.model.obis import ObisCode
from openami.model.point import Channel

TRIES = 5


def close_chunk(work: Work) -> Counts:
    """Judge the day of the chunk's points, judge late days again, keep statistics; what was counted."""
    return close_in(_store(work.url), work)


def close_in(store: Store, work: Work) -> Counts:
    """As `close_chunk`, in a store that is open."""
    for _ in range(TRIES):
        with store.reading() as connection:
            marks = late.marks(connection, work.points)
            chunk = Chunk(connection, store, work, marks)
            found = list(chunk.all_days())
            counts = chunk.counts(found)
        with suppress(Conflict), store.transaction() as connection:
            if late.marks(connection, work.points) == marks:
                judged.store(connection, found, microseconds(work.now))
                keep(connection, chunk.members.pairs, work.day, chunk.before)
                late.settle(connection, marks)
                late.pass_on(connection, [mark for mark in marks if mark not in work.passed_on], work.mains)
                return counts
    raise StoreError(
        f"points {work.points[0]} to {work.points[-1]}: readings kept arriving while day was closed; again"
    )


@lru_cache(maxsize=4)
def _store(url: str) -> Store:
    return Store(url)


class Chunk:
    """One look at the store, and what follows from it."""

    def __init__(self, connection: Connection, store: Store, work: Work, marks: Sequence[late.Mark]) -> None:
        self._connection = connection
        self._rule_sets = stored_rule_sets(connection)
        self._judge = Judge(store, Registry(store), self._rule_sets)
        self._work = work
        self._marks = marks
        self.members = members_of(connection, work)
        self._steps = _by(self.members.resolutions.tolist())
        stale = {mark[:2] for mark in marks}
        mains = checked(Registry(store), work.points)
        keys = zip(self.members.pairs, self.members.obis, strict=True)
        self._checked = np.array([(pair[0], obis) in mains for pair, obis in keys], dtype=np.bool_)
        self.before = statistics(connection, self.members.pairs, work.day, self._steps, stale)

    def all_days(self) -> Iterator[Judged]:
        """The day of every channel, and earlier days of those to which something came late."""
        by_hand = np.zeros(len(self.members.pairs), dtype=np.bool_)
        for resolution_s, rows in self._steps.items():
            yield from self._plain_days(resolution_s, rows, by_hand)
        alone = [self.members.channel(row) for row in np.flatnonzero(by_hand).tolist()]
        yield from self._by_hand(alone, self._work.day, self._work.day)
        yield from self._again()

    def _plain_days(self, resolution_s: int, rows: Any, by_hand: Mask) -> Iterator[Judged]:
        """Judgements of the plain days among `rows`; the others that anything is known of are marked in `by_hand`."""
        work, members = self._work, self.members
        pairs = [members.pairs[row] for row in rows.tolist()]
        days = stored.load(self._connection, [(*pair, work.day) for pair in pairs], resolution_s, Sources())
        there = np.array(days.version) > 0
        before = _rows_of(self.before, rows)
        elsewhere = self._stamped_elsewhere(rows, days)
        is_plain = plain(days, before, elsewhere, members.hung_all_day[rows] & ~self._checked[rows])
        by_hand[rows] = ~is_plain & (there | members.expected[rows])
        kinds = [_class(members.obis[row]) for row in rows.tolist()]
        together = _by(kind if yes else None for kind, yes in zip(kinds, is_plain.tolist(), strict=True))
        together.pop(None, None)
        for kind, which in together.items():
            rule_set = self._rule_sets.on(kind, day_of(work.day * DAY_S))
            some = [pairs[at] for at in which.tolist()]
            profile = None
            if any("profile" in use.rule.needs for use in rule_set.uses):
                offset_s = self._offsets(rows[which])
                profile = like_days(self._connection, some, work.day, before.states[which], offset_s, days.intervals)
            columns = columns_of(days, which, before, profile)
            refused, found = findings(columns, rule_set)
            versions = [days.version[at] for at in which.tolist()]
            by_hand[rows[which[refused]]] = True
            for row, one in enumerate(judgements(some, work.day, versions, columns, rule_set.name, found)):
                if not refused[row]:
                    yield one
        before.put_day(days, there, members.expected[rows], work.day)
        self.before.take(rows, before)

    def _stamped_elsewhere(self, rows: Any, days: Any) -> Mask:
        """Where a register was stamped on the day by another meter than the profile's, or off its grid."""
        start, found = self._work.day * DAY_S, np.zeros(len(rows), dtype=np.bool_)
        meter = days.sources.meters()[days.source[:, -1]].tolist()
        place: dict[tuple[int, str], int] = {}
        for at, row in enumerate(rows.tolist()):
            place[self.members.pairs[row][0], self.members.obis[row]] = at
        table = stamped_register.c
        points = list(dict.fromkeys(point for point, _ in place))
        for obis in dict.fromkeys(obis for _, obis in place):
            query = select(table.metering_point, table.stamp, table.meter).where(
                among(table.metering_point, points), table.obis == obis, table.stamp.between(start, start + DAY_S)
            )
            for point, stamp, by in self._connection.execute(query).all():
                index = place.get((point, obis))
                if index is not None and (by != meter[index] or (stamp - start) % days.resolution_s):
                    found[index] = True
        return found

    def _offsets(self, rows: Any) -> Any:
        first = self._work.day - DAYS + 1
        zones = [self.members.zones[row] for row in rows.tolist()]
        known = {zone: offsets(first, DAYS, zone) for zone in dict.fromkeys(zones)}
        return np.stack([known[zone] for zone in zones])

    def _by_hand(self, channels: Sequence[Channel], first: int, last: int) -> Iterator[Judged]:
        for channel, days in self._judge.verdicts(self._connection, channels, (first, last), self._work.now):
            for day in days:
                yield judged_of(channel, day)

    def _again(self) -> Iterator[Judged]:
        """Days before this one, of channels to which something came late: from the day before the first of it, or from
        the first estimate in reach of it, whose registers may be those that came.
        """
        since: dict[Pair, int] = {}
        for point, number, day, _ in self._marks:
            since[point, number] = min(since.get((point, number), day), day)
        estimated = judged.first_estimates(self._connection, since, GAP_DAYS_MAX)
        begun: dict[int, list[Channel]] = {}
        for row, pair in enumerate(self.members.pairs):
            first = min(since.get(pair, self._work.day) - 1, estimated.get(pair, self._work.day))
            if first < self._work.day - 1:
                begun.setdefault(max(first, self._work.first_closed), []).append(self.members.channel(row))
        for first, channels in begun.items():
            yield from self._by_hand(channels, first, self._work.day - 1)

    def counts(self, found: Sequence[Judged]) -> Counts:
        """What is counted of the day."""
        return tally(self._connection, self.members, self._work, found, self.before.gap_since)


@lru_cache(maxsize=256)
def _class(obis: str) -> ChannelClass:
    """A fleet has many channels, and few codes."""
    return class_of(ObisCode.parse(obis))


def _by(keys: Iterable[Any]) -> dict[Any, Any]:
    """Per key the rows that have it."""
    rows: dict[Any, list[int]] = {}
    for row, key in enumerate(keys):
        rows.setdefault(key, []).append(row)
    return {key: np.array(some, dtype=np.intp) for key, some in rows.items()}


def _rows_of(found: Statistics, rows: Any) -> Statistics:
    return Statistics(
        found.totals[rows], found.peaks[rows], found.states[rows], found.registers[rows], found.meters[rows],
        found.gap_since[rows],
    )  # fmt: skip
