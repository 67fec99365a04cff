"""Billing runs: the determinants of every point for a period, frozen; told again later as differences.

A result keeps the versions of the days that it rests on. Rows of values are only ever added, so that the same can be
computed again at any time, whatever came since (`check`). A run that was killed goes on where it was.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
from sqlalchemy import Connection, Row, func, insert, select, update

from openami.backoffice.mdm.billing.determinants import Flow, Line, Period, determinants
from openami.backoffice.mdm.billing.plan import Plan, parse_plans, register_codes
from openami.backoffice.mdm.billing.tables import billing_plan, billing_result, billing_run
from openami.backoffice.mdm.held import Held, Pair, held_days
from openami.backoffice.mdm.placement import homes
from openami.backoffice.registry.registry import NotRegistered, Registry
from openami.io.store.among import among
from openami.io.store.bulk import insert_rows
from openami.io.store.columns import microseconds
from openami.io.store.engine import Store
from openami.model.errors import SettingError
from openami.model.interval import DAY_S, Stamps
from openami.model.obis import ObisCode
from openami.model.point import Channel
from openami.model.quality import Quality
from openami.model.unit import Unit

POINTS_AT_ONCE = 500
FLOWS = {"import": ObisCode(1, 0, 1, 8, 0), "export": ObisCode(1, 0, 2, 8, 0)}
Inputs = list[tuple[str, int, int, int, int, int, bytes]]
"""Per flow: name, channel, resolution, scaler, first day, days, and the versions of each day."""


@dataclass(frozen=True, slots=True)
class Run:
    """A period billed by a plan: local days from `first` to before `after`, in each point's own zone."""

    id: int
    plan: str
    plan_version: int
    first: date
    after: date
    begun_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Result:
    """The lines of one point; none if it has no interval channel. Version 1 is the bill, later ones correct it."""

    metering_point: int
    run: int
    version: int
    made_at: int
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """What a later version changes of a line; `value` is new - old, None where one of them is unknown."""

    metering_point: int
    name: str
    unit: str
    before: int | None
    after: int | None

    @property
    def value(self) -> int | None:
        return None if self.before is None or self.after is None else self.after - self.before


