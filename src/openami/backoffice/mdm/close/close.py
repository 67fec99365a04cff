"""Closing a day: every point's values judged, late days judged again, and the figures that tell how good the day was.

A close that was killed, at whatever point, is simply run again: chunks that were done find everything as it should be.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial

from sqlalchemy import Connection, delete, func, insert, select, update

from openami.backoffice.mdm.close import late
from openami.backoffice.mdm.close.chunk import close_chunk, close_in
from openami.backoffice.mdm.close.counts import Count, Counts, Kpis, kpis_of, merged, rows
from openami.backoffice.mdm.close.members import Work
from openami.backoffice.mdm.hierarchy import mains
from openami.backoffice.mdm.tables import close_count, close_run
from openami.backoffice.registry.registry import Registry
from openami.io.executor import InlineExecutor, each
from openami.io.store.barrier import close_gate
from openami.io.store.bulk import insert_rows
from openami.io.store.engine import Store
from openami.model.errors import SettingError
from openami.model.interval import DAY_S

POINTS_AT_ONCE = 4_096


@dataclass(frozen=True, slots=True)
class Closed:
    """The day that was closed and what was counted, by collector and cause."""

    day: date
    counts: Counts

    @property
    def total(self) -> Count:
        """Everything together."""
        return merged({("", ""): count} for count in self.counts.values()).get(("", ""), Count())


class Close:
    """Closes days of `store`. With an `executor` of other processes or machines the store must be one that they reach
    by its address.
    """

    def __init__(
        self, store: Store, executor: Executor | None = None, workers: int = 1, points_at_once: int = POINTS_AT_ONCE
    ) -> None:
        self._store = store
        self._registry = Registry(store)
        self._executor = executor or InlineExecutor()
        self._inline = isinstance(self._executor, InlineExecutor)
        self._workers = workers
        self._points_at_once = points_at_once
        if not self._inline and not store.shared:
            raise SettingError(f"store {store.name} is seen by this process alone: close its days inline")

    def close(self, day: date, now: datetime) -> Closed:
        """Close the UTC day `day`, which must be over. Repeating it stores only what has changed, and counts anew."""
        number = (day - date(1970, 1, 1)).days
        if now.timestamp() < (number + 1) * DAY_S:
            raise SettingError(f"{day} is not over at {now}: it can be closed from the next midnight UTC on")
        first = self._begin(number, now)
        work = close_chunk if not self._inline else partial(close_in, self._store)
        counts = merged(each(self._executor, self._workers, work, self._chunks(number, first, now)))
        with self._store.transaction() as connection:
            connection.execute(delete(close_count).where(close_count.c.day == number))
            insert_rows(connection, close_count, rows(number, counts))
            connection.execute(update(close_run).where(close_run.c.day == number).values(ended_at=now))
        return Closed(day, counts)

    def _begin(self, day: int, now: datetime) -> int:
        """From now on blocks of this day and of those before come late. The first day that was ever closed."""
        with self._store.transaction() as connection:
            close_gate(connection)
            if not connection.execute(select(close_run.c.day).where(close_run.c.day == day)).all():
                connection.execute(insert(close_run).values(day=day, begun_at=now))
            return int(connection.execute(select(func.min(close_run.c.day))).scalar_one())

    def _mains(self) -> tuple[dict[int, list[tuple[int, int]]], frozenset[late.Mark]]:
        """The main channels by points of their check channels; what came late for these is late for them."""
        with self._store.transaction() as connection:
            main = mains(connection, self._registry)
            marks = late.marks(connection, sorted(main)) if main else []
            late.pass_on(connection, marks, main)
        return main, frozenset(marks)

    def _chunks(self, day: int, first_closed: int, now: datetime) -> Iterator[Work]:
        main, marks = self._mains()
        points = self._registry.point_ids()
        collectors = frozenset(self._registry.shared_links())
        for at in range(0, len(points), self._points_at_once):
            some = tuple(points[at : at + self._points_at_once])
            of_these = {point: main[point] for point in some if point in main} if main else {}
            yield Work(self._store.url, day, now, first_closed, some, collectors, of_these, marks)


def kpis(connection: Connection, days: int = 7) -> list[Kpis]:
    """The figures of the last `days` closed days, latest first: each day as a whole (collector and cause empty), then
    by collector and cause.
    """
    last = select(close_run.c.day).where(close_run.c.ended_at.is_not(None)).order_by(close_run.c.day.desc())
    found: list[Kpis] = []
    for day in connection.execute(last.limit(days)).scalars().all():
        order = close_count.c.collector, close_count.c.cause
        parts = [
            (row.collector, row.cause, Count(*row[3:]))
            for row in connection.execute(select(close_count).where(close_count.c.day == day).order_by(*order))
        ]
        whole = merged({("", ""): count} for _, _, count in parts).get(("", ""), Count())
        found.append(kpis_of(day, "", "", whole))
        found += [kpis_of(day, *part) for part in parts]
    return found
