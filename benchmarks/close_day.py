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
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np

from benchmarks import store_ingest as ingest
from benchmarks.table import Table, count
from openami.backoffice.mdm.close.close import Close
from openami.backoffice.mdm.mdm import Mdm
from openami.backoffice.registry.registry import Registry
from openami.io.executor import open_executor
from openami.io.store.engine import Store
from openami.model.interval import DAY_S
from openami.model.reading import ProfileReading

SIZES = tuple(int(size) for size in os.environ.get("OPENAMI_BENCH_METERS", "10000,30000").split(","))
HISTORY = 29
WORKERS = 2
FIRST = date(2026, 6, 1)
BATCH = 5_000


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
            "weeks of days of real households are stored before. OPENAMI_BENCH_METERS sets the numbers of meters.",
        ),
    )


def _processor_s() -> float:
    """Of this process and of those that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _close(path: Path, meters: int) -> tuple[float, float, int]:
    store = Store(f"sqlite:///{path}")
    store.upgrade()
    registry = Registry(store)
    mdm = Mdm(store, registry)
    ingest.METERS = meters
    ids = ingest._register(store, registry)  # noqa: SLF001 - the same fleet
    for day in range(HISTORY + 1):
        batch = ingest._day(ids, day)  # noqa: SLF001 - the same days
        known = datetime.fromtimestamp(ingest.START + (day + 1) * DAY_S + 3_600, UTC)
        kept = [part for each in batch for part in _spoilt(each, known, spoil=day == HISTORY)]
        for at in range(0, len(kept), BATCH):
            mdm.take_profile(kept[at : at + BATCH])
    with open_executor(f"processes:{WORKERS}") as (executor, workers):
        Close(store, executor, workers).close(FIRST + timedelta(days=HISTORY - 1), _seven(HISTORY))
    start, used = time.perf_counter(), _processor_s()
    with open_executor(f"processes:{WORKERS}") as (executor, workers):
        closed = Close(store, executor, workers).close(FIRST + timedelta(days=HISTORY), _seven(HISTORY + 1))
    seconds, processor_s = time.perf_counter() - start, _processor_s() - used
    total = closed.total
    assert total.channels == meters
    assert total.missing == 0
    store.close()
    return seconds, processor_s, total.estimated


def _seven(day: int) -> datetime:
    return datetime.fromtimestamp(ingest.START + day * DAY_S + 7 * 3_600, UTC)


def _spoilt(reading: ProfileReading, known: datetime, *, spoil: bool) -> list[ProfileReading]:
    whole = np.ones(len(reading.stamps), dtype=np.bool_)
    if spoil and reading.meter % 1_000 == 0:
        return []
    if spoil and reading.meter % 100 == 0:
        whole[40:44] = False
    stamps, registers, status = reading.stamps[whole], reading.registers[whole], reading.status[whole]
    return [ProfileReading(reading.meter, reading.obis, reading.resolution_s, stamps, registers, status, known, 1)]
