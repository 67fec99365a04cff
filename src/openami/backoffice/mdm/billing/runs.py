"""Billing runs: the determinants of every point for a period, frozen; told again later as differences.

A result keeps the versions of what it rests on. Rows of values are only ever added, so that the same can be
computed again at any time, whatever came since (`check`). A run that was killed goes on where it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, insert, select, update

from openami.backoffice.mdm.billing.computing import Asked, computed, computed_again
from openami.backoffice.mdm.billing.contracts import Plans, Rest, made, made_again, period_of, plans_of
from openami.backoffice.mdm.billing.determinants import Line
from openami.backoffice.mdm.billing.plan import CONTRACTS, Plan, parse_plans
from openami.backoffice.mdm.billing.results import (
    Difference,
    Inputs,
    Result,
    differences,
    latest_results,
    packed,
    unpacked,
    written,
)
from openami.backoffice.mdm.billing.tables import billing_plan, billing_result, billing_run
from openami.backoffice.registry.registry import NotRegistered, Registry
from openami.io.store.among import among
from openami.io.store.bulk import insert_rows
from openami.io.store.columns import microseconds
from openami.io.store.engine import Store
from openami.model.errors import SettingError
from openami.model.interval import utc

POINTS_AT_ONCE = 500


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
                known = _plan_row(connection, plan.name, None)
                if known is not None and msgspec.json.decode(known.content, type=Plan) == plan:
                    continue
                version = 1 if known is None else known.version + 1
                content = msgspec.json.encode(plan, order="deterministic").decode()
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
                before = latest_results(connection, run, chunk)
                rows = []
                for point, (lines, blob) in self._made(connection, billed, sorted(before)).items():
                    old = before[point]
                    if lines != old.lines:
                        rows.append((point, run, old.version + 1, microseconds(now), written(lines), blob))
                        found += differences(point, old.lines, lines)
                insert_rows(connection, billing_result, rows)
        return found

    def compare(self, run: int, points: Sequence[int]) -> list[Difference]:
        """What `again` would tell of some points; nothing is stored."""
        billed, found = self.find(run), list[Difference]()
        with self._store.reading() as connection:
            before = latest_results(connection, run, points)
            for point, (lines, _) in self._made(connection, billed, sorted(before)).items():
                found += differences(point, before[point].lines, lines)
        return found

    def check(self, run: int) -> list[int]:
        """Compute every version of every result again, from the very versions it rests on; the points that differ."""
        billed, wrong = self.find(run), list[int]()
        for points in self._chunks():
            with self._store.reading() as connection:
                table = billing_result.c
                chosen = table.run == run, among(table.metering_point, points)
                for row in connection.execute(select(billing_result).where(*chosen).order_by(table.metering_point)):
                    if written(self._made_again(connection, billed, row)) != row.content:
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

    def plans(self, run: Run, metering_point: int) -> Mapping[str, Plan]:
        """The plans by which a point was billed, as they were when the run began, by what stands after `@` in the names
        of their lines ("" for those of the whole period).
        """
        if run.plan != CONTRACTS:
            return {"": self._asked(run).plan}
        table = billing_result.c
        chosen = table.run == run.id, table.metering_point == metering_point
        with self._store.reading() as connection:
            row = connection.execute(select(table.inputs).where(*chosen).order_by(table.version.desc())).first()
            return {} if row is None else plans_of(unpacked(row.inputs, Rest), self._plans(connection, run))

    def period(self, run: Run, zone: str) -> tuple[datetime, datetime]:
        """From when to when a run bills a point of this zone."""
        days = run.first, run.after
        begin, end = period_of(days, zone) if run.plan == CONTRACTS else self._asked(run).bounds(zone)
        return utc(begin), utc(end)

    def results(self, run: int, metering_points: Sequence[int] | None = None) -> Iterator[Result]:
        """The latest result of each point, some points at a time."""
        for points in self._chunks() if metering_points is None else [list(metering_points)]:
            with self._store.reading() as connection:
                found = latest_results(connection, run, points)
            yield from (found[point] for point in sorted(found))

    def _open(self, plan: str, first: date, after: date, now: datetime) -> Run:
        table = billing_run.c
        with self._store.transaction() as connection:
            same = table.plan == plan, table.first == first.isoformat(), table.after == after.isoformat()
            row = connection.execute(select(billing_run).where(*same)).first()
            if row is None:
                known = _plan_row(connection, plan, None)
                if known is None and plan != CONTRACTS:
                    raise SettingError(f"there is no billing plan {plan!r}: store it first")
                version = 0 if known is None else known.version
                values = {"plan": plan, "plan_version": version, "first": first.isoformat()}
                connection.execute(insert(billing_run).values(values | {"after": after.isoformat(), "begun_at": now}))
                row = connection.execute(select(billing_run).where(*same)).one()
        return _run_of(row)

    def _asked(self, run: Run) -> Asked:
        with self._store.reading() as connection:
            row = _plan_row(connection, run.plan, run.plan_version)
        assert row is not None, "a run's plan is never deleted"
        return Asked(msgspec.json.decode(row.content, type=Plan), run.first, run.after)

    def _chunks(self) -> Iterator[list[int]]:
        points = self._registry.point_ids()
        for at in range(0, len(points), POINTS_AT_ONCE):
            yield points[at : at + POINTS_AT_ONCE]

    def _bill(self, connection: Connection, run: Run, points: Sequence[int], now: datetime) -> None:
        made, at = self._made(connection, run, points), microseconds(now)
        rows = [(point, run.id, 1, at, written(lines), blob) for point, (lines, blob) in made.items()]
        insert_rows(connection, billing_result, rows)

    def _made(
        self, connection: Connection, run: Run, points: Sequence[int]
    ) -> dict[int, tuple[tuple[Line, ...], bytes]]:
        """The lines of each point, and what they rest on as it is kept."""
        if run.plan != CONTRACTS:
            found = computed(connection, self._registry, self._asked(run), points)
            return {point: (lines, packed(inputs)) for point, (lines, inputs) in found.items()}
        plans, days = self._plans(connection, run), (run.first, run.after)
        by_contract = made(connection, self._registry, days, points, plans)
        return {point: (tuple(lines), packed(rest)) for point, (lines, rest) in by_contract.items()}

    def _made_again(self, connection: Connection, run: Run, row: Row[Any]) -> Sequence[Line]:
        point = row.metering_point
        zone = self._registry.point(point).zone
        if run.plan != CONTRACTS:
            return computed_again(connection, self._asked(run), point, unpacked(row.inputs, Inputs), zone)
        plans, days = self._plans(connection, run), (run.first, run.after)
        return made_again(connection, days, point, unpacked(row.inputs, Rest), zone, plans)

    def _plans(self, connection: Connection, run: Run) -> Plans:
        """Plans as they were when the run began, each looked up once."""

        @cache
        def find(name: str, version: int | None) -> tuple[int, Plan] | None:
            row = _plan_row(connection, name, version, run.begun_at)
            return None if row is None else (row.version, msgspec.json.decode(row.content, type=Plan))

        return find


def _without(connection: Connection, run: int, points: Sequence[int]) -> list[int]:
    """Those of `points` that the run has not billed yet."""
    table = billing_result.c
    query = select(table.metering_point).where(table.run == run, among(table.metering_point, points))
    there = set(connection.execute(query).scalars())
    return [point for point in points if point not in there]


def _plan_row(connection: Connection, name: str, version: int | None, known: datetime | None = None) -> Row[Any] | None:
    """A version of a plan; with None the last one, or the last that was stored at `known`."""
    table = billing_plan.c
    query = select(billing_plan).where(table.name == name).order_by(table.version.desc())
    if version is not None:
        query = query.where(table.version == version)
    elif known is not None:
        query = query.where(table.stored_at <= known)
    return connection.execute(query).first()


def _run_of(row: Row[Any]) -> Run:
    first, after = date.fromisoformat(row.first), date.fromisoformat(row.after)
    return Run(row.id, row.plan, row.plan_version, first, after, row.begun_at, row.ended_at)
