"""Segments become values: shaped by the first method that is able, scaled to the total where registers tell it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from openami.backoffice.mdm.estimation.around import SHIFTS, Surroundings
from openami.backoffice.mdm.estimation.fallback import WITH_TOTAL, WITHOUT_TOTAL, Chosen, MethodUse, estimate
from openami.backoffice.mdm.estimation.segments import Segment
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
    """Which methods are tried, in turn, where registers tell the total and where they do not."""

    with_total: Sequence[MethodUse] = WITH_TOTAL
    without_total: Sequence[MethodUse] = WITHOUT_TOTAL


DEFAULT_CHAINS = Chains()


def complete(segment: Segment, around: Surroundings, chains: Chains = DEFAULT_CHAINS) -> list[Piece]:
    """The segment's pieces, day by day. Where the total is known, all values together sum to it exactly."""
    chain = chains.without_total if segment.total is None else chains.with_total
    bounds = list(_days(segment, DAY_S // around.resolution_s))
    chosen = [estimate(around.piece(first, count, len(segment)), chain) for first, count in bounds]
    if segment.total is None:
        values = [rounded(each.parts)[0] if each.which[0] >= 0 else None for each in chosen]
        return [
            _piece(first, count, each, chain, value, {})
            for (first, count), each, value in zip(bounds, chosen, values, strict=True)
        ]
    weights = np.concatenate([each.parts for each in chosen], axis=1)
    shared = scale_to_register(weights, np.array([segment.total], dtype=np.int64))[0]
    told = {"registers": [list(edge) for edge in segment.edges], "total": segment.total}
    return [
        _piece(first, count, each, chain, shared[first - segment.first : first - segment.first + count], told)
        for (first, count), each in zip(bounds, chosen, strict=True)
    ]


def _days(segment: Segment, per_day: int) -> Iterator[tuple[int, int]]:
    first = segment.first
    while first < segment.after:
        after = min((first // per_day + 1) * per_day, segment.after)
        yield first, after - first
        first = after


def _piece(
    first: int, count: int, chosen: Chosen, chain: Sequence[MethodUse], values: Values | None, told: dict[str, Any]
) -> Piece:
    which = int(chosen.which[0])
    days = sorted(SHIFTS[chosen.days[0]].tolist())
    inputs = told | ({"days": days} if days else {})
    return Piece(first, values, count, chain[which] if which >= 0 else None, inputs)
