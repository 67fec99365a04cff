"""Thirteen months of one meter out of a store of many points; beside it the same from a table with a row per interval.

The store has four weeks of every point, and thirteen months of 200 of them, which lie day by day among the days of the
others. OPENAMI_BENCH_POINTS sets how many points there are; OPENAMI_BENCH_STORE takes a fleet that is there already.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks import store_ingest as ingest
from benchmarks.fleet import HISTORY, fleet
from benchmarks.table import Table, count
from openami.backoffice.mdm.mdm import Mdm
from openami.backoffice.registry.registry import Registry
from openami.io.store.engine import Store
from openami.model.interval import DAY_S

POINTS = int(os.environ.get("OPENAMI_BENCH_POINTS", "20000"))
GIVEN = os.environ.get("OPENAMI_BENCH_STORE")
SAMPLES = 200
DAYS = 396
MONTH = HISTORY + 1
FIRST = ingest.START // DAY_S + MONTH - DAYS
ROW_METERS = 20

Read = Callable[[int], int]


def run() -> Table:
    """Milliseconds per answer, wall and processor time."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(GIVEN) if GIVEN else Path(folder) / "recall.sqlite"
        store = Store(f"sqlite:///{path}") if GIVEN else fleet(path, POINTS)
        store.upgrade()
        registry = Registry(store)
        points = registry.point_ids()
        chosen = points[:: len(points) // SAMPLES][:SAMPLES]
        _lengthen(path, chosen)
        mdm = Mdm(store, registry)
        bounds = [datetime.fromtimestamp(day * DAY_S, UTC) for day in (FIRST, FIRST + DAYS)]
        ours = [_each(lambda point: len(mdm.series(point, 1, *bounds)), chosen) for _ in range(2)]
        rows = sqlite3.connect(Path(folder) / "rows.sqlite")
        theirs = _each(_rows(rows), list(range(ROW_METERS)))
        rows.close()
        store.close()
    return Table(
        "recall",
        f"13 months of one meter, {DAYS * ingest.INTERVALS:,} intervals, out of {len(points):,} points, SQLite",
        ("what", "ms p50", "ms p99", "processor ms p50", "processor ms p99", "ratio of p50"),
        [
            _row(f"blocks, first look at each of {SAMPLES} points", ours[0], theirs),
            _row("blocks, second look", ours[1], theirs),
            _row(f"a row per interval, only {ROW_METERS} meters in the table", theirs, theirs),
        ],
        (
            "One answer with values, qualities, registers and evidence of every interval; one process.",
            "Ratios are of processor time. The rows hold value and quality alone. The first look finds nothing in the",
            "store's own cache; what the system holds of the file in its cache is left as it is.",
        ),
    )


def _row(what: str, taken: list[tuple[float, float]], beside: list[tuple[float, float]]) -> tuple[str, ...]:
    wall, used = np.array(taken).T * 1_000
    ratio = np.median(np.array(beside).T[1]) * 1_000 / np.median(used)
    told = (*np.percentile(wall, (50, 99)), *np.percentile(used, (50, 99)))
    return what, *(count(float(each)) for each in told), f"{ratio:.1f} ×"


def _each(read: Read, points: list[int]) -> list[tuple[float, float]]:
    """Per point the wall and the processor time of one answer."""
    taken = []
    for point in points:
        start, used = time.perf_counter(), time.process_time()
        assert read(point) == DAYS * ingest.INTERVALS
        taken.append((time.perf_counter() - start, time.process_time() - used))
    return taken


def _lengthen(path: Path, points: list[int]) -> None:
    """Days of the points before the stored month: that month again, further back."""
    connection = sqlite3.connect(path)
    connection.executescript("PRAGMA synchronous=OFF; CREATE TEMP TABLE chosen (point INTEGER PRIMARY KEY)")
    connection.executemany("INSERT INTO chosen VALUES (?)", [(point,) for point in points])
    names = [row[1] for row in connection.execute("PRAGMA table_info(interval_block)")]
    values = ", ".join(":day" if name == "day" else name for name in names)
    copy = (
        f"INSERT OR IGNORE INTO interval_block ({', '.join(names)}) SELECT {values} FROM interval_block"
        " WHERE metering_point IN (SELECT point FROM chosen) AND day = :from AND version = 1"
    )
    with connection:
        for day in range(FIRST, FIRST + DAYS - MONTH):
            same = ingest.START // DAY_S + (day - FIRST) % (MONTH - 1)
            connection.execute(copy, {"day": day, "from": same})
    connection.close()


def _rows(connection: sqlite3.Connection) -> Read:
    """A table as it is usually made, and how one meter is read from it."""
    connection.execute(
        "CREATE TABLE reading (point INTEGER, stamp INTEGER, value INTEGER, quality INTEGER,"
        " PRIMARY KEY (point, stamp)) WITHOUT ROWID"
    )
    for meter in range(ROW_METERS):
        values = np.concatenate([ingest._energies(meter, day) for day in range(DAYS)]).tolist()  # noqa: SLF001
        stamps = range(FIRST * DAY_S + ingest.PERIOD_S, (FIRST + DAYS) * DAY_S + 1, ingest.PERIOD_S)
        rows = ((meter, stamp, value, 0) for stamp, value in zip(stamps, values, strict=True))
        connection.executemany("INSERT INTO reading VALUES (?, ?, ?, ?)", rows)
    connection.commit()
    query = "SELECT stamp, value, quality FROM reading WHERE point = ? AND stamp > ? AND stamp <= ?"

    def read(point: int) -> int:
        found = connection.execute(query, (point, FIRST * DAY_S, (FIRST + DAYS) * DAY_S)).fetchall()
        stamps, values, _ = np.array(found, dtype=np.int64).T
        return len(stamps) if values.any() else 0

    return read
