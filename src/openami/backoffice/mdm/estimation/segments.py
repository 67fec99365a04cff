"""What lacks a value, cut where a register is known: each segment with the total that its registers tell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from openami.backoffice.mdm.chain import Chain
from openami.backoffice.mdm.channel_days import Column, Mask
from openami.backoffice.mdm.series import Span
from openami.backoffice.mdm.status import DATA_NOT_VALID

Edge = tuple[int, int, int, int]
"""A register that was used: stamp, meter, register, evidence."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Intervals `first` up to `after` of a span. `total` is None where the registers do not tell it.

    `gap` is how many intervals the whole gap has that the segment belongs to.
    """

    first: int
    after: int
    gap: int
    total: int | None
    edges: tuple[Edge, ...]

    def __len__(self) -> int:
        return self.after - self.first


def distrusting(span: Span, refused: Mask, lacking: Mask) -> Span:
    """The span with those registers marked as not valid that a refused value and its neighbour without one share.

    One wrong register spoils the two intervals that meet at it: a value that cannot be beside a fall, or two such.
    """
    doubtful = np.zeros(len(lacking), dtype=np.bool_)
    doubtful[:-1] = lacking[:-1] & lacking[1:] & (refused[:-1] | refused[1:])
    if not doubtful.any():
        return span
    return replace(span, status=np.where(doubtful, span.status | np.uint8(DATA_NOT_VALID), span.status))


def segments(span: Span, lacking: Mask, chain: Chain, power_max: Column) -> Iterator[Segment]:
    """The runs of `lacking`, cut at every register inside them. `power_max` is per interval, by its rule set.

    Registers inside a run that fall, or tell more than the connection can carry, are passed over where the two at the
    run's ends tell a total without them; a register that was reset in the gap leaves that part without a total.
    """
    edges = np.flatnonzero(np.diff(np.concatenate(([0], lacking.astype(np.int8), [0]))))
    for first, after in edges.reshape(-1, 2).tolist():
        limit = int(power_max[first]) * span.resolution_s // 3_600
        cuts = list(_cuts(span, chain, first, after))
        parts = [_segment(span, chain, *pair, after - first) for pair in pairwise(cuts)]
        too_much = any(part.total is not None and part.total > limit * len(part) for part in parts)
        if too_much or _broken(span, chain, parts):
            outer = _outer(span, chain, first, after)
            parts = [outer] if too_much or outer.total is not None else parts
        yield from parts


def _broken(span: Span, chain: Chain, parts: list[Segment]) -> bool:
    """Whether a part has a register at both ends that do not tell its total."""
    return any(
        part.total is None and None not in (_link(span, chain, part.first), _link(span, chain, part.after))
        for part in parts
    )


def _cuts(span: Span, chain: Chain, first: int, after: int) -> Iterator[int]:
    """The run's two ends and every interval between them that begins with a register."""
    start = int(span.stamps[first]) - span.resolution_s
    end = int(span.stamps[after - 1])
    low, high = np.searchsorted(chain.stamps, (start, end), side="right").tolist()
    yield first
    for stamp in dict.fromkeys(chain.stamps[low:high].tolist()):
        steps, rest = divmod(stamp - start, span.resolution_s)
        if not rest and first + steps < after:
            yield first + steps
    yield after


def _segment(span: Span, chain: Chain, first: int, after: int, gap: int) -> Segment:
    begin, end = _link(span, chain, first), _link(span, chain, after)
    total = None if begin is None or end is None else chain.between(begin, end)
    known = () if total is None or begin is None or end is None else (edge_of(chain, begin), edge_of(chain, end))
    return Segment(first, after, gap, total, known)


def _outer(span: Span, chain: Chain, first: int, after: int) -> Segment:
    begin, end = _link(span, chain, first), _link(span, chain, after)
    if begin is not None and end is not None:
        total = chain.across(begin, end)
        if total is not None:
            return Segment(first, after, after - first, total, (edge_of(chain, begin), edge_of(chain, end)))
    return Segment(first, after, after - first, None, ())


def _link(span: Span, chain: Chain, interval: int) -> int | None:
    """The register at the very begin of an interval."""
    return chain.at(int(span.stamps[0]) + (interval - 1) * span.resolution_s)


def edge_of(chain: Chain, link: int) -> Edge:
    """A link of the chain, to be told."""
    columns: tuple[Any, ...] = (chain.stamps, chain.meters, chain.registers, chain.evidence)
    stamp, meter, register, evidence = (int(column[link]) for column in columns)
    return stamp, meter, register, evidence
