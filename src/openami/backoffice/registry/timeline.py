"""What is told of points over time: entered with the time from which it is known, asked as of any time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from sqlalchemy import Connection, select, update

from openami.backoffice.registry.facts import Fact, FactKind, facts, facts_at, record
from openami.backoffice.registry.registry import INSTALLATIONS, SUPPLIES
from openami.backoffice.registry.tables import installation, registry_revision
from openami.io.store.engine import Store
from openami.model.errors import Conflict

NOW_TABLES = {FactKind.INSTALLATION: INSTALLATIONS, FactKind.SUPPLY: SUPPLIES}
"""Kinds of which what is known now is also kept in a table of its own."""


class Timeline:
    """Facts in `store`. Each method is one transaction, or part of the caller's."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def enter(
        self,
        kind: FactKind,
        metering_point: int,
        start: datetime,
        end: datetime | None,
        content: Mapping[str, Any],
        known_at: datetime,
    ) -> bool:
        """It holds from `start` up to `end`. `Conflict` if something else is known of a part of that time: whoever
        wants that gone corrects it (`correct`). What began at the same time is the same fact: its end, or more of it,
        is told. Whether anything changed.
        """
        with self._store.transaction() as connection:
            for fact in facts(connection, kind, [metering_point]):
                if (end is not None and fact.start >= end) or (fact.end is not None and fact.end <= start):
                    continue
                if not _continues(fact, start, content):
                    raise Conflict(
                        f"{kind} of point {metering_point} from {start.isoformat()} overlaps what is known from "
                        f"{fact.start.isoformat()} on: end that first"
                    )
                end, content = end or fact.end, {**fact.content, **content}
                if end != fact.end:
                    record(connection, kind, metering_point, (start, fact.end), None, known_at)
            return self._record(connection, kind, metering_point, (start, end), content, known_at)

    def correct(
        self,
        kind: FactKind,
        metering_point: int,
        start: datetime,
        end: datetime | None,
        content: Mapping[str, Any] | None,
        known_at: datetime,
    ) -> bool:
        """It held from `start` up to `end` (None as content: nothing did), whatever was known before."""
        with self._store.transaction() as connection:
            return self._record(connection, kind, metering_point, (start, end), content, known_at)

    def at(self, kind: FactKind, metering_point: int, at: datetime, known: datetime | None = None) -> Fact | None:
        """What held at `at`, as it was known at `known` (None: as it is known now)."""
        return self.at_points(kind, [metering_point], at, known).get(metering_point)

    def at_points(
        self, kind: FactKind, metering_points: Sequence[int], at: datetime, known: datetime | None = None
    ) -> dict[int, Fact]:
        with self._store.reading() as connection:
            return facts_at(connection, kind, metering_points, at, known)

    def history(self, kind: FactKind, metering_points: Sequence[int], known: datetime | None = None) -> list[Fact]:
        """All that held at any time, as it was known at `known`, by point and time."""
        with self._store.reading() as connection:
            return facts(connection, kind, metering_points, known)

    def _record(
        self,
        connection: Connection,
        kind: FactKind,
        point: int,
        span: tuple[datetime, datetime | None],
        content: Mapping[str, Any] | None,
        known_at: datetime,
    ) -> bool:
        changed = record(connection, kind, point, span, content, known_at)
        if changed:
            counter = registry_revision
            connection.execute(update(counter).values(revision=counter.c.revision + 1))
        if changed and kind in NOW_TABLES:
            NOW_TABLES[kind].replace(connection, point, facts(connection, kind, [point]))
        return changed


def check_meters(connection: Connection, meters: Sequence[int]) -> None:
    """Raise `Conflict` if one of `meters` hangs at two points at once."""
    table = installation.c
    for meter in meters:
        query = select(table.metering_point, table.start, table.end).where(table.meter == meter).order_by(table.start)
        rows = connection.execute(query).all()
        for one, after in pairwise(rows):
            if one.end is None or one.end > after.start:
                raise Conflict(
                    f"meter {meter} would hang at points {one.metering_point} and {after.metering_point} at once, from "
                    f"{after.start.isoformat()} on: end one of them first"
                )


def _continues(fact: Fact, start: datetime, content: Mapping[str, Any]) -> bool:
    """Whether a fact is the one that is told again, perhaps with more of it known."""
    return fact.start == start and all(content.get(name, value) == value for name, value in fact.content.items())
