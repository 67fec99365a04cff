"""A utility's registry out of a file, meters per second; beside it the same meters entered one by one.

The file has a line for each point, each meter, two channels of each point and each installation, ordered by record, as
an export has them. All is committed durably, 500 lines at a time.
"""

from __future__ import annotations

import io
import os
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.table import Table, count
from openami.backoffice.mdm.master_data.importer import RegistryImport
from openami.backoffice.mdm.mdm import Mdm
from openami.backoffice.registry.registry import Registry
from openami.io.store.engine import Store
from openami.model.obis import ObisCode
from openami.model.point import ChannelKind
from openami.model.quality import GuaranteeClass
from openami.model.unit import Unit

METERS = int(os.environ.get("OPENAMI_BENCH_METERS", "10000"))
ONE_BY_ONE = 300
INSTALLED = datetime(2026, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 3, 1, tzinfo=UTC)
HEADER = "record,point,address,zone,meter,system_title,guarantee,channel,obis,kind,unit,digits,start\n"


def run() -> Table:
    """Meters per second of processor time."""
    with tempfile.TemporaryDirectory() as folder:
        file = _taken(Path(folder) / "file.sqlite", _from_file) / METERS
        again = _taken(Path(folder) / "file.sqlite", lambda store: _from_file(store, new=False)) / METERS
        single = _taken(Path(folder) / "single.sqlite", _one_by_one) / ONE_BY_ONE
    return Table(
        "registry_import",
        f"The registry of {METERS:,} meters, SQLite",
        ("how", "meters/s", "ratio"),
        [
            (f"a file of {5 * METERS:,} lines, nothing known before", count(1 / file), f"{single / file:.0f} ×"),
            ("the same file again: every line looked up, nothing changes", count(1 / again), f"{single / again:.1f} ×"),
            (f"one by one in one transaction ({ONE_BY_ONE} meters)", count(1 / single), "1"),
        ],
        (
            "Processor time of one process. A meter is a point with its address, the device, two channels and the",
            "installation. OPENAMI_BENCH_METERS sets how many there are.",
        ),
    )


def _taken(path: Path, work: Callable[[Store], None]) -> float:
    store = Store(f"sqlite:///{path}")
    store.upgrade()
    start = time.process_time()
    work(store)
    used = time.process_time() - start
    store.close()
    return used


def _from_file(store: Store, *, new: bool = True) -> None:
    registry, numbers = Registry(store), range(METERS)
    lines = [HEADER]
    lines += [f"point,P{each},{each} Meter Lane,Europe/London,,,,,,,,,\n" for each in numbers]
    lines += [f"meter,,,,M{each},{each + 1:016x},2,,,,,,\n" for each in numbers]
    lines += [f"channel,P{at},,,,,,{one},1-0:{one}.8.0*255,interval-energy,Wh,8,\n" for at in numbers for one in (1, 2)]
    lines += [f"installation,P{each},,,M{each},,,,,,,,{INSTALLED.isoformat()}\n" for each in numbers]
    report = RegistryImport(store, Mdm(store, registry), registry, NOW).run(io.StringIO("".join(lines), newline=""))
    assert (report.changed if new else report.unchanged) == 5 * METERS


def _one_by_one(store: Store) -> None:
    registry = Registry(store)
    with store.transaction():
        for number in range(ONE_BY_ONE):
            point = registry.add_point(f"P{number}", f"{number} Meter Lane", "Europe/London").id
            title = (number + 1).to_bytes(8, "big")
            meter = registry.add_meter(f"M{number}", title, GuaranteeClass.SHARED_KEYS, None).id
            for one in (1, 2):
                code, kind = ObisCode(1, 0, one, 8, 0), ChannelKind.INTERVAL_ENERGY
                registry.add_channel(point, one, code, kind, Unit.WATT_HOUR, 0, 900)
            registry.install(meter, point, INSTALLED)
