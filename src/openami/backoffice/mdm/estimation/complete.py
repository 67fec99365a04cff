"""Segments become values: shaped by the first method that is able, scaled to the total where registers tell it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from openami.backoffice.mdm.blocks import Matrix
from openami.backoffice.mdm.estimation.around import SHIFTS, Surroundings
from openami.backoffice.mdm.estimation.fallback import WITH_TOTAL, WITHOUT_TOTAL, Chosen, MethodUse, estimate
from openami.backoffice.mdm.estimation.reconcile import Scaling, Shared
from openami.backoffice.mdm.estimation.sharing import rounded, scale_to_register
from openami.model.interval import DAY_S, Values


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """The part of a segment that lies in one day. `values` is None where no method was able."""

    first: int
    values: Values | None
    count: int
    use: MethodUse | None
    inputs: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Chains:
    """Which methods are tried, in turn, where registers tell the total and where they do not; and what is scaled."""

    with_total: Sequence[MethodUse] = WITH_TOTAL
    without_total: Sequence[MethodUse] = WITHOUT_TOTAL
    scaling: Scaling = Scaling.ESTIMATES


DEFAULT_CHAINS = Chains()


def complete(shared: Shared, around: Surroundings, chains: Chains = DEFAULT_CHAINS) -> list[Piece]:
    """The segments' pieces, day by day. Where the total is known, all values together sum to it exactly."""
    chain = chains.without_total if shared.total is None else chains.with_total
    parts = [
        (first, count, len(each))
        for each in shared.segments
        for first, count in days_of(each.first, each.after, DAY_S // around.resolution_s)
    ]
    bounds = [(first, count) for first, count, _ in parts]
    chosen = [estimate(around.piece(*part), chain) for part in parts]
    if shared.total is None:
        values = [rounded(each.parts)[0] if each.which[0] >= 0 else None for each in chosen]
        return [
            _piece(first, count, each, chain, value, {})
            for (first, count), each, value in zip(bounds, chosen, values, strict=True)
        ]
    weights = np.concatenate(
        _levelled(chosen, [chain[int(each.which[0])].method.name == "flat" for each in chosen]), axis=1
    )
    scaled = scale_to_register(weights, np.array([shared.total], dtype=np.int64))[0]
    told = {"registers": [list(edge) for edge in shared.edges], "total": shared.total}
    parts_of = np.split(scaled, np.cumsum([count for _, count in bounds])[:-1])
    return [
        _piece(first, count, each, chain, value, told)
        for (first, count), each, value in zip(bounds, chosen, parts_of, strict=True)
    ]


def _levelled(chosen: Sequence[Chosen], flat: Sequence[bool]) -> list[Matrix]:
    """The weights of pieces; one that is flat says nothing of its height and gets the mean of those that do."""
    shaped = [each.parts for each, same in zip(chosen, flat, strict=True) if not same]
    if not shaped or not any(flat):
        return [each.parts for each in chosen]
    total, count = sum(int(parts.sum()) for parts in shaped), sum(parts.size for parts in shaped)
    level = max(total // count, 1)
    return [np.where(each.parts > 0, level, 0) if same else each.parts for each, same in zip(chosen, flat, strict=True)]


def days_of(first: int, end: int, per_day: int) -> Iterator[tuple[int, int]]:
    """The parts of `first` up to `end` that lie in one day each."""
    while first < end:
        after = min((first // per_day + 1) * per_day, end)
        yield first, after - first
        first = after


def _piece(
    first: int, count: int, chosen: Chosen, chain: Sequence[MethodUse], values: Values | None, told: dict[str, Any]
) -> Piece:
    which = int(chosen.which[0])
    days = sorted(SHIFTS[chosen.days[0]].tolist())
    inputs = told | ({"days": days} if days else {})
    return Piece(first, values, count, chain[which] if which >= 0 else None, inputs)
