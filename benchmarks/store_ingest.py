"""Day profiles into the store: meter-days per second, a durable commit per batch, one process, SQLite.

A meter-day is 96 register snapshots of one channel, as a campaign brings them: intake finds point and channel, keeps
the snapshots, derives the energies and commits. Beside it the same days as a row per interval, the usual way.
"""

from __future__ import annotations

import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

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
    """Both ways, and what they leave on the disk."""
    with tempfile.TemporaryDirectory() as folder:
        blocks, block_bytes = _blocks(Path(folder) / "blocks.sqlite")
        rows, row_bytes = _rows(Path(folder) / "rows.sqlite")
    return Table(
        "store_ingest",
        f"Day profiles of {METERS:,} meters into SQLite, a durable commit per batch",
        ("how", "meter-days/s", "ratio", "bytes on disk per meter-day"),
        [
            (
                "intake: blocks with registers, energies, quality, evidence",
                count(blocks),
                f"{blocks / rows:,.0f} ×",
                count(block_bytes),
            ),
            ("bare rows, one per interval", count(rows), "1", count(row_bytes)),
        ],
        (
            f"Batches of {METERS:,} meter-days (96 values of real households), median wall time of {DAYS};",
            "SQLite with a write-ahead log, synchronous=FULL. Blocks hold registers, energies, qualities and evidence;",
            "the bare rows hold the value alone and are inserted without any check.",
        ),
    )


def _blocks(path: Path) -> tuple[float, float]:
    store = Store(f"sqlite:///{path}")
    store.upgrade()
    registry = Registry(store)
    mdm = Mdm(store, registry)
    meters = _register(store, registry)
    mdm.take_profile(_day(meters, -1))
    before = _size(path)
    taken = []
    for day in range(DAYS):
        batch = _day(meters, day)
        start = time.perf_counter()
        result = mdm.take_profile(batch)
        taken.append(time.perf_counter() - start)
        assert result.blocks >= METERS
    series = mdm.series(1, 1, datetime.fromtimestamp(START, UTC), datetime.fromtimestamp(START + DAYS * DAY_S, UTC))
    assert int(series.values.sum()) == sum(int(_energies(0, day).sum()) for day in range(DAYS))
    return METERS / statistics.median(taken), (_size(path) - before) / (DAYS * METERS)


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


def _rows(path: Path) -> tuple[float, float]:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(
        "CREATE TABLE reading (point INTEGER, channel INTEGER, stamp INTEGER, value INTEGER, quality INTEGER,"
        " PRIMARY KEY (point, channel, stamp)) WITHOUT ROWID"
    )
    taken = 0.0
    for day in range(ROW_DAYS):
        days = [(each.meter, each.stamps.tolist(), each.registers.tolist()) for each in _day(list(range(METERS)), day)]
        start = time.perf_counter()
        rows = [
            (meter, 1, at, value, 0) for meter, stamps, values in days for at, value in zip(stamps, values, strict=True)
        ]
        with connection:
            connection.executemany("INSERT INTO reading VALUES (?, ?, ?, ?, ?)", rows)
        taken += time.perf_counter() - start
    size = _size(path)
    connection.close()
    return ROW_DAYS * METERS / taken, size / (ROW_DAYS * METERS)


def _size(path: Path) -> int:
    """Bytes of the database, what still waits in its log included."""
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path.stat().st_size
