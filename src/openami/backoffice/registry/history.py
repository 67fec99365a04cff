"""Facts that hold from a time to a time: who measured where, who was supplied where.

Here stands what is known now; what was known when is told by `facts`. A period is half-open: it holds from `start` on
and no longer at `end`. Periods of one subject never overlap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Row, Table, and_, delete, insert, or_, select, update

from openami.backoffice.registry.facts import Fact, FactKind, record
from openami.model.errors import Conflict


@dataclass(frozen=True, slots=True)
class History:
    """The periods kept in `table` (columns `start`, `end`, and the ids that they join).

    `exclusive` are the columns that may have one fact at a time: a point has one meter and a meter hangs at one point,
    whereas a consumer may be supplied at many points.
    """

    kind: FactKind
    table: Table
    exclusive: tuple[Column[Any], ...]

    def begin(self, connection: Connection, start: datetime, known_at: datetime | None = None, **ids: int) -> None:
        """A fact holds from `start` on. Raises `Conflict` if it would overlap an earlier or a later one."""
        for column in self.exclusive:
            later = or_(self.table.c.end.is_(None), self.table.c.end > start)
            taken = connection.execute(select(self.table).where(column == ids[column.name], later)).first()
            if taken is not None:
                raise Conflict(f"{self._say(column, ids)} from {start} overlaps {_period(taken)}: end that first")
        connection.execute(insert(self.table).values(start=start, end=None, **ids))
        content = {name: value for name, value in ids.items() if name != "metering_point"}
        record(connection, self.kind, ids["metering_point"], (start, None), content, known_at)

    def finish(self, connection: Connection, end: datetime, known_at: datetime | None = None, **ids: int) -> None:
        """The fact that holds now ends at `end`. Raises `Conflict` if none holds or it began later."""
        open_now = and_(self._of(ids), self.table.c.end.is_(None))
        found = connection.execute(select(self.table).where(open_now)).first()
        if found is None:
            raise Conflict(f"{self.table.name} of {_ids(ids)}: nothing to end at {end}")
        if found.start >= end:
            raise Conflict(f"{self.table.name} of {_ids(ids)} began at {found.start}, it cannot end at {end}")
        connection.execute(update(self.table).where(open_now).values(end=end))
        record(connection, self.kind, found.metering_point, (end, None), None, known_at)

    def replace(self, connection: Connection, metering_point: int, known: Sequence[Fact]) -> None:
        """Let the point's periods be those of `known`, which tell what is known now."""
        connection.execute(delete(self.table).where(self.table.c.metering_point == metering_point))
        other = next(column.name for column in self.table.c if column.name not in {"metering_point", "start", "end"})
        for fact in known:
            values = {"metering_point": metering_point, "start": fact.start, "end": fact.end}
            connection.execute(insert(self.table).values(values | {other: fact.content[other]}))

    def at(self, connection: Connection, at: datetime, **ids: int) -> Row[Any] | None:
        """The fact that holds at `at`."""
        holds = and_(self.table.c.start <= at, or_(self.table.c.end.is_(None), self.table.c.end > at))
        return connection.execute(select(self.table).where(self._of(ids), holds)).first()

    def all(self, connection: Connection, **ids: int) -> Sequence[Row[Any]]:
        """Every period of the subject, in order of time."""
        order = (self.table.c.metering_point, self.table.c.start)
        return connection.execute(select(self.table).where(self._of(ids)).order_by(*order)).all()

    def _of(self, ids: dict[str, int]) -> ColumnElement[bool]:
        return and_(*(self.table.c[name] == value for name, value in ids.items()))

    def _say(self, column: Column[Any], ids: dict[str, int]) -> str:
        return f"{self.table.name} of {column.name.replace('_', ' ')} {ids[column.name]}"


def _ids(ids: dict[str, int]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in ids.items())


def _period(row: Row[Any]) -> str:
    return f"{row.start} to {row.end or 'now'}"
