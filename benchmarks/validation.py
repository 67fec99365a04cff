"""The full rule set over a day of many meters, on one core; beside it seven of the rules as they are usually written:
one meter after another, and pandas with a row per interval.

The days are those of real households (half hours split evenly), so that floors and thresholds are met as in the field.
Every column that any rule needs is there: no rule is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.cores import OURS, pinned, seconds_each
from benchmarks.table import Table, count
from openami.backoffice.mdm.validation.check import ROWS_AT_ONCE, check, not_run
from openami.backoffice.mdm.validation.columns import Columns
from openami.backoffice.mdm.validation.rule_set import DEFAULT_RULE_SETS, ChannelClass, Use, use
from openami.field.meter.real_curves import load

METERS = 100_000
ROW_METERS = 2_000
PANDAS_METERS = 100
PERIOD_S = 900
INTERVALS = 96
SEVEN = ("missing_interval", "negative", "demand_limits", "spike", "zero_run", "stuck_run", "sum_check")

Matrix = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def run() -> Table:
    """Intervals per second: all rules, the seven in our way, the seven row by row."""
    every = list(DEFAULT_RULE_SETS.on(ChannelClass.CONSUMPTION, date(2026, 1, 1)).uses)
    seven = [use(name) for name in SEVEN]
    columns = _columns(METERS)
    assert not not_run(columns, every)
    small = columns.rows(0, ROW_METERS)
    rows = _row_by_row(small)
    assert rows == _found(small, seven), "both ways must find the same"
    frame = _frame(columns.rows(0, PANDAS_METERS))
    assert _pandas(frame, columns) == _found(columns.rows(0, PANDAS_METERS), seven), "all ways must find the same"
    with pinned(OURS):
        full = METERS * INTERVALS / seconds_each(partial(_judge, columns, every), samples=5)
        whole = METERS * INTERVALS / seconds_each(partial(_judge, columns, every, METERS), samples=3)
        ours = METERS * INTERVALS / seconds_each(partial(_judge, columns, seven), samples=5)
        plain = ROW_METERS * INTERVALS / seconds_each(partial(_row_by_row, small), samples=3)
        pandas = PANDAS_METERS * INTERVALS / seconds_each(partial(_pandas, frame, columns), samples=3)
    return Table(
        "validation",
        f"Validation of {METERS:,} meters × {INTERVALS} intervals, one core",
        ("what", "intervals/s", "ratio"),
        [
            (f"all {len(every)} rules, {ROWS_AT_ONCE:,} rows at a time", count(full), f"{full / pandas:,.0f} ×"),
            (f"all {len(every)} rules, all rows at once", count(whole), f"{whole / pandas:,.0f} ×"),
            ("seven rules, columns", count(ours), f"{ours / pandas:,.0f} ×"),
            ("the same seven rules, meter by meter in NumPy", count(plain), f"{plain / pandas:,.0f} ×"),
            ("the same seven rules, pandas row by row", count(pandas), "1"),
        ],
        (
            "Processor time, median; days of real households. Columns are in memory: reading blocks is not part of it.",
            f"Meter by meter: one after another, each rule in NumPy on its values ({ROW_METERS:,} meters).",
            f"pandas: a frame with a row per interval, walked row by row ({PANDAS_METERS} meters).",
            "All ways find the same on those meters; that is checked before anything is measured.",
        ),
    )


def _judge(columns: Columns, uses: list[Use], rows_at_once: int = ROWS_AT_ONCE) -> int:
    return sum(len(found) for found in check(columns, uses, rows_at_once))


def _found(columns: Columns, uses: list[Use]) -> set[tuple[str, int]]:
    """Which rule found something on which row."""
    return {(found.use.rule.name, row) for found in check(columns, uses) for row in found.rows.tolist()}


def _energies(meters: int) -> Matrix:
    windows = [load(name).longest().split(PERIOD_S).energy_wh for name in ("uk-1", "uk-2")]
    days = np.concatenate([one[: len(one) // INTERVALS * INTERVALS].reshape(-1, INTERVALS) for one in windows])
    return np.asarray(days[np.arange(meters) * 17 % len(days)])


def _columns(meters: int) -> Columns:
    """Every column known; one interval in a thousand is missing, one meter in a hundred has a register that is off."""
    random = np.random.default_rng(1)
    energy, shape = _energies(meters), (meters, INTERVALS)
    missing = random.random(shape) < 0.001
    energy[missing] = 0
    off, on, each = np.zeros(shape, np.bool_), np.ones(shape, np.bool_), np.ones(meters, np.int64)
    total = energy.sum(axis=1)
    register = total + np.where(random.random(meters) < 0.01, 100, 0)
    return Columns(
        PERIOD_S, energy, missing, np.zeros(shape, np.uint8), outage=off, installed=on, sibling=on, current=energy,
        delivered=on, loss=off, dip=off, profile=np.roll(energy, 7, axis=0), check=energy, check_known=~missing,
        register=register, register_known=np.ones(meters, np.bool_), expected=total, history_days=28 * each,
        history_mean=total, history_sd=total // 4, history_peak=energy.max(axis=1), estimated_days=0 * each,
        size_s=PERIOD_S * each,
        multiplier=each, registry_multiplier=each, device=each, registry_device=each, unit=each, registry_unit=each,
        sender=each, registry_sender=each, doubled=0 * each, clock_offset_s=0 * each, age_s=each,
    )  # fmt: skip


def _frame(columns: Columns) -> pd.DataFrame:
    """A row per interval, as readings lie in a table."""
    meter = np.repeat(np.arange(len(columns)), INTERVALS)
    return pd.DataFrame({"meter": meter, "energy": columns.energy.reshape(-1), "missing": columns.missing.reshape(-1)})


def _pandas(frame: pd.DataFrame, columns: Columns) -> set[tuple[str, int]]:
    """The seven rules row by row: of each meter what they need to remember, and at its end what they say."""
    register, found = columns.column("register"), set[tuple[str, int]]()
    for meter, rows in frame.groupby("meter"):
        energies, zeros, stuck, before = list[int](), 0, 0, None
        said = set[str]()
        for _, row in rows.iterrows():
            energy, missing = int(row["energy"]), bool(row["missing"])
            energies.append(energy)
            zeros = zeros + 1 if energy == 0 and not missing else 0
            stuck = stuck + 1 if energy == before and energy > 50 * PERIOD_S // 3_600 else 0
            before = energy
            said |= {"missing_interval"} if missing else set()
            said |= {"negative"} if energy < 0 else set()
            said |= {"demand_limits"} if abs(energy) > 50_000 * PERIOD_S // 3_600 else set()
            said |= {"zero_run"} if zeros >= 24 * 3_600 // PERIOD_S else set()
            said |= {"stuck_run"} if stuck >= 5 else set()
        *_, third, _, first = sorted(energies)
        if first > 3_000 * PERIOD_S // 3_600 and (first - third) * 100 > max(third, 0) * 400:
            said.add("spike")
        if "missing_interval" not in said and sum(energies) != int(register[meter]):
            said.add("sum_check")
        found |= {(name, int(meter)) for name in said}
    return found


def _row_by_row(columns: Columns) -> set[tuple[str, int]]:
    """The seven rules as they are written when one meter is looked at."""
    register = columns.column("register")
    return {
        (name, row)
        for row in range(len(columns))
        for name in _one(columns.energy[row], columns.missing[row], int(register[row]))
    }


def _one(energy: Matrix, missing: Mask, register: int) -> Iterator[str]:
    if missing.any():
        yield "missing_interval"
    if (energy < 0).any():
        yield "negative"
    if (np.abs(energy) > 50_000 * PERIOD_S // 3_600).any():
        yield "demand_limits"
    ordered = np.sort(energy)
    if ordered[-1] > 3_000 * PERIOD_S // 3_600 and (ordered[-1] - ordered[-3]) * 100 > max(ordered[-3], 0) * 400:
        yield "spike"
    if _longest((energy == 0) & ~missing) >= 24 * 3_600 // PERIOD_S:
        yield "zero_run"
    if _longest((energy[1:] == energy[:-1]) & (energy[1:] > 50 * PERIOD_S // 3_600)) >= 5:
        yield "stuck_run"
    if not missing.any() and int(energy.sum()) != register:
        yield "sum_check"


def _longest(mask: Mask) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate(([0], mask.astype(np.int8), [0])))).reshape(-1, 2)
    return int((edges[:, 1] - edges[:, 0]).max(initial=0))
