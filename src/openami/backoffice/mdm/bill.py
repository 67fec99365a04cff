"""A simple bill: the registers at both ends of a period, with the interval sum beside them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from openami.backoffice.mdm.chain import Chain
from openami.backoffice.mdm.channel_days import Mask
from openami.backoffice.mdm.consumption import watt_hours
from openami.backoffice.mdm.series import Span
from openami.model.interval import utc
from openami.model.point import Channel
from openami.model.quality import Quality


@dataclass(frozen=True, slots=True)
class BilledRegister:
    """What `meter` stood at; `evidence` leads to the bytes."""

    stamp: datetime
    meter: int
    register_wh: int
    evidence: int


@dataclass(frozen=True, slots=True)
class RegisterBreak:
    """Between `before` and `after` the registers do not tell the energy: a fall, or an exchange without its reads."""

    before: BilledRegister
    after: BilledRegister


@dataclass(frozen=True, slots=True)
class Bill:
    """The bill of a metering point for the time from `start` to `end`.

    `opening` and `closing` are the last registers known at or before `start` and `end`, so that the next bill opens
    where this one closes and no energy is billed twice or never; the first bill opens with the first register there is.
    `register_energy_wh` is what was counted between them, gaps and exchanges included; None if `breaks` make it unknown
    or there are no two registers. `interval_energy_wh`, `intervals`, `missing` and `estimated` are the intervals
    between the same two stamps, as judged and as edited by persons; `estimated_energy_wh` is the estimates' part, and
    `edited` counts the intervals that persons set. `difference_wh` = registers - intervals: the energy of the missing.
    """

    metering_point: int
    start: datetime
    end: datetime
    opening: BilledRegister | None
    closing: BilledRegister | None
    register_energy_wh: int | None
    interval_energy_wh: int
    intervals: int
    missing: int
    estimated: int
    difference_wh: int | None
    breaks: tuple[RegisterBreak, ...]
    estimated_energy_wh: int = 0
    edited: int = 0


def make_bill(point: int, period: tuple[int, int], held: tuple[Span, Mask], chain: Chain, channel: Channel) -> Bill:
    """The bill for `period` (seconds); `held` (the values that hold, and which persons set) and `chain`
    reach back to the last register before it.
    """
    start, end = period
    last = int(np.searchsorted(chain.stamps, end, side="right")) - 1
    first = max(int(np.searchsorted(chain.stamps, start, side="right")) - 1, 0)
    if last < 0 or last <= first:
        known = _register(chain, first, channel) if 0 <= first <= last else None
        return _bill(point, period, (known, None), None, held, (start, end), (), channel)
    energy = chain.between(first, last)
    breaks = tuple(
        RegisterBreak(_register(chain, at - 1, channel), _register(chain, at, channel))
        for at in chain.broken(first, last)
    )
    ends = _register(chain, first, channel), _register(chain, last, channel)
    within = int(chain.stamps[first]), int(chain.stamps[last])
    return _bill(point, period, ends, energy, held, within, breaks, channel)


def _bill(
    point: int,
    period: tuple[int, int],
    ends: tuple[BilledRegister | None, BilledRegister | None],
    energy: int | None,
    held: tuple[Span, Mask],
    within: tuple[int, int],
    breaks: tuple[RegisterBreak, ...],
    channel: Channel,
) -> Bill:
    span, edited = held
    inside = (span.stamps - span.resolution_s >= within[0]) & (span.stamps <= within[1])
    quality = span.quality[inside]
    total = watt_hours(int(span.energy[inside].sum()), channel)
    counted = None if energy is None else watt_hours(energy, channel)
    return Bill(
        metering_point=point,
        start=utc(period[0]),
        end=utc(period[1]),
        opening=ends[0],
        closing=ends[1],
        register_energy_wh=counted,
        interval_energy_wh=total,
        intervals=len(quality),
        missing=int(np.count_nonzero(quality == Quality.MISSING)),
        estimated=int(np.count_nonzero(quality == Quality.ESTIMATED)),
        difference_wh=None if counted is None else counted - total,
        breaks=breaks,
        estimated_energy_wh=watt_hours(int(span.energy[inside][quality == Quality.ESTIMATED].sum()), channel),
        edited=int(np.count_nonzero(edited[inside])),
    )


def _register(chain: Chain, at: int, channel: Channel) -> BilledRegister:
    wh = watt_hours(int(chain.registers[at]), channel)
    return BilledRegister(utc(int(chain.stamps[at])), int(chain.meters[at]), wh, int(chain.evidence[at]))
