"""Closing a day: read, validate by the full rule set, estimate, store judgements and statistics, count the figures.

Two worker processes, SQLite. Each meter has four weeks of history; one in a hundred lacks an hour of the day and one
in a thousand the whole day, so that estimates are made as well. The close is the first that is measured after one that
made the statistics, as it is every morning.
"""

from __future__ import annotations

import os
import resource
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from benchmarks import store_ingest as ingest
from benchmarks.fleet import FIRST, HISTORY, fleet, seven
from benchmarks.table import Table, count
from openami.backoffice.mdm.close.close import Close
from openami.io.executor import open_executor

SIZES = tuple(int(size) for size in os.environ.get("OPENAMI_BENCH_METERS", "10000,100000").split(","))
WORKERS = 2


def run() -> Table:
    """Per number of meters: seconds, meter-days a second, and how much memory the largest process had."""
    rows = []
    base = 0.0
    for meters in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            seconds, processor_s, judged = _close(Path(folder) / "close.sqlite", meters)
        each = processor_s / meters
        base = base or each
        memory = [resource.getrusage(who).ru_maxrss >> 10 for who in (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF)]
        taken = count(meters), f"{seconds:.1f}", f"{processor_s:.1f}", f"{each / base:.2f}"
        rows.append((*taken, count(judged), " + ".join(map(count, memory))))
    return Table(
        "close_day",
        f"Closing a day of {ingest.INTERVALS} intervals, {WORKERS} processes, SQLite",
        ("meters", "seconds", "processor seconds", "cost per meter", "estimated intervals", "MB: worker + parent"),
        rows,
        (
            "Seconds: wall time from the command to the last commit, start of the workers included. Cost per meter:",
            "processor time relative to the first row. One meter in 100 lacks an hour, one in 1,000 the day; four",
            "weeks of days of real households are stored before; meters beyond 2,000 are copies under other numbers.",
            "OPENAMI_BENCH_METERS sets the numbers of meters.",
        ),
    )


def _processor_s() -> float:
    """Of this process and of those that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _close(path: Path, meters: int) -> tuple[float, float, int]:
    store = fleet(path, meters)
    start, used = time.perf_counter(), _processor_s()
    with open_executor(f"processes:{WORKERS}") as (executor, workers):
        closed = Close(store, executor, workers).close(FIRST + timedelta(days=HISTORY), seven(HISTORY + 1))
    seconds, processor_s = time.perf_counter() - start, _processor_s() - used
    total = closed.total
    assert total.channels == meters
    assert total.missing == 0
    store.close()
    return seconds, processor_s, total.estimated
