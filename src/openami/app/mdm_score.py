"""The truth score of validation and estimation: real load curves, spoilt in known ways, judged, and compared.

Rules are scored by days: a day is found if the rule speaks of it or of an interval in it. What a rule finds on a day
that nobody spoilt counts against its precision, also where the household itself was odd that day.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import numpy.typing as npt

from openami.app.mdm_curves import Curve
from openami.app.mdm_faults import FAULTS, Fault, Spoilt
from openami.backoffice.mdm.chain import chain_of
from openami.backoffice.mdm.estimation.around import Surroundings
from openami.backoffice.mdm.estimation.complete import Chains, complete
from openami.backoffice.mdm.estimation.fallback import WITH_TOTAL, WITHOUT_TOTAL, MethodUse, method_use
from openami.backoffice.mdm.estimation.reconcile import alone
from openami.backoffice.mdm.estimation.segments import Segment
from openami.backoffice.mdm.series import Span
from openami.backoffice.mdm.validation.check import check
from openami.backoffice.mdm.validation.columns import Columns
from openami.backoffice.mdm.validation.own_days import offsets, own_days
from openami.backoffice.mdm.validation.rule_set import use
from openami.model.interval import DAY_S
from openami.model.quality import Quality

SPOILT_PERCENT = 5
GAPS_H = (1, 4, 24, 72)
GAPS_PER_CURVE = 100
CHAIN = "the default chain"
METHODS = (CHAIN, "linear", "like_day", "like_day_ordered", "averaging", "average_daily_load", "flat")

Matrix = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class RuleScore:
    """How `rule` found what `fault` spoilt: `n` days were spoilt; None where nothing was found or spoilt."""

    fault: str
    rule: str
    precision: float | None
    recall: float | None
    n: int


@dataclass(frozen=True, slots=True)
class MethodScore:
    """Errors of `method` on gaps of `gap_h` hours, in percent of the true energy of the `n` gaps it estimated.

    `mae` sums absolute errors of intervals, `bias` errors with their sign, `sum_error` absolute errors of whole gaps.
    """

    method: str
    registers: bool
    gap_h: int
    mae: float | None
    bias: float | None
    sum_error: float | None
    n: int


def score_rules(there: Sequence[Curve], seed: int) -> Iterator[RuleScore]:
    """Each fault on each curve, and how the rules meant for it fare."""
    for number, fault in enumerate(FAULTS):
        counted = {rule: np.zeros(3, dtype=np.int64) for rule in fault.rules}
        spoilt_days = 0
        for place, curve in enumerate(there):
            random = np.random.default_rng((seed, number, place))
            spoilt = _spoil(curve, fault, random)
            spoilt_days += int(spoilt.days.sum())
            for rule in fault.rules:
                found = _found(curve, spoilt, rule)
                hits = int((found & spoilt.days).sum())
                counted[rule] += (hits, int((found & ~spoilt.days).sum()), int((~found & spoilt.days).sum()))
        for rule, told in counted.items():
            right, wrong, lost = told.tolist()
            yield RuleScore(fault.name, rule, _part(right, right + wrong), _part(right, right + lost), spoilt_days)


def _part(some: int, of_all: int) -> float | None:
    return round(some / of_all, 3) if of_all else None


def _spoil(curve: Curve, fault: Fault, random: np.random.Generator) -> Spoilt:
    """Choose days and spoil them; a fault never touches two days in a row."""
    days = len(curve.energy)
    chosen = np.zeros(days, dtype=np.bool_)
    chosen[1 + 2 * np.sort(random.choice((days - 2) // 2, days * SPOILT_PERCENT // 100, replace=False))] = True
    return fault.spoil(Spoilt.of(curve.energy, chosen), curve.resolution_s, random)


def _found(curve: Curve, spoilt: Spoilt, rule: str) -> npt.NDArray[np.bool_]:
    days, count = spoilt.energy.shape
    stamps = curve.first_day * DAY_S + curve.resolution_s * np.arange(1, days * count + 1, dtype=np.int64)
    ones = np.ones(len(stamps), dtype=np.int64)
    quality = np.where(spoilt.missing, np.uint8(Quality.MISSING), np.uint8(Quality.MEASURED)).reshape(-1)
    status = np.zeros(len(stamps), dtype=np.uint8)
    energy = np.where(spoilt.missing, 0, spoilt.energy).reshape(-1)
    span = Span(curve.resolution_s, stamps, energy, quality, spoilt.registers, status, ones, ones)
    columns = own_days(span, [], chain_of(span, [], {}, 0), offsets(curve.first_day, days, "UTC"))
    found = np.zeros(days, dtype=np.bool_)
    for each in check(_installed(columns), [use(rule)]):
        found[each.rows] = True
    return found


def _installed(columns: Columns) -> Columns:
    return replace(columns, installed=np.ones_like(columns.missing))


def score_methods(there: Sequence[Curve], seed: int) -> Iterator[MethodScore]:
    """Known days blanked at random, estimated with and without registers, and compared with the truth."""
    for name, registers, gap_h in product(METHODS, (False, True), GAPS_H):
        if name == "flat" and not registers:
            continue
        errors = np.zeros(4, dtype=np.int64)
        count = 0
        for place, curve in enumerate(there):
            random = np.random.default_rng((seed, gap_h, place))
            for estimated, truth in _blanked(curve, gap_h, _chains(name), random, registers=registers):
                off = estimated - truth
                errors += (int(np.abs(off).sum()), int(off.sum()), abs(int(off.sum())), int(truth.sum()))
                count += 1
        mae, bias, sums, truth_wh = errors.tolist()
        told = _percent(mae, truth_wh), _percent(bias, truth_wh), _percent(sums, truth_wh)
        yield MethodScore(name, registers, gap_h, *told, count)


def _percent(error: int, truth: int) -> float | None:
    return round(100 * error / truth, 1) if truth else None


def _chains(name: str) -> Chains:
    if name == CHAIN:
        return Chains(WITH_TOTAL, WITHOUT_TOTAL)
    only: tuple[MethodUse, ...] = (method_use(name),)
    return Chains(only, only)


def _blanked(
    curve: Curve, gap_h: int, chains: Chains, random: np.random.Generator, *, registers: bool
) -> Iterator[tuple[Matrix, Matrix]]:
    """Estimate and truth of gaps of `gap_h` hours; those that the method cannot estimate are left out."""
    energy = curve.energy.reshape(-1)
    length = gap_h * 3_600 // curve.resolution_s
    steady = np.zeros(len(curve.energy), dtype=np.int64)
    for first in random.integers(1, len(energy) - length - 1, GAPS_PER_CURVE).tolist():
        good = np.ones(len(energy), dtype=np.bool_)
        good[first : first + length] = False
        around = Surroundings(
            curve.resolution_s, curve.first_day, energy, good, ~good & False, steady, frozenset(), None
        )
        truth = energy[first : first + length]
        total = int(truth.sum()) if registers else None
        pieces = complete(alone(Segment(first, first + length, length, total, ())), around, chains)
        values = [piece.values for piece in pieces if piece.values is not None and piece.use is not None]
        if len(values) == len(pieces):
            yield np.concatenate(values), truth