class Billing:
    """Plans, runs and results in `store`."""

    def __init__(self, store: Store, registry: Registry) -> None:
        self._store = store
        self._registry = registry

    def store_plans(self, text: str, now: datetime) -> int:
        """Keep the plans of a TOML text, each that changed as its next version. How many changed."""
        changed = 0
        with self._store.transaction() as connection:
            for plan in parse_plans(text):
                content = msgspec.json.encode(plan, order="deterministic").decode()
                known = _plan_row(connection, plan.name, None)
                if known is not None and known.content == content:
                    continue
                version = 1 if known is None else known.version + 1
                values = {"name": plan.name, "version": version, "content": content, "stored_at": now}
                connection.execute(insert(billing_plan).values(values))
                changed += 1
        return changed

    def run(self, plan: str, first: date, after: date, now: datetime) -> Run:
        """Bill all points for a period. Running it again finishes what was left, and changes nothing that is there."""
        if first >= after:
            raise SettingError(f"a billing period from {first} to before {after} has no day")
        opened = self._open(plan, first, after, now)
        if opened.ended_at is not None:
            return opened
        for points in self._chunks():
            with self._store.transaction() as connection:
                self._bill(connection, opened, _without(connection, opened.id, points), now)
        with self._store.transaction() as connection:
            connection.execute(update(billing_run).where(billing_run.c.id == opened.id).values(ended_at=now))
        return self.find(opened.id)

    def again(self, run: int, now: datetime, points: Sequence[int] | None = None) -> list[Difference]:
        """Look again at a period that was billed: where values changed since, the next version is stored, and the
        differences to the version before are told.
        """
        billed, found = self.find(run), list[Difference]()
        for chunk in self._chunks() if points is None else [list(points)]:
            with self._store.transaction() as connection:
                before = _results(connection, run, chunk)
                made = self._determine(connection, billed, sorted(before))
                rows = []
                for point, (lines, inputs) in made.items():
                    old = before[point]
                    if lines != old.lines:
                        rows.append((point, run, old.version + 1, microseconds(now), _told(lines), inputs))
                        found += differences(point, old.lines, lines)
                insert_rows(connection, billing_result, rows)
        return found

    def compare(self, run: int, points: Sequence[int]) -> list[Difference]:
        """What `again` would tell of some points; nothing is stored."""
        billed, found = self.find(run), list[Difference]()
        with self._store.reading() as connection:
            before = _results(connection, run, points)
            for point, (lines, _) in self._determine(connection, billed, sorted(before)).items():
                found += differences(point, before[point].lines, lines)
        return found

    def check(self, run: int) -> list[int]:
        """Compute every version of every result again, from the very versions it rests on; the points that differ."""
        billed = self.find(run)
        plan, wrong = self._plan(billed), list[int]()
        for points in self._chunks():
            with self._store.reading() as connection:
                table = billing_result.c
                chosen = table.run == run, among(table.metering_point, points)
                for row in connection.execute(select(billing_result).where(*chosen).order_by(table.metering_point)):
                    zone = self._registry.point(row.metering_point).zone
                    if _told(_computed_again(connection, plan, billed, row, zone)) != row.content:
                        wrong.append(row.metering_point)
        return list(dict.fromkeys(wrong))

    def runs(self) -> list[Run]:
        """All runs, in the order in which they began."""
        with self._store.reading() as connection:
            return [_run_of(row) for row in connection.execute(select(billing_run).order_by(billing_run.c.id))]

    def find(self, run: int) -> Run:
        with self._store.reading() as connection:
            row = connection.execute(select(billing_run).where(billing_run.c.id == run)).first()
        if row is None:
            raise NotRegistered(f"there is no billing run {run}")
        return _run_of(row)

    def results(self, run: int, metering_points: Sequence[int] | None = None) -> Iterator[Result]:
        """The latest result of each point, some points at a time."""
        for points in self._chunks() if metering_points is None else [list(metering_points)]:
            with self._store.reading() as connection:
                found = _results(connection, run, points)
            yield from (found[point] for point in sorted(found))

    def _open(self, plan: str, first: date, after: date, now: datetime) -> Run:
        table = billing_run.c
        with self._store.transaction() as connection:
            same = table.plan == plan, table.first == first.isoformat(), table.after == after.isoformat()
            row = connection.execute(select(billing_run).where(*same)).first()
            if row is None:
                known = _plan_row(connection, plan, None)
                if known is None:
                    raise SettingError(f"there is no billing plan {plan!r}: store it first")
                values = {"plan": plan, "plan_version": known.version, "first": first.isoformat()}
                connection.execute(insert(billing_run).values(values | {"after": after.isoformat(), "begun_at": now}))
                row = connection.execute(select(billing_run).where(*same)).one()
        return _run_of(row)

    def _plan(self, run: Run) -> Plan:
        with self._store.reading() as connection:
            row = _plan_row(connection, run.plan, run.plan_version)
        assert row is not None, "a run's plan is never deleted"
        return msgspec.json.decode(row.content, type=Plan)

    def _chunks(self) -> Iterator[list[int]]:
        points = self._registry.point_ids()
        for at in range(0, len(points), POINTS_AT_ONCE):
            yield points[at : at + POINTS_AT_ONCE]

    def _bill(self, connection: Connection, run: Run, points: Sequence[int], now: datetime) -> None:
        made = self._determine(connection, run, points)
        at = microseconds(now)
        rows = [(point, run.id, 1, at, _told(lines), inputs) for point, (lines, inputs) in made.items()]
        insert_rows(connection, billing_result, rows)

    def _determine(
        self, connection: Connection, run: Run, points: Sequence[int]
    ) -> dict[int, tuple[tuple[Line, ...], bytes]]:
        plan, zones = self._plan(run), self._registry.zones(points)
        groups: dict[tuple[Any, ...], list[tuple[int, dict[str, Channel]]]] = {}
        for point, flows in self._flows(points).items():
            shape = tuple((name, each.resolution_s, each.scaler) for name, each in flows.items())
            groups.setdefault((zones[point], shape), []).append((point, flows))
        found: dict[int, tuple[tuple[Line, ...], bytes]] = {}
        for (zone, _), members in groups.items():
            found |= _group(connection, plan, run, zone, members)
        return {point: found[point] for point in points}

    def _flows(self, points: Sequence[int]) -> dict[int, dict[str, Channel]]:
        """Per point its channels of import and export, the finest resolution of each that both have."""
        there = homes(self._registry.channels_of_points(points))
        found: dict[int, dict[str, Channel]] = {point: {} for point in points}
        for name, obis in FLOWS.items():
            for channel in sorted(there.values(), key=lambda each: each.resolution_s):
                mine = found[channel.metering_point]
                fits = "import" in mine and mine["import"].resolution_s == channel.resolution_s
                if channel.obis == obis and channel.unit is Unit.WATT_HOUR and (fits or name == "import"):
                    mine.setdefault(name, channel)
        return found


def differences(point: int, before: Sequence[Line], after: Sequence[Line]) -> list[Difference]:
    """The lines whose value changed."""
    old, new = ({line.name: line for line in lines} for lines in (before, after))
    found = []
    for name in dict.fromkeys((*old, *new)):
        was, now = (None if name not in lines else lines[name].value for lines in (old, new))
        if was != now:
            found.append(Difference(point, name, (new.get(name) or old[name]).unit, was, now))
    return found


