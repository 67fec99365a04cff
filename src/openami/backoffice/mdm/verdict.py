"""The judgement of one channel: rules over its days, then estimates for what lacks a value. A pure function."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import groupby
from typing import Any

import numpy as np

from openami.backoffice.mdm.chain import Chain
from openami.backoffice.mdm.channel_days import Mask
from openami.backoffice.mdm.estimation.around import Surroundings
from openami.backoffice.mdm.estimation.complete import Piece, complete, days_of
from openami.backoffice.mdm.estimation.reconcile import Frame, Scaling, Shared, frames, shared, unscaled
from openami.backoffice.mdm.estimation.segments import Segment, distrusting, segments
from openami.backoffice.mdm.estimation.sharing import scale_to_register
from openami.backoffice.mdm.hierarchy import Check
from openami.backoffice.mdm.judged import JudgedDay
from openami.backoffice.mdm.placement import Place, installed_at
from openami.backoffice.mdm.reasons import Outcome, Reason
from openami.backoffice.mdm.series import Span
from openami.backoffice.mdm.validation.check import WHOLE_DAY, Finding, check
from openami.backoffice.mdm.validation.columns import Columns
from openami.backoffice.mdm.validation.own_days import own_days
from openami.backoffice.mdm.validation.rule_set import Consequence, RuleSet, Use
from openami.model.interval import DAY_S
from openami.model.quality import Quality

GAP_DAYS_MAX = 35
MISSING = "missing_interval"
SUPPLY_MAX = "demand_limits"
NOTHING = "no_method"
SCALED = "scale_to_register"
CHECK = "check_meter"
OUTCOMES = (Outcome.NOTED, Outcome.REFUSED, Outcome.CONFIRMED)


@dataclass(frozen=True, slots=True)
class Task:
    """What is judged: `span` is whole UTC days; nothing after `until` (seconds) has happened yet.

    Only days `wanted` (first and after, counted from the span's first) are answered for; the others are what can matter
    to them. `rule_sets` has one per day; `chain_of` joins a span with the channel's stamped registers.
    """

    span: Span
    wanted: tuple[int, int]
    places: list[Place]
    until: int
    offset_s: Any
    rule_sets: list[RuleSet]
    chain_of: Callable[[Span], Chain]
    holidays: AbstractSet[date] = frozenset()
    annual: Any = None
    check: Check | None = None

    @property
    def per_day(self) -> int:
        return DAY_S // self.span.resolution_s

    @property
    def first_day(self) -> int:
        return (int(self.span.stamps[0]) - 1) // DAY_S


@dataclass(slots=True)
class Verdict:
    """The judged values of the whole span, and the reasons by day (counted from the span's first)."""

    task: Task
    energy: Any
    quality: Any
    reasons: dict[int, list[Reason]] = field(default_factory=dict)

    def day(self, at: int, raw_version: int) -> JudgedDay:
        """Day number `at` of the span."""
        cut = slice(at * self.task.per_day, (at + 1) * self.task.per_day)
        told = tuple(self.reasons.get(at, ()))
        name = self.task.rule_sets[at].name
        return JudgedDay(self.task.first_day + at, raw_version, name, self.energy[cut], self.quality[cut], told)

    def add(self, day: int, reason: Reason) -> None:
        self.reasons.setdefault(day, []).append(reason)


def judge_span(task: Task) -> Verdict:
    """Judge the days wanted, by all that the span tells of their surroundings."""
    span = task.span
    verdict = Verdict(task, span.energy.copy(), span.quality.copy())
    chain = task.chain_of(span)
    columns = own_days(span, task.places, chain, task.offset_s)
    if task.check is not None:
        days = len(columns), task.per_day
        columns = replace(columns, check=task.check.energy.reshape(days), check_known=task.check.known.reshape(days))
    runs = list(_runs_of(task.rule_sets))
    found = list(_findings(columns, runs))
    expected = installed_at(span.stamps, task.places) & (span.stamps <= task.until)
    missing = (span.quality == Quality.MISSING) & expected
    refused = _refused(found, span.stamps.shape, task.per_day) & expected & ~missing
    lacking = missing | refused
    trusted = distrusting(span, refused, lacking)
    limit = np.concatenate([np.full((after - first) * task.per_day, _power_max(each)) for first, after, each in runs])
    confirmed = np.zeros_like(lacking)
    told = chain if trusted is span else task.chain_of(trusted)
    cut = list(segments(trusted, lacking, told, limit))
    for segment in cut:
        if len(segment) == 1 and refused[segment.first] and segment.total == span.energy[segment.first]:
            confirmed[segment.first] = True
    good = (span.quality <= Quality.CALCULATED) & ~lacking
    around = _surroundings(task, columns, good)
    open_segments = [_as_scaled(task, segment) for segment in cut if not confirmed[segment.first]]
    for some in shared(trusted, open_segments, lacking & ~confirmed, told, int(limit.max())):
        if any(_matters(task, segment) for segment in some.segments):
            _estimate(verdict, some, around)
    if any(rule_set.chains.scaling is Scaling.ALL for _, _, rule_set in runs):
        for frame in frames(trusted, told):
            _rescale(verdict, frame)
    for each in found:
        _tell(verdict, each, columns, refused, confirmed, expected)
    return verdict


def _as_scaled(task: Task, segment: Segment) -> Segment:
    """Without its total where intervals win over registers."""
    scaling = task.rule_sets[segment.first // task.per_day].chains.scaling
    return unscaled(segment) if scaling is Scaling.NONE else segment


def _matters(task: Task, segment: Segment | Frame) -> bool:
    first, after = (day * task.per_day for day in task.wanted)
    return segment.first < after and first < segment.after


def _runs_of(rule_sets: list[RuleSet]) -> Iterator[tuple[int, int, RuleSet]]:
    """First day, first day after, and the rule set of these days, which follow each other."""
    first = 0
    for _, same in groupby(rule_sets, key=id):
        after = first + len(list(same))
        yield first, after, rule_sets[first]
        first = after


def _findings(columns: Columns, runs: list[tuple[int, int, RuleSet]]) -> Iterator[Finding]:
    """Each rule set over its own days."""
    for first, after, rule_set in runs:
        for found in check(columns.rows(first, after), rule_set.uses):
            yield Finding(found.use, found.rows + first, found.intervals)


def _refused(found: list[Finding], shape: tuple[int, ...], per_day: int) -> Mask:
    refused = np.zeros(shape, dtype=np.bool_)
    for each in found:
        if each.use.consequence is Consequence.REFUSE:
            whole = each.intervals == WHOLE_DAY
            refused[(each.rows * per_day + each.intervals)[~whole]] = True
            for row in each.rows[whole].tolist():
                refused[row * per_day : (row + 1) * per_day] = True
    return refused


def _power_max(rule_set: RuleSet) -> int:
    """What the connection can carry, by the rule set; without such a rule there is no limit."""
    limits = [use.parameters["power_max"] for use in rule_set.uses if use.rule.name == SUPPLY_MAX]
    return limits[0] if limits else 1 << 40


def _surroundings(task: Task, columns: Columns, good: Mask) -> Surroundings:
    span = task.span
    outage = columns.column("outage").reshape(-1)
    told = () if task.check is None else (task.check.energy, task.check.known)
    return Surroundings(
        span.resolution_s, task.first_day, span.energy, good, outage, task.offset_s, task.holidays, task.annual, *told
    )


def _estimate(verdict: Verdict, some: Shared, around: Surroundings) -> None:
    """Put the estimates of segments in their places, with their reasons."""
    per_day = verdict.task.per_day
    for segment in some.segments:
        cut = slice(segment.first, segment.after)
        verdict.energy[cut], verdict.quality[cut] = 0, Quality.MISSING
    segment = some.segments[0]
    if segment.gap > GAP_DAYS_MAX * per_day:
        for first in range(segment.first // per_day * per_day, segment.after, per_day):
            begin, end = max(first, segment.first), min(first + per_day, segment.after)
            _say_nothing(verdict, begin, end - begin, {"days_max": GAP_DAYS_MAX})
        return
    for piece in complete(some, around, verdict.task.rule_sets[segment.first // per_day].chains):
        if piece.values is None or piece.use is None:
            _say_nothing(verdict, piece.first, piece.count, piece.inputs)
        else:
            _put(verdict, piece)


def _put(verdict: Verdict, piece: Piece) -> None:
    assert piece.use is not None
    day, first = divmod(piece.first, verdict.task.per_day)
    cut = slice(piece.first, piece.first + piece.count)
    verdict.energy[cut], verdict.quality[cut] = piece.values, Quality.ESTIMATED
    name, parameters = piece.use.method.name, piece.use.parameters
    told = {"checks": list(verdict.task.check.names)} if name == CHECK and verdict.task.check else {}
    verdict.add(day, Reason(first, piece.count, name, Outcome.ESTIMATED, parameters, {**piece.inputs, **told}))


def _rescale(verdict: Verdict, frame: Frame) -> None:
    """Where the register wins: scale all intervals of a frame that do not sum to its total."""
    per_day, cut = verdict.task.per_day, slice(frame.first, frame.after)
    if verdict.task.rule_sets[frame.first // per_day].chains.scaling is not Scaling.ALL:
        return
    energy = verdict.energy[cut]
    if not _matters(verdict.task, frame) or (verdict.quality[cut] == Quality.MISSING).any():
        return
    if energy.sum() == frame.total:
        return
    verdict.energy[cut] = scale_to_register(energy[None, :], np.array([frame.total], dtype=np.int64))[0]
    verdict.quality[cut] = Quality.ESTIMATED
    told = {"registers": [list(edge) for edge in frame.edges], "total": frame.total}
    for first, count in days_of(frame.first, frame.after, per_day):
        reason = Reason(first % per_day, count, SCALED, Outcome.ESTIMATED, {}, told)
        verdict.add(first // per_day, reason)


def _say_nothing(verdict: Verdict, first: int, count: int, inputs: dict[str, Any]) -> None:
    day, begin = divmod(first, verdict.task.per_day)
    verdict.add(day, Reason(begin, count, NOTHING, Outcome.NOT_ESTIMATED, {}, inputs))


def _tell(verdict: Verdict, found: Finding, columns: Columns, refused: Mask, confirmed: Mask, expected: Mask) -> None:
    """Keep the reasons of a rule: one per run of intervals with the same outcome."""
    per_day, use = verdict.task.per_day, found.use
    there = np.asarray(expected.reshape(-1, per_day).any(axis=1))
    there[: verdict.task.wanted[0]] = there[verdict.task.wanted[1] :] = False
    for row in np.unique(found.rows[there[found.rows]]).tolist():
        intervals = found.intervals[found.rows == row]
        if intervals[0] == WHOLE_DAY:
            outcome = Outcome.REFUSED if use.consequence is Consequence.REFUSE else Outcome.NOTED
            verdict.add(row, day_reason(use, columns, row, outcome))
            continue
        at = row * per_day + intervals
        outcomes = np.where(confirmed[at], 2, np.where(refused[at] | columns.missing[row, intervals], 1, 0))
        if use.consequence is Consequence.NOTE:
            outcomes = np.zeros_like(outcomes)
        keep = expected[at]
        for reason in interval_reasons(use, columns, row, intervals[keep], outcomes[keep]):
            verdict.add(row, reason)


def day_reason(use: Use, columns: Columns, row: int, outcome: Outcome) -> Reason:
    """What a rule says of the whole day in `row`."""
    return Reason(0, columns.energy.shape[1], use.rule.name, outcome, use.parameters, _inputs(use, columns, row))


def interval_reasons(use: Use, columns: Columns, row: int, intervals: Any, outcomes: Any) -> Iterator[Reason]:
    """What a rule says of `intervals` in `row`: one reason per run with the same outcome (0 noted, 1 refused,
    2 confirmed).
    """
    inputs = _inputs(use, columns, row)
    for first, count, code in _runs(intervals, outcomes):
        given = inputs
        if use.rule.name != MISSING:
            given = inputs | {"values": columns.energy[row, first : first + count].tolist()}
        yield Reason(first, count, use.rule.name, OUTCOMES[code], use.parameters, given)


def _inputs(use: Use, columns: Columns, row: int) -> dict[str, Any]:
    return {need: int(columns.column(need)[row]) for need in use.rule.needs if columns.column(need).ndim == 1}


def _runs(intervals: Any, codes: Any) -> Iterator[tuple[int, int, int]]:
    """Runs of consecutive intervals with one code: first, count, code."""
    edges = np.flatnonzero((np.diff(intervals) != 1) | (np.diff(codes) != 0)) + 1
    for part, same in zip(np.split(intervals, edges), np.split(codes, edges), strict=True):
        if len(part):
            yield int(part[0]), len(part), int(same[0])
