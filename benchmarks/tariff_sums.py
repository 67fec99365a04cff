"""A month's sums per tariff register of all points, as a billing run makes them; beside it pandas on frames in memory.

The run reads the blocks of each point, as judged and edited, sums them by a plan with two registers and a demand, and
stores the results with the versions that they rest on. pandas has the energies in memory already, a row per interval,
and sums two registers: by a group-by over columns, and row by row.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd

from benchmarks import store_ingest as ingest
from benchmarks.fleet import FIRST, HISTORY, fleet, seven
from benchmarks.table import Table, count
from openami.backoffice.mdm.billing.runs import Billing
from openami.backoffice.registry.registry import Registry

T = TypeVar("T")
METERS = 2_000
ROW_METERS = 10
DAYS = HISTORY
PLAN = """
[[plan]]
name = "household"
register = "low"
demand_window_s = 900

[[plan.window]]
register = "high"
days = ["mon", "tue", "wed", "thu", "fri"]
from = "06:00"
until = "22:00"
"""


def run() -> Table:
    """Meter-days per minute of processor time."""
    with tempfile.TemporaryDirectory() as folder:
        store = fleet(Path(folder) / "sums.sqlite", METERS)
        billing = Billing(store, Registry(store))
        billing.store_plans(PLAN, seven(0))
        after = FIRST + timedelta(days=DAYS)
        ours, billed = _taken(lambda: billing.run("household", FIRST, after, seven(HISTORY)).id)
        found = billing.results(billed)
        high = {each.metering_point: line.value for each in found for line in each.lines if line.name == "import.high"}
        store.close()
    frame = _frame()
    columns, sums = _taken(lambda: _by_columns(frame))
    small = frame[frame["point"] <= ROW_METERS]
    rows, same = _taken(lambda: _by_rows(small))
    assert {point: sums[point] for point in same} == same
    assert high == sums, "all ways must come to the same sums"
    speeds = METERS * DAYS / ours * 60, METERS * DAYS / columns * 60, ROW_METERS * DAYS / rows * 60
    return Table(
        "tariff_sums",
        f"A month of {METERS:,} points × {ingest.INTERVALS} intervals summed per tariff register",
        ("how", "meter-days/min", "ratio"),
        [
            _row("billing run: read, summed with demand and qualities, stored", speeds[0], speeds[2]),
            _row("pandas: frame in memory, grouped by columns, sums alone", speeds[1], speeds[2]),
            _row(f"pandas: the same frame row by row ({ROW_METERS} points)", speeds[2], speeds[2]),
        ],
        (
            "Processor time of one process, SQLite. pandas reads and stores nothing here and knows no qualities.",
            "All three come to the same sums; that is checked.",
        ),
    )


def _row(how: str, speed: float, beside: float) -> tuple[str, str, str]:
    return how, count(speed), f"{speed / beside:,.0f} ×" if speed != beside else "1"


def _taken(work: Callable[[], T]) -> tuple[float, T]:
    start = time.process_time()
    found = work()
    return time.process_time() - start, found


def _frame() -> pd.DataFrame:
    """The energies of the billed days, a row per interval; the very first is not known to the store either."""
    days = np.array([[ingest._energies(meter, day) for day in range(DAYS)] for meter in range(METERS)])  # noqa: SLF001
    days[:, 0, 0] = 0
    starts = ingest.START + ingest.PERIOD_S * np.arange(DAYS * ingest.INTERVALS)
    local = pd.to_datetime(starts, unit="s", utc=True).tz_convert("Europe/London")
    inside = np.asarray(local < pd.Timestamp(FIRST + timedelta(days=DAYS), tz="Europe/London"))
    energy = days.reshape(METERS, -1)[:, inside]
    point = np.repeat(np.arange(1, METERS + 1), energy.shape[1])
    return pd.DataFrame({"point": point, "at": np.tile(local[inside], METERS), "energy": energy.reshape(-1)})


def _by_columns(frame: pd.DataFrame) -> dict[int, int]:
    hour, weekday = frame["at"].dt.hour, frame["at"].dt.weekday
    register = np.where((hour >= 6) & (hour < 22) & (weekday < 5), "high", "low")
    sums = frame.groupby(["point", register])["energy"].sum()
    return {int(point): int(value) for point, value in sums.xs("high", level=1).items()}


def _by_rows(frame: pd.DataFrame) -> dict[int, int]:
    sums: dict[int, int] = {}
    for _, row in frame.iterrows():
        if 6 <= row["at"].hour < 22 and row["at"].weekday() < 5:
            sums[row["point"]] = sums.get(row["point"], 0) + int(row["energy"])
    return sums