def _group(
    connection: Connection, plan: Plan, run: Run, zone: str, members: Sequence[tuple[int, dict[str, Channel]]]
) -> dict[int, tuple[tuple[Line, ...], bytes]]:
    """Points of one zone whose flows have the same shape."""
    shape = members[0][1]
    if not shape:
        return {point: ((), _packed([])) for point, _ in members}
    step = shape["import"].resolution_s
    days, _ = _days(zone, run.first, run.after, step)
    held = {}
    for name in shape:
        pairs: list[Pair] = [(point, flows[name].number) for point, flows in members]
        held[name] = held_days(connection, pairs, days, step)
    lines = _lines(plan, run, zone, {name: (held[name], shape[name].scaler) for name in shape})
    found = {}
    for at, (point, flows) in enumerate(members):
        inputs: Inputs = [
            (name, each.number, step, each.scaler, days[0], days[1] - days[0] + 1, held[name].versions[at].tobytes())
            for name, each in flows.items()
        ]
        found[point] = tuple(lines[at]), _packed(inputs)
    return found


def _lines(plan: Plan, run: Run, zone: str, held: dict[str, tuple[Held, int]]) -> list[list[Line]]:
    step = held["import"][0].resolution_s
    days, starts = _days(zone, run.first, run.after, step)
    finest = min(0, *(scaler for _, scaler in held.values())) if len(held) > 1 else min(0, held["import"][1])
    at = ((starts - days[0] * DAY_S) // step).astype(np.intp)
    cut = slice(int(at[0]), int(at[-1]) + 1)
    flows = {}
    for name, (each, scaler) in held.items():
        quality = each.quality[:, cut]
        energy = each.energy[:, cut] * 10 ** (scaler - finest)
        flows[name] = Flow(energy, quality == Quality.MISSING, quality == Quality.ESTIMATED)
    codes = _codes(plan, zone, run.first, run.after, step)
    return determinants(plan, Period(starts, step, codes, finest), flows)


@lru_cache(maxsize=64)
def _days(zone: str, first: date, after: date, step: int) -> tuple[tuple[int, int], Stamps]:
    """The UTC days that hold the local period, and the beginnings of its intervals: those that begin within."""
    begin, end = (int(datetime(d.year, d.month, d.day, tzinfo=ZoneInfo(zone)).timestamp()) for d in (first, after))
    starts = np.arange(-(-begin // step) * step, end, step, dtype=np.int64)
    return (int(starts[0]) // DAY_S, int(starts[-1]) // DAY_S), starts


@lru_cache(maxsize=64)
def _codes(plan: Plan, zone: str, first: date, after: date, step: int) -> Any:
    _, starts = _days(zone, first, after, step)
    local = ZoneInfo(zone)
    hours, back = np.unique(starts // 900, return_inverse=True)  # no zone changes its clock within a quarter of an hour
    offsets = [int(datetime.fromtimestamp(hour * 900, local).utcoffset().total_seconds()) for hour in hours.tolist()]  # type: ignore[union-attr]
    return register_codes(plan, starts, np.array(offsets, dtype=np.int64)[back])


def _computed_again(connection: Connection, plan: Plan, run: Run, row: Row[Any], zone: str) -> list[Line]:
    held: dict[str, tuple[Held, int]] = {}
    for name, channel, step, scaler, first, count, versions in _unpacked(row.inputs):
        wanted = np.frombuffer(versions, dtype=np.int32).reshape(1, count, 3)
        pair = row.metering_point, channel
        held[name] = held_days(connection, [pair], (first, first + count - 1), step, wanted.copy()), scaler
    return _lines(plan, run, zone, held)[0] if held else []


def _packed(inputs: Inputs) -> bytes:
    return zlib.compress(msgspec.msgpack.encode(inputs), 1)


def _unpacked(blob: bytes) -> Inputs:
    return msgspec.msgpack.decode(zlib.decompress(blob), type=Inputs)


def _told(lines: Sequence[Line]) -> str:
    return json.dumps([asdict(line) for line in lines], sort_keys=True)


def _results(connection: Connection, run: int, points: Sequence[int]) -> dict[int, Result]:
    table = billing_result.c
    chosen = table.run == run, among(table.metering_point, points)
    rows = connection.execute(select(billing_result).where(*chosen).order_by(table.version))
    return {row.metering_point: _result_of(row) for row in rows}


def _result_of(row: Row[Any]) -> Result:
    lines = tuple(Line(**line) for line in json.loads(row.content))
    return Result(row.metering_point, row.run, row.version, row.made_at, lines)


def _without(connection: Connection, run: int, points: Sequence[int]) -> list[int]:
    """Those of `points` that the run has not billed yet."""
    table = billing_result.c
    query = select(table.metering_point).where(table.run == run, among(table.metering_point, points))
    there = set(connection.execute(query).scalars())
    return [point for point in points if point not in there]


def _plan_row(connection: Connection, name: str, version: int | None) -> Row[Any] | None:
    table = billing_plan.c
    last = select(func.max(table.version)).where(table.name == name).scalar_subquery()
    wanted = table.version == (last if version is None else version)
    return connection.execute(select(billing_plan).where(table.name == name, wanted)).first()


def _run_of(row: Row[Any]) -> Run:
    first, after = date.fromisoformat(row.first), date.fromisoformat(row.after)
    return Run(row.id, row.plan, row.plan_version, first, after, row.begun_at, row.ended_at)
