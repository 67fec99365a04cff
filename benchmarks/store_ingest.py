"""Day profiles into the store: meter-days per second, a durable commit per batch, one process, SQLite and PostgreSQL.

A meter-day is 96 register snapshots of one channel, as a campaign brings them: intake finds point and channel, keeps
the snapshots, derives the energies and commits. Beside it the same days as a row per interval, the usual way.
"""

from __future__ import annotations

import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import psycopg

from benchmarks.servers import postgres
from benchmarks.table import Table, count
from openami.backoffice.mdm.mdm import Mdm
from openami.backoffice.registry.registry import Registry
from openami.field.meter.real_curves import load
from openami.io.store.engine import Store
from openami.model.interval import DAY_S
from openami.model.obis import ObisCode
from openami.model.point import ChannelKind
from openami.model.quality import GuaranteeClass
from openami.model.reading import ProfileReading
from openami.model.unit import Unit

METERS = 5_000
DAYS = 9
ROW_DAYS = 1
PERIOD_S = 900
INTERVALS = DAY_S // PERIOD_S
START = 1_780_272_000  # 2026-06-01 00:00:00Z
IMPORT = ObisCode(1, 0, 1, 8, 0)
KNOWN_AT = datetime(2026, 6, 20, tzinfo=UTC)


def run() -> Table:
    """All ways, and what they leave on the disk."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "blocks.sqlite"
        blocks = _blocks(f"sqlite:///{path}", lambda: _size(path))
        rows = _rows(Path(folder) / "rows.sqlite")
    with postgres() as url:
        server = _blocks(url, lambda: _server_size(url))
    return Table(
        "store_ingest",
        f"Day profiles of {METERS:,} meters into a database, a durable commit per batch",
        ("how", "meter-days/s", "ratio", "processor µs per meter-day", "bytes on disk per meter-day"),
        [
            _row("intake into SQLite: blocks with registers, energies, quality, evidence", blocks, rows),
            _row("intake into PostgreSQL: the same", server, rows),
            _row("bare rows into SQLite, one per interval", rows, rows),
        ],
        (
            f"Batches of {METERS:,} meter-days (96 values of real households), median wall time of {DAYS};",
            "SQLite with a write-ahead log, synchronous=FULL. Blocks hold registers, energies, qualities and evidence;",
            "the bare rows hold the value alone and are inserted without any check. Processor time is that of our own",
            "process: the PostgreSQL server works beside it.",
        ),
    )


class Taken(NamedTuple):
    """Meter-days a second of wall time, processor seconds and bytes per meter-day."""

    speed: float
    processor_s: float
    size: float


def _row(how: str, taken: Taken, beside: Taken) -> tuple[str, ...]:
    ratio = "1" if taken is beside else f"{taken.speed / beside.speed:,.0f} ×"
    return how, count(taken.speed), ratio, count(taken.processor_s * 1e6), count(taken.size)


def _blocks(url: str, size: Callable[[], int]) -> Taken:
    store = Store(url)
    store.upgrade()
    registry = Registry(store)
    mdm = Mdm(store, registry)
    meters = _register(store, registry)
    mdm.take_profile(_day(meters, -1))
    before = size()
    taken, used = [], 0.0
    for day in range(DAYS):
        batch = _day(meters, day)
        start, processor = time.perf_counter(), time.process_time()
        result = mdm.take_profile(batch)
        taken.append(time.perf_counter() - start)
        used += time.process_time() - processor
        assert result.blocks >= METERS
    series = mdm.series(1, 1, datetime.fromtimestamp(START, UTC), datetime.fromtimestamp(START + DAYS * DAY_S, UTC))
    assert int(series.values.sum()) == sum(int(_energies(0, day).sum()) for day in range(DAYS))
    store.close()
    return Taken(METERS / statistics.median(taken), used / DAYS / METERS, (size() - before) / (DAYS * METERS))


def _register(store: Store, registry: Registry) -> list[int]:
    installed = datetime.fromtimestamp(START - 10 * DAY_S, UTC)
    meters = []
    with store.transaction():
        for number in range(METERS):
            point = registry.add_point(f"P{number:06}", f"{number} Meter Lane", "Europe/London")
            title = b"OAM" + number.to_bytes(5, "big")
            meter = registry.add_meter(f"{number:08}", title, GuaranteeClass.SHARED_KEYS, None)
            kind = ChannelKind.INTERVAL_ENERGY
            registry.add_channel(point.id, 1, IMPORT, kind, Unit.WATT_HOUR, 0, PERIOD_S)
            registry.install(meter.id, point.id, installed)
            meters.append(meter.id)
    return meters


def _energies(number: int, day: int) -> npt.NDArray[np.int64]:
    """A house's day in Wh per quarter hour: days of real households, half hours split evenly, each house another."""
    days = _real_days()
    one: npt.NDArray[np.int64] = days[(17 * number + day + 1) % len(days)]
    return one


@lru_cache(maxsize=1)
def _real_days() -> npt.NDArray[np.int64]:
    windows = [load(name).longest().split(PERIOD_S).energy_wh for name in ("uk-1", "uk-2")]
    whole = [window[: len(window) // INTERVALS * INTERVALS].reshape(-1, INTERVALS) for window in windows]
    return np.concatenate(whole)


def _day(meters: list[int], day: int) -> list[ProfileReading]:
    """What a campaign brings: each meter's registers at the ends of the intervals of one UTC day."""
    stamps = START + day * DAY_S + PERIOD_S * np.arange(1, INTERVALS + 1, dtype=np.int64)
    status = np.zeros(len(stamps), np.uint8)
    return [
        ProfileReading(meter, IMPORT, PERIOD_S, stamps, registers, status, KNOWN_AT, 1)
        for meter, registers in zip(meters, _registers(day), strict=True)
    ]


def _registers(day: int) -> Iterator[npt.NDArray[np.int64]]:
    for number in range(METERS):
        before = _TOTALS.get((number, day - 1), 100_000)
        registers = before + np.cumsum(_energies(number, day))
        _TOTALS[number, day] = int(registers[-1])
        yield registers


_TOTALS: dict[tuple[int, int], int] = {}


def _rows(path: Path) -> Taken:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(
        "CREATE TABLE reading (point INTEGER, channel INTEGER, stamp INTEGER, value INTEGER, quality INTEGER,"
        " PRIMARY KEY (point, channel, stamp)) WITHOUT ROWID"
    )
    taken = used = 0.0
    for day in range(ROW_DAYS):
        days = [(each.meter, each.stamps.tolist(), each.registers.tolist()) for each in _day(list(range(METERS)), day)]
        start, processor = time.perf_counter(), time.process_time()
        rows = [
            (meter, 1, at, value, 0) for meter, stamps, values in days for at, value in zip(stamps, values, strict=True)
        ]
        with connection:
            connection.executemany("INSERT INTO reading VALUES (?, ?, ?, ?, ?)", rows)
        taken += time.perf_counter() - start
        used += time.process_time() - processor
    size, many = _size(path), ROW_DAYS * METERS
    connection.close()
    return Taken(many / taken, used / many, size / many)


def _size(path: Path) -> int:
    """Bytes of the database, what still waits in its log included."""
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path.stat().st_size


def _server_size(url: str) -> int:
    """Bytes of the tables that blocks and their evidence lie in, indexes included."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM")
        tables = "relkind = 'r' AND relnamespace = 'public'::regnamespace"
        told = connection.execute(f"SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE {tables}").fetchone()
    return int(told[0]) if told else 0
