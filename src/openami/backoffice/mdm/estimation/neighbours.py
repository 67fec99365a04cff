"""Methods that look at the gap's neighbours: for gaps of an hour or two."""

from __future__ import annotations

import numpy as np

from openami.backoffice.mdm.channel_days import Mask
from openami.backoffice.mdm.estimation.gaps import PARTS, Estimate, Gaps
from openami.backoffice.mdm.estimation.method import Methods
from openami.backoffice.mdm.validation.rule import Parameters

NEIGHBOURS = Methods()


def _short(gaps: Gaps, given: Parameters) -> Mask:
    return np.asarray(gaps.length * gaps.resolution_s <= given["gap_max_s"])


@NEIGHBOURS.method(gap_max_s=(7_200, "seconds that a gap may last at most"))
def linear(gaps: Gaps, given: Parameters) -> Estimate:
    """A straight line between the valid neighbours; with one of them its value, flat. An interval that holds an outage
    is no neighbour. (Oracle D2-INTINTEST; California 1998: gaps to 2 h; Ontario IMO: to 1 h)
    """
    first = np.where(gaps.before_known, gaps.before, gaps.after)
    last = np.where(gaps.after_known, gaps.after, gaps.before)
    step = np.arange(1, gaps.count + 1, dtype=np.int64)
    rise = (last - first)[:, None] * PARTS * step // (gaps.count + 1)
    whole = gaps.length == gaps.count  # a line through a part of a gap has no end points
    able = _short(gaps, given) & whole & (gaps.before_known | gaps.after_known)
    return Estimate(np.where(gaps.outage, 0, first[:, None] * PARTS + rise), able)


@NEIGHBOURS.method(gap_max_s=(7_200, "seconds that a gap may last at most"))
def outage_end_points(gaps: Gaps, given: Parameters) -> Estimate:
    """With an outage on both sides of a short gap it is all 0; with one on one side, the value of the other side.
    (proposals of the California working group, 1998, never settled)
    """
    one_side = np.where(gaps.outage_before, gaps.after, gaps.before)
    side_known = np.where(gaps.outage_before, gaps.after_known, gaps.before_known)
    both = gaps.outage_before & gaps.outage_after
    flat = np.where(both, 0, one_side * PARTS)
    parts = np.where(gaps.outage, 0, np.repeat(flat[:, None], gaps.count, axis=1))
    return Estimate(parts, _short(gaps, given) & (both | ((gaps.outage_before | gaps.outage_after) & side_known)))


@NEIGHBOURS.method()
def outage_zero(gaps: Gaps, _: Parameters) -> Estimate:
    """Nothing flows without supply: 0 where the whole piece lies in a known outage. (Elhub 3.0; AEMO 19)"""
    return Estimate(np.zeros((len(gaps), gaps.count), dtype=np.int64), np.asarray(gaps.outage.all(axis=1)))
