"""Crossed meters: two meters recorded at each other's points. One transaction puts it right, and can be put back.

The registry is corrected (what was known before stays readable), the readings are filed again by meter, both points are
judged again, and the bills that rest on them are listed. Nothing is deleted: each changed day is a new version.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from openami.backoffice.mdm import stamped
from openami.backoffice.mdm.billing.results import Difference
from openami.backoffice.mdm.billing.runs import Billing
from openami.backoffice.mdm.channel_days import ABSENT, Sources
from openami.backoffice.mdm.intake import Intake
from openami.backoffice.mdm.judge import Judge
from openami.backoffice.mdm.placement import FOREVER, Directory, homes
from openami.backoffice.mdm.series import seconds
from openami.backoffice.mdm.status import usable
from openami.backoffice.mdm.stored import last_days, load
from openami.backoffice.mdm.tables import crossing, stamped_register
from openami.backoffice.registry.facts import Fact, FactKind
from openami.backoffice.registry.registry import NotRegistered, Registry
from openami.backoffice.registry.timeline import Timeline
from openami.io.store.among import among
from openami.io.store.engine import Store
from openami.model.errors import Conflict, SettingError
from openami.model.interval import DAY_S, utc
from openami.model.point import Channel

Span = tuple[datetime, datetime | None]


@dataclass(frozen=True, slots=True)
class AffectedBill:
    """A line of a bill that would differ."""

    run: int
    difference: Difference


@dataclass(frozen=True, slots=True)
class Crossing:
    """What was (or would be) changed: channel-days filed again, stamped registers filed again, lines of bills."""

    id: int
    points: tuple[int, int]
    start: datetime
    end: datetime | None
    reverses: int | None
    days: int
    registers: int
    bills: tuple[AffectedBill, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """Put the meters of two points in each other's place from `start` up to `end` (None: for good)."""

    points: tuple[int, int]
    start: datetime
    end: datetime | None
    reason: str
    person: str


