"""Billing runs: the determinants of every point for a period, frozen; told again later as differences.

A result keeps the versions of what it rests on. Rows of values are only ever added, so that the same can be
computed again at any time, whatever came since (`check`). A run that was killed goes on where it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, func, insert, select, update

from openami.backoffice.mdm.billing.computing import Asked, computed, computed_again
from openami.backoffice.mdm.billing.plan import Plan, parse_plans
from openami.backoffice.mdm.billing.results import (
    Difference,
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
                made = computed(connection, self._registry, self._asked(billed), sorted(before))
                rows = []
                for point, (lines, inputs) in made.items():
                    old = before[point]
                    if lines != old.lines:
                        rows.append((point, run, old.version + 1, microseconds(now), written(lines), packed(inputs)))
                        found += differences(point, old.lines, lines)
                insert_rows(connection, billing_result, rows)
        return found

    def compare(self, run: int, points: Sequence[int]) -> list[Difference]:
        """What `again` would tell of some points; nothing is stored."""
        billed, found = self.find(run), list[Difference]()
        with self._store.reading() as connection:
            before = latest_results(connection, run, points)
            made = computed(connection, self._registry, self._asked(billed), sorted(before))
            for point, (lines, _) in made.items():
                found += differences(point, before[point].lines, lines)
        return found

    def check(self, run: int) -> list[int]:
        """Compute every version of every result again, from the very versions it rests on; the points that differ."""
        asked, wrong = self._asked(self.find(run)), list[int]()
        for points in self._chunks():
            with self._store.reading() as connection:
                table = billing_result.c
                chosen = table.run == run, among(table.metering_point, points)
                for row in connection.execute(select(billing_result).where(*chosen).order_by(table.metering_point)):
                    zone = self._registry.point(row.metering_point).zone
                    lines = computed_again(connection, asked, row.metering_point, unpacked(row.inputs), zone)
                    if written(lines) != row.content:
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

    def plan(self, run: Run) -> Plan:
        """The plan of a run, as it was when the run began."""
        return self._asked(run).plan

    def period(self, run: Run, zone: str) -> tuple[datetime, datetime]:
        """From when to when a run bills a point of this zone."""
        begin, end = self._asked(run).bounds(zone)
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
                if known is None:
                    raise SettingError(f"there is no billing plan {plan!r}: store it first")
                values = {"plan": plan, "plan_version": known.version, "first": first.isoformat()}
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
        made = computed(connection, self._registry, self._asked(run), points)
        at = microseconds(now)
        rows = [(point, run.id, 1, at, written(lines), packed(inputs)) for point, (lines, inputs) in made.items()]
        insert_rows(connection, billing_result, rows)


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
