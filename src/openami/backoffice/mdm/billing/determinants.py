"""Billing determinants of many points at once: sums per register, tiers, demand, net; each with its estimated part.

Pure functions of columns. A sum never hides what it lacks: intervals missing and estimated are counted beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from openami.backoffice.mdm.billing.plan import Metering, Plan
from openami.backoffice.mdm.blocks import Matrix
from openami.backoffice.mdm.channel_days import Mask
from openami.model.interval import Stamps

HOUR_S = 3_600
FULL = np.iinfo(np.int64).max
Codes = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True, eq=False)
class Flow:
    """Energies (m, n) of one direction; which of them are missing, and which are estimates."""

    energy: Matrix
    missing: Mask
    estimated: Mask

    def less(self, other: Flow) -> Flow:
        """The net of two directions, interval by interval."""
        return Flow(self.energy - other.energy, self.missing | other.missing, self.estimated | other.estimated)


@dataclass(frozen=True, slots=True)
class Line:
    """A determinant: `value` in `unit` (None: unknown), from `intervals`, of which some are missing and some estimated.

    `estimated_value` is the estimates' part of an energy. `at` (UTC seconds) is the beginning of the demand's window.
    """

    name: str
    value: int | None
    unit: str
    intervals: int
    missing: int
    estimated: int
    estimated_value: int
    at: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Period:
    """The n intervals of a period: their beginnings, how far local time is from UTC then, their length, and the
    register of each; energies are 10^`scaler` Wh, `scaler` not above 0.
    """

    starts: Stamps
    offsets_s: Stamps
    step: int
    codes: Codes
    scaler: int


def determinants(plan: Plan, period: Period, flows: Mapping[str, Flow]) -> list[list[Line]]:
    """Per point its lines. `flows` has `import` and may have `export`, each (m, n)."""
    named = dict(flows)
    basis = named["import"]
    if "export" in named:
        named["net"] = basis.less(named["export"])
        if plan.metering is Metering.NET:
            basis = named["net"]
    columns: list[list[Line]] = []
    for name, flow in named.items():
        columns.append(_sums(name, flow, None, period))
        for number, register in enumerate(plan.registers):
            columns.append(_sums(f"{name}.{register}", flow, period.codes == number, period))
    if plan.tiers_wh:
        columns += _tiers(plan, basis, period)
    if plan.demand_window_s:
        columns += _demands(plan, named["import"], period)
    return [list(lines) for lines in zip(*columns, strict=True)]


def _sums(name: str, flow: Flow, where: Mask | None, period: Period) -> list[Line]:
    every = where is None or bool(where.all())
    count = flow.energy.shape[1] if where is None else int(np.count_nonzero(where))
    totals = _total(flow.energy, where).tolist()
    missing, estimated, guessed = [0] * len(totals), [0] * len(totals), [0] * len(totals)
    if flow.missing.any():
        missing = (flow.missing if every else flow.missing[:, where]).sum(axis=1).tolist()
    if flow.estimated.any():
        marked = flow.estimated if every else flow.estimated[:, where]
        estimated = marked.sum(axis=1).tolist()
        guessed = np.where(marked, flow.energy if every else flow.energy[:, where], 0).sum(axis=1).tolist()
    wh = [whole(total, period.scaler) for total in totals]
    part = [whole(total, period.scaler) for total in guessed]
    rows = zip(wh, missing, estimated, part, strict=True)
    return [Line(name, value, "Wh", count, lacks, guesses, share) for value, lacks, guesses, share in rows]


def _total(energy: Matrix, where: Mask | None) -> Matrix:
    """(m,): the sums of the columns `where`. They lie in runs (the hours of a tariff), which are summed as they lie."""
    if where is None:
        return np.asarray(energy.sum(axis=1))
    edges = np.flatnonzero(np.diff(where, prepend=False, append=False))
    ends = edges[edges < energy.shape[1]]
    return np.asarray(np.add.reduceat(energy, ends, axis=1)[:, ::2].sum(axis=1)) if len(ends) else energy[:, 0] * 0


def _tiers(plan: Plan, flow: Flow, period: Period) -> list[list[Line]]:
    """How much of the total lies between the bounds; nothing of what was fed in. Tiers fill in order of time, so that
    an estimate belongs to the tier (or tiers) that it fills.
    """
    totals, bounds = _sums("", flow, None, period), [0, *plan.tiers_wh]
    found = []
    for number, low in enumerate(bounds):
        high = bounds[number + 1] if number + 1 < len(bounds) else None
        guessed = _filled_by_estimates(flow, low, high, period.scaler) if plan.edition > 1 else [0] * len(totals)
        lines = zip(totals, guessed, strict=True)
        found.append([_tier(f"tier.{number + 1}", each, low, high, part) for each, part in lines])
    return found


def _tier(name: str, total: Line, low: int, high: int | None, guessed: int) -> Line:
    value = max(total.value or 0, 0)
    inside = max((value if high is None else min(value, high)) - low, 0)
    return Line(name, inside, "Wh", total.intervals, total.missing, total.estimated, guessed)


def _filled_by_estimates(flow: Flow, low: int, high: int | None, scaler: int) -> list[int]:
    """Per point by how much estimated intervals fill (or empty, where more is fed in) the tier between two bounds."""
    found = [0] * len(flow.energy)
    rows = np.flatnonzero(flow.estimated.any(axis=1))
    if len(rows):
        after = np.cumsum(flow.energy[rows], axis=1)
        before = after - flow.energy[rows]
        ends = (low * 10**-scaler, FULL if high is None else high * 10**-scaler)
        step = np.clip(after, *ends) - np.clip(before, *ends)
        parts = np.where(flow.estimated[rows], step, 0).sum(axis=1).tolist()
        for row, part in zip(rows.tolist(), parts, strict=True):
            found[row] = whole(part, scaler)
    return found


def _demands(plan: Plan, flow: Flow, period: Period) -> list[list[Line]]:
    """The highest mean power of a whole window, of all and per register (a window counts where it begins).

    Windows lie as the point's clock has them, from midnight on. One that lacks an interval does not count and is told
    as missing; one that is cut by the period or by a change of the clock does not count either.
    """
    names = ["demand", *(f"demand.{register}" for register in plan.registers)]
    window = plan.demand_window_s
    if window % period.step:
        return [[Line(name, None, "W", 0, 0, 0, 0)] * len(flow.energy) for name in names]
    number, offset = (period.starts + period.offsets_s) // window, period.offsets_s
    begins = np.flatnonzero(np.diff(number, prepend=number[:1] - 1) | np.diff(offset, prepend=offset[:1]))
    whole_windows = np.diff(np.append(begins, len(number))) == window // period.step
    energy, lacks, guessed = flow.energy, flow.missing, flow.estimated
    if len(begins) < len(number):
        energy = np.add.reduceat(energy, begins, axis=1)
        lacks, guessed = (np.logical_or.reduceat(each, begins, axis=1) for each in (lacks, guessed))
    codes, starts = period.codes[begins], period.starts[begins]
    found = []
    for at, name in enumerate(names):
        mine: Any = whole_windows & ((codes == at - 1) | (at == 0))
        mine = slice(None) if mine.all() else mine
        found.append(_highest(name, energy[:, mine], lacks[:, mine], guessed[:, mine], starts[mine], period, window))
    return found


def _highest(
    name: str, energy: Matrix, lacks: Mask, guessed: Mask, starts: Stamps, period: Period, window: int
) -> list[Line]:
    count = energy.shape[1]
    if not count:
        return [Line(name, None, "W", 0, 0, 0, 0)] * len(energy)
    rows = np.arange(len(energy))
    best = (np.where(lacks, -1, energy) if lacks.any() else energy).argmax(axis=1)
    columns = (
        lacks.sum(axis=1),
        guessed.sum(axis=1),
        lacks[rows, best],
        energy[rows, best],
        guessed[rows, best],
        starts[best],
    )
    lines = []
    for missing, estimated, unknown, highest, guess, start in zip(*(each.tolist() for each in columns), strict=True):
        if unknown:
            lines.append(Line(name, None, "W", count, missing, estimated, 0))
            continue
        watts = ratio(highest * HOUR_S * 10 ** max(period.scaler, 0), window * 10 ** -min(period.scaler, 0))
        lines.append(Line(name, watts, "W", count, missing, estimated, watts if guess else 0, start))
    return lines


def whole(value: int, scaler: int) -> int:
    """`value` × 10^`scaler` as a whole number, half to even."""
    return value * int(10**scaler) if scaler >= 0 else ratio(value, int(10**-scaler))


def ratio(value: int, parts: int) -> int:
    """`value` / `parts`, half to even."""
    quotient, rest = divmod(value, parts)
    return quotient + int(2 * rest > parts or (2 * rest == parts and quotient % 2 == 1))
