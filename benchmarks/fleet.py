"""A store with as many meters as asked for and four weeks of their days.

The first 2,000 meters are registered, read and judged by the product itself; all others are copies of their rows under
other numbers, made by SQL: what is measured afterwards reads, judges and writes each of them like any other.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np

from benchmarks import store_ingest as ingest
from openami.backoffice.mdm.close.close import Close
from openami.backoffice.mdm.close.statistics import keep, statistics
from openami.backoffice.mdm.details import pack_details, told
from openami.backoffice.mdm.mdm import Mdm
from openami.backoffice.registry.registry import Registry
from openami.io.store.engine import Store
from openami.model.interval import DAY_S
from openami.model.reading import ProfileReading

HISTORY = 29
BASE = 2_000
FIRST = date(2026, 6, 1)
BATCH = 5_000
NUMBERED = ("metering_point", "meter", "id")
"""Columns that hold the number of a point or of a meter: equal in this fleet."""
UNIQUE = {"code": "code || '-' || c.value", "serial": "serial || '-' || c.value",
          "system_title": "CAST(system_title || '-' || c.value AS BLOB)"}  # fmt: skip
TABLES = ("metering_point", "meter", "channel", "installation")


def fleet(path: Path, meters: int) -> Store:
    """The store at `path` with `meters` meters and HISTORY + 1 days, of which all but the last are closed.

    On the last day one meter in a hundred lacks an hour and one in a thousand the whole day.
    """
    store = Store(f"sqlite:///{path}")
    store.upgrade()
    registry = Registry(store)
    ingest.METERS = min(meters, BASE)
    ids = ingest._register(store, registry)  # noqa: SLF001 - the same fleet
    mdm = Mdm(store, registry)
    for day in range(HISTORY + 1):
        known = datetime.fromtimestamp(ingest.START + (day + 1) * DAY_S + 3_600, UTC)
        taken = [part for each in ingest._day(ids, day) for part in _spoilt(each, known, spoil=day == HISTORY)]  # noqa: SLF001
        mdm.take_profile(taken)
    Close(store).close(FIRST + timedelta(days=HISTORY - 1), seven(HISTORY))
    store.close()
    if meters > BASE:
        _copy(path, meters // BASE)
        _copy_statistics(store, meters // BASE)
    return store


def seven(day: int) -> datetime:
    """Seven o'clock UTC of day number `day`."""
    return datetime.fromtimestamp(ingest.START + day * DAY_S + 7 * 3_600, UTC)


def _spoilt(reading: ProfileReading, known: datetime, *, spoil: bool) -> Iterator[ProfileReading]:
    whole = np.ones(len(reading.stamps), dtype=np.bool_)
    if spoil and reading.meter % 1_000 == 0:
        return
    if spoil and reading.meter % 100 == 0:
        whole[40:44] = False
    stamps, registers, status = reading.stamps[whole], reading.registers[whole], reading.status[whole]
    yield ProfileReading(reading.meter, reading.obis, reading.resolution_s, stamps, registers, status, known, 1)


def _copy(path: Path, times: int) -> None:
    """The fleet `times` times, day by day and in the order of points, as campaigns would have brought it."""
    connection = sqlite3.connect(path)
    connection.executescript("PRAGMA synchronous=OFF; PRAGMA cache_size=-262144; PRAGMA foreign_keys=OFF")
    connection.create_function("of_meter", 2, _of_meter, deterministic=True)
    for table in TABLES:
        _copy_rows(connection, table, times, "1")
    first = ingest.START // DAY_S
    for day in range(first, first + HISTORY + 1):
        for table in ("interval_block", "judged_block"):
            _copy_rows(connection, table, times, f"day = {day}")
    connection.close()


def _copy_rows(connection: sqlite3.Connection, table: str, times: int, chosen: str) -> None:
    names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    values = ", ".join(_copied(name) for name in names)
    rows = f"(SELECT * FROM {table} WHERE {chosen} ORDER BY rowid)"
    copies = f"generate(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM generate WHERE value < {times - 1})"
    listed = ", ".join(f'"{name}"' for name in names)
    with connection:
        connection.execute(
            f"WITH RECURSIVE {copies} INSERT INTO {table} ({listed}) SELECT {values} FROM generate c CROSS JOIN {rows}"
        )


def _copy_statistics(store: Store, times: int) -> None:
    """The statistics of the copies: they name the meter inside."""
    day, base = ingest.START // DAY_S + HISTORY - 1, [(number, 1) for number in range(1, BASE + 1)]
    steps = {ingest.PERIOD_S: np.arange(BASE)}
    for copy in range(1, times):
        with store.transaction() as connection:
            found = statistics(connection, base, day, steps, set())
            found.meters = np.where(found.meters == 0, 0, found.meters + copy * BASE)
            keep(connection, [(point + copy * BASE, channel) for point, channel in base], day, found)


def _of_meter(details: bytes, more: int) -> bytes:
    """The details of a day of a copied meter: its number is `more` higher."""
    unusual = told(details)
    last = unusual.closing_meter + more if unusual.closing_meter else 0
    return pack_details(msgspec.structs.replace(unusual, closing_meter=last))


def _copied(name: str) -> str:
    if name == "details":
        return f"CASE WHEN length(details) THEN of_meter(details, c.value * {BASE}) ELSE details END"
    if name in NUMBERED:
        return f'"{name}" + CASE WHEN "{name}" = 0 THEN 0 ELSE c.value * {BASE} END'
    return UNIQUE.get(name, f'"{name}"')
