"""Registers against intervals: where no register stands at a gap's end, and which of both wins where they differ.

Who delivers intervals without a register at each end (another party's file beside daily or monthly reads) leaves gaps
of which only the sum with the measured intervals around them is known. A frame is the time between two such registers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from openami.backoffice.mdm.chain import Chain
from openami.backoffice.mdm.channel_days import Mask
from openami.backoffice.mdm.estimation.segments import Edge, Segment, edge_of
from openami.backoffice.mdm.series import Span
from openami.model.quality import Quality


class Scaling(StrEnum):
    """Which intervals are scaled so that they sum to the registers around them (after Itron's scaling variants)."""

    ESTIMATES = "estimates"
    """Estimates alone; what was measured stays, and where it tells more than the registers nothing is scaled."""
    ALL = "all"
    """The register wins: where measured intervals do not sum to it all of them are scaled."""
    NONE = "none"
    """The intervals win: no estimate is scaled to a register."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Intervals `first` up to `after` of a span, between two registers that tell their `total`."""

    first: int
    after: int
    total: int
    edges: tuple[Edge, ...]


@dataclass(frozen=True, slots=True)
class Shared:
    """Segments of one frame, whose estimates sum to `total`."""

    segments: tuple[Segment, ...]
    total: int | None
    edges: tuple[Edge, ...]


def alone(segment: Segment) -> Shared:
    return Shared((segment,), segment.total, segment.edges)


def shared(span: Span, cut: Sequence[Segment], lacking: Mask, chain: Chain, power_max: int) -> Iterator[Shared]:
    """All of `cut`, those without a total of their own joined by their frame where the rest of its total is theirs.

    The rest must lie between 0 and what `power_max` can carry: otherwise a measured value or a register is wrong, and
    the estimates stand for themselves.
    """
    framed: dict[Frame, list[Segment]] = {}
    for segment in cut:
        frame = _frame_around(span, chain, segment) if segment.total is None else None
        if frame is None:
            yield alone(segment)
        else:
            framed.setdefault(frame, []).append(segment)
    unknown = lacking | (span.quality == Quality.MISSING)
    for frame, mine in framed.items():
        inside = slice(frame.first, frame.after)
        rest = frame.total - int(span.energy[inside][~unknown[inside]].sum())
        count = sum(len(segment) for segment in mine)
        whole = int(np.count_nonzero(unknown[inside])) == count
        if whole and 0 <= rest <= power_max * span.resolution_s // 3_600 * count:
            yield Shared(tuple(mine), rest, frame.edges)
        else:
            yield from map(alone, mine)


def frames(span: Span, chain: Chain) -> Iterator[Frame]:
    """All times of several intervals between two registers that follow each other and tell a total."""
    for left in range(len(chain) - 1):
        frame = _frame(span, chain, left)
        if frame is not None and frame.after - frame.first > 1:
            yield frame


def unscaled(segment: Segment) -> Segment:
    """The segment as if no register told its total."""
    return replace(segment, total=None, edges=())


def _frame_around(span: Span, chain: Chain, segment: Segment) -> Frame | None:
    """The frame of the registers right before and right after a segment; None if there are others in between."""
    begin = int(span.stamps[segment.first]) - span.resolution_s
    left = int(np.searchsorted(chain.stamps, begin, side="right")) - 1
    right = int(np.searchsorted(chain.stamps, span.stamps[segment.after - 1], side="left"))
    return _frame(span, chain, left) if left >= 0 and right == left + 1 < len(chain) else None


def _frame(span: Span, chain: Chain, left: int) -> Frame | None:
    """Between link `left` and the next one, if both lie on the grid and within the span."""
    total, origin = chain.between(left, left + 1), int(span.stamps[0]) - span.resolution_s
    (first, odd), (after, off) = (
        divmod(int(chain.stamps[link]) - origin, span.resolution_s) for link in (left, left + 1)
    )
    if total is None or odd or off or first < 0 or after > len(span.stamps):
        return None
    return Frame(first, after, total, (edge_of(chain, left), edge_of(chain, left + 1)))
