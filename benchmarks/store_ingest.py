"""Day profiles into the store: meter-days per second, a durable commit per batch, one process, SQLite and PostgreSQL.

A meter-day is 96 register snapshots of one channel, as a campaign brings them: intake finds point and channel, keeps
the snapshots, derives the energies and commits. Beside it the same days as a row per interval, the usual way. What they
take on disk is told of a month, since a server keeps a part per month: the index of a part is emptier or fuller in
between, by how its pages happened to split.
"""

from __future__ import annotations

import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
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
from openami.backoffice.registry import additions
from openami.backoffice.registry.additions import NewFact, NewMeter, NewPoint
from openami.backoffice.registry.registry import Registry
from openami.field.meter.real_curves import load
from openami.io.store.engine import Store
from openami.model.interval import DAY_S
from openami.model.obis import ObisCode
from openami.model.point import Channel, ChannelKind
from openami.model.quality import GuaranteeClass
from openami.model.reading import ProfileReading
from openami.model.unit import Unit

METERS = 5_000
DAYS = 30
FEW = 9
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
    with postgres() as url:
        server_rows = _server_rows(url)
    return Table(
        "store_ingest",
        f"Day profiles of {METERS:,} meters into a database, a durable commit per batch",
        ("how", "meter-days/s", "ratio", "processor µs per meter-day", f"bytes per meter-day: {FEW} and {DAYS} days"),
        [
            _row("intake into SQLite: blocks with registers, energies, quality, evidence", blocks, rows),
            _row("intake into PostgreSQL: the same", server, server_rows),
            _row("bare rows into SQLite, one per interval", rows, rows),
            _row("bare rows into PostgreSQL, one per interval, COPY", server_rows, server_rows),
        ],
        (
            f"Batches of {METERS:,} meter-days (96 values of real households), median wall time of {DAYS}; ratios are",
            "to the rows in the same database.",
            "SQLite with a write-ahead log, synchronous=FULL. Blocks hold registers, energies, qualities and evidence;",
            "the bare rows hold the value alone and are inserted without any check. Processor time is that of our own",
            "process: the PostgreSQL server works beside it.",
        ),
    )


class Taken(NamedTuple):
    """Meter-days a second of wall time, processor seconds and bytes per meter-day, after few days and after all."""

    speed: float
    processor_s: float
    sizes: Sequence[float]


def _row(how: str, taken: Taken, beside: Taken) -> tuple[str, ...]:
    ratio = "1" if taken is beside else f"{taken.speed / beside.speed:,.0f} ×"
    return how, count(taken.speed), ratio, count(taken.processor_s * 1e6), " / ".join(map(count, taken.sizes))


def _blocks(url: str, size: Callable[[], int]) -> Taken:
    store = Store(url)
    store.upgrade()
    registry = Registry(store)
    mdm = Mdm(store, registry)
    meters = _register(store, registry)
    mdm.take_profile(_day(meters, -1))
    before = size()
    taken, used, sizes = [], 0.0, []
    for day in range(DAYS):
        batch = _day(meters, day)
        start, processor = time.perf_counter(), time.process_time()
        result = mdm.take_profile(batch)
        taken.append(time.perf_counter() - start)
        used += time.process_time() - processor
        assert result.blocks >= METERS
        if day + 1 in {FEW, DAYS}:
            sizes.append((size() - before) / (day + 1) / METERS)
    series = mdm.series(1, 1, datetime.fromtimestamp(START, UTC), datetime.fromtimestamp(START + DAYS * DAY_S, UTC))
    assert int(series.values.sum()) == sum(int(_energies(0, day).sum()) for day in range(DAYS))
    store.close()
    return Taken(METERS / statistics.median(taken), used / DAYS / METERS, sizes)


def _register(store: Store, registry: Registry) -> list[int]:
    installed = datetime.fromtimestamp(START - 10 * DAY_S, UTC)
    codes, serials = ([f"{letter}{number:07}" for number in range(METERS)] for letter in "PM")
    guarantee = GuaranteeClass.SHARED_KEYS
    with store.transaction() as connection:
        additions.add_points(connection, [NewPoint(code, f"{code} Meter Lane", "Europe/London") for code in codes])
        meters = [NewMeter(serial, b"O" + serial.encode(), guarantee, None, "wrapper") for serial in serials]
        additions.add_meters(connection, meters)
        points = registry.point_ids()
        kind = ChannelKind.INTERVAL_ENERGY
        channels = [Channel(point, 1, IMPORT, kind, Unit.WATT_HOUR, 0, PERIOD_S, 0) for point in points]
        additions.add_channels(connection, channels)
        hung = [each.id for each in registry.meters()]
        facts = [NewFact(point, installed, None, {"meter": meter}) for point, meter in zip(points, hung, strict=True)]
        additions.install(connection, facts, installed)
    return hung


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


def _bare() -> list[tuple[int, int, int, int, int]]:
    """The rows of a day, one per interval."""
    days = [(each.meter, each.stamps.tolist(), each.registers.tolist()) for each in _day(list(range(METERS)), 0)]
    return [
        (meter, 1, at, value, 0) for meter, stamps, values in days for at, value in zip(stamps, values, strict=True)
    ]


def _rows(path: Path) -> Taken:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(
        "CREATE TABLE reading (point INTEGER, channel INTEGER, stamp INTEGER, value INTEGER, quality INTEGER,"
        " PRIMARY KEY (point, channel, stamp)) WITHOUT ROWID"
    )
    rows = _bare()
    start, processor = time.perf_counter(), time.process_time()
    with connection:
        connection.executemany("INSERT INTO reading VALUES (?, ?, ?, ?, ?)", rows)
    taken, used = time.perf_counter() - start, time.process_time() - processor
    connection.close()
    return Taken(METERS / taken, used / METERS, [_size(path) / METERS])


def _server_rows(url: str) -> Taken:
    rows = _bare()
    with psycopg.connect(url) as connection:
        connection.execute(
            "CREATE TABLE reading (point bigint, channel integer, stamp bigint, value bigint, quality smallint,"
            " PRIMARY KEY (point, channel, stamp))"
        )
        connection.commit()
        start, processor = time.perf_counter(), time.process_time()
        with connection.cursor().copy("COPY reading FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(["int8", "int4", "int8", "int8", "int2"])
            for row in rows:
                copy.write_row(row)
        connection.commit()
        taken, used = time.perf_counter() - start, time.process_time() - processor
    return Taken(METERS / taken, used / METERS, [_server_size(url) / METERS])


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