class CrossedMeters:
    """Finds out what a correction would change, makes it, and puts it back."""

    def __init__(self, store: Store, registry: Registry, judge: Judge) -> None:
        self._store = store
        self._registry = registry
        self._judge = judge
        self._timeline = Timeline(store)

    def preview(self, request: Request, now: datetime) -> Crossing:
        """What `correct` would change. Nothing is changed: it is done and taken back."""
        try:
            with self._store.transaction() as connection:
                raise _Seen(self._apply(connection, request, now, None))
        except _Seen as seen:
            return seen.crossing

    def correct(self, request: Request, now: datetime) -> Crossing:
        """Do it, all or nothing. Raises `Conflict` or `SettingError` where it cannot be."""
        with self._store.transaction() as connection:
            return self._apply(connection, request, now, None)

    def reverse(self, identity: int, reason: str, person: str, now: datetime) -> Crossing:
        """Put a correction back. `Conflict` if that was done before."""
        table = crossing.c
        with self._store.transaction() as connection:
            done = connection.execute(select(crossing).where(table.id == identity)).first()
            if done is None:
                raise NotRegistered(f"there is no correction {identity} of crossed meters")
            if connection.execute(select(table.id).where(table.reverses == identity)).first() is not None:
                raise Conflict(f"correction {identity} of crossed meters was put back before")
            request = Request((done.first_point, done.second_point), done.start, done.end, reason, person)
            return self._apply(connection, request, now, identity)

    def all(self) -> Sequence[Row[Any]]:
        """Every correction, in the order in which it was made."""
        with self._store.reading() as connection:
            return connection.execute(select(crossing).order_by(crossing.c.id)).all()

    def _apply(self, connection: Connection, request: Request, now: datetime, reverses: int | None) -> Crossing:
        pairs = self._pairs(request)
        before = [self._installed(point, request) for point in request.points]
        if not all(before):
            raise Conflict("nothing hung at one of the points in that time: there is nothing to put right")
        self._correct_registry(request, before, now)
        span = seconds(request.start), FOREVER if request.end is None else seconds(request.end)
        intake = self._intake(connection, before)
        last = self._last_day(connection, request, span[1])
        # Intervals that begin with a stamped register are derived next.
        registers = _file_registers(connection, request.points, before, span)
        registers += _file_openings(connection, pairs, before, span)
        days = sum(intake.exchange(one, other, span, last) for one, other in pairs)
        self._judge.judge(request.start, utc((last + 1) * DAY_S), now, request.points)
        bills = self._bills(request)
        made = Crossing(0, request.points, request.start, request.end, reverses, days, registers, tuple(bills))
        return replace(made, id=_keep(connection, made, request, now))

    def _pairs(self, request: Request) -> list[tuple[Channel, Channel]]:
        """The channels of both points that keep the same quantity."""
        if not request.reason.strip() or not request.person.strip():
            raise SettingError("a correction of crossed meters names who makes it and why")
        if request.points[0] == request.points[1]:
            raise SettingError("crossed meters hang at two points, not at one")
        one, other = (
            {
                (channel.obis, channel.resolution_s): channel
                for channel in homes(self._registry.channels(point)).values()
            }
            for point in request.points
        )
        for quantity in dict.fromkeys((*one, *other)):
            if quantity not in one or quantity not in other:
                raise Conflict(f"only one of the points has a channel for {quantity[0]} every {quantity[1]} s: add it")
            first, second = one[quantity], other[quantity]
            if _scale(first) != _scale(second):
                raise Conflict(f"the channels for {quantity[0]} differ in unit, scaler, multiplier or digits")
        return [(one[quantity], other[quantity]) for quantity in one]

    def _installed(self, point: int, request: Request) -> list[Fact]:
        """What is known to have hung at a point in that time, cut to it."""
        start, end = request.start, request.end
        found = []
        for fact in self._timeline.history(FactKind.INSTALLATION, [point]):
            if (end is None or fact.start < end) and (fact.end is None or fact.end > start):
                ends = [each for each in (fact.end, end) if each is not None]
                found.append(replace(fact, start=max(fact.start, start), end=min(ends) if ends else None))
        return found

    def _correct_registry(self, request: Request, before: Sequence[list[Fact]], now: datetime) -> None:
        for point in request.points:
            kind = FactKind.INSTALLATION
            self._timeline.correct(kind, point, request.start, request.end, None, now)
        for point, hung in zip(request.points, before[::-1], strict=True):
            for fact in hung:
                self._timeline.correct(FactKind.INSTALLATION, point, fact.start, fact.end, fact.content, now)

    def _intake(self, connection: Connection, before: Sequence[list[Fact]]) -> Intake:
        directory = Directory(self._registry)
        directory.learn([fact.content["meter"] for hung in before for fact in hung])
        return Intake(connection, directory)

    def _last_day(self, connection: Connection, request: Request, end: int) -> int:
        stored = last_days(connection, request.points)
        return min(max(stored.values(), default=seconds(request.start) // DAY_S), end // DAY_S)

    def _bills(self, request: Request) -> list[AffectedBill]:
        """What bills say otherwise now; looking again at them is somebody's decision."""
        billing, found = Billing(self._store, self._registry), list[AffectedBill]()
        for run in billing.runs():
            ended = request.end is not None and request.end.date() < run.first
            if ended or run.after < request.start.date():
                continue
            found += [AffectedBill(run.id, each) for each in billing.compare(run.id, request.points)]
        return found


class _Seen(Exception):
    def __init__(self, crossing_seen: Crossing) -> None:
        super().__init__()
        self.crossing = crossing_seen


def _file_registers(
    connection: Connection, points: tuple[int, int], before: Sequence[list[Fact]], span: tuple[int, int]
) -> int:
    """File the stamped registers of each meter at the point where it hung."""
    where = {fact.content["meter"]: point for point, hung in zip(points, before[::-1], strict=True) for fact in hung}
    table = stamped_register.c
    chosen = among(table.metering_point, points), table.stamp.between(*span)
    rows = connection.execute(select(stamped_register).where(*chosen).order_by(table.version)).all()
    latest = {(row.metering_point, row.obis, row.stamp, row.meter): row for row in rows}
    moved = [
        stamped.StampedRegister(
            where[row.meter], row.obis, row.stamp, row.meter, row.register, row.known_at, row.evidence
        )
        for row in latest.values()
        if where.get(row.meter, row.metering_point) != row.metering_point
    ]
    return len(stamped.take(connection, moved)[0])


def _file_openings(
    connection: Connection,
    pairs: Sequence[tuple[Channel, Channel]],
    before: Sequence[list[Fact]],
    span: tuple[int, int],
) -> int:
    """A snapshot at the very moment at which a meter goes to the other point, or comes back, ends its time at the one
    and is its opening read at the other: file it there as a stamped register.
    """
    meters = frozenset(fact.content["meter"] for hung in before for fact in hung)
    found = []
    for one, other in pairs:
        for channel, there in ((one, other), (other, one)):
            for at, opens in ((span[0], there), (span[1], channel)):
                read = _snapshot(connection, channel, at, opens.metering_point)
                if read is not None and read.meter in meters:
                    found.append(read)
    return len(stamped.take(connection, found)[0])


def _snapshot(connection: Connection, channel: Channel, at: int, point: int) -> stamped.StampedRegister | None:
    """The snapshot of `channel` at `at`, if there is one that can be trusted, as a stamped register of `point`."""
    step, sources = channel.resolution_s, Sources()
    if at >= FOREVER or at % step:
        return None
    day, second = divmod(at - step, DAY_S)
    days = load(connection, [(channel.metering_point, channel.number, day)], step, sources)
    place = 0, second // step
    if days.source[place] == ABSENT or not usable(days.status[place]):
        return None
    source, register = sources.all[int(days.source[place])], int(days.registers[place])
    obis = str(channel.obis)
    return stamped.StampedRegister(point, obis, at, source.meter, register, source.known_at, source.evidence)


def _keep(connection: Connection, made: Crossing, request: Request, now: datetime) -> int:
    seen = {"days": made.days, "registers": made.registers, "bills": [asdict(bill) for bill in made.bills]}
    values = {
        "first_point": request.points[0],
        "second_point": request.points[1],
        "start": request.start,
        "end": request.end,
        "reverses": made.reverses,
        "reason": request.reason,
        "person": request.person,
        "at": now,
        "preview": json.dumps(seen, sort_keys=True),
    }
    return int((connection.execute(insert(crossing).values(values)).inserted_primary_key or (0,))[0])


def _scale(channel: Channel) -> tuple[object, ...]:
    """What must be the same where snapshots move from one channel to another."""
    return channel.scaler, channel.unit, channel.modulus, channel.multiplier
