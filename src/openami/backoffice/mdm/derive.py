"""Interval energy from register snapshots: the difference of two consecutive snapshots of one meter, and nothing else.
Where another party delivered an energy and no snapshot is known, that energy.

A gap stays missing. What flowed during a gap is known by the registers at its two ends, so it must not appear as one
interval's energy: that would be a spike. A register that falls is a break, unless its roll-over is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from openami.backoffice.mdm.blocks import Matrix
from openami.backoffice.mdm.channel_days import ABSENT, ChannelDays, Column, Mask
from openami.backoffice.mdm.ratios import Ratios
from openami.backoffice.mdm.status import delivered, delivered_quality, usable
from openami.model.interval import DAY_S
from openami.model.quality import Quality

# A fall is taken as a roll-over only if the wrapped difference is this small a part of the modulus: a meter that was
# reset to 0 in mid-range would otherwise seem to have counted nearly its whole range in one interval.
ROLL_OVER_PART = 1_000

Place = tuple[int, int]  # row and interval
Bridge = Callable[[Sequence[Place]], Iterable[tuple[Place, int, Quality]]]


def derive(days: ChannelDays, before: Matrix, modulus: Column, bridge: Bridge, ratios: Mapping[int, Ratios]) -> None:
    """Fill `energy` and `quality` of every row.

    `before` is (2, n): the register at each day's start and its meter (0: not known). `modulus` is per row, 0 where
    the roll-over is not known. `bridge` is asked about the intervals that begin without a snapshot of the meter that
    ends them, or within which the multiplier changes, and answers with the energies that registers read at that moment
    tell. `ratios` are of the rows whose multiplier changed at any time.
    """
    reported = bool(days.status.any())  # nearly always nothing is
    trusted = np.where(usable(days.status), days.source, ABSENT) if reported else days.source
    meter = days.sources.meters()[trusted]
    previous, previous_meter = np.empty_like(days.registers), np.empty_like(meter)
    previous[:, 1:], previous_meter[:, 1:] = days.registers[:, :-1], meter[:, :-1]
    previous[:, 0], previous_meter[:, 0] = before
    difference = days.registers - previous
    same = (meter == previous_meter) & (meter != 0)
    if (fell := same & (difference < 0)).any():
        wrapped = difference + modulus[:, None]
        rolled = fell & (wrapped >= 0) & (wrapped <= modulus[:, None] // ROLL_OVER_PART) & (modulus[:, None] > 0)
        difference = np.where(rolled, wrapped, difference)
    for row, changing in ratios.items():
        difference[row], cut = _weighed(days, row, difference[row], changing)
        same[row] &= ~cut
    known = same & (difference >= 0)
    if known.all():
        days.energy, days.quality = difference, np.full_like(days.status, Quality.MEASURED)
    else:
        days.energy = np.where(known, difference, 0)
        days.quality = np.where(known, np.uint8(Quality.MEASURED), np.uint8(Quality.MISSING))
    unknown = (meter != 0) & ~same
    if unknown.any():
        for place, energy, quality in bridge([(row, at) for row, at in np.argwhere(unknown).tolist()]):
            days.energy[place], days.quality[place] = energy, quality
    if reported and (told := delivered(days.status) & (days.source != ABSENT)).any():
        days.energy = np.where(told, days.registers, days.energy)
        days.quality = np.where(told, delivered_quality(days.status), days.quality)


def _weighed(days: ChannelDays, row: int, difference: Column, ratios: Ratios) -> tuple[Column, Mask]:
    """What flowed by the differences of a row's registers, and where the multiplier changes within the interval."""
    step = days.resolution_s
    starts = days.keys[row][2] * DAY_S + step * np.arange(days.intervals, dtype=np.int64)
    return ratios.flowed(difference, starts), ratios.cut(starts, starts + step)
