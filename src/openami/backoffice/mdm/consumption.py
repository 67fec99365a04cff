"""Energy by interval, hour, day, month and year of the point's own calendar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from openami.backoffice.mdm.chain import Chain
from openami.backoffice.mdm.series import Span
from openami.model.errors import SettingError
from openami.model.interval import Stamps, utc
from openami.model.point import Channel
from openami.model.quality import Quality
from openami.model.unit import Unit


@dataclass(frozen=True, slots=True)
class Consumption:
    """Energy from `start` to `end` (UTC): the sum of the intervals that are known, as judged and edited.

    `intervals` is how many the period has, `missing` how many of them are not known and `estimated` how many are
    estimates; `estimated_energy_wh` is their part of the energy. `register_energy_wh` is what the registers at `start`
    and `end` say, gaps included; None where one of them is not known.
    """

    start: datetime
    end: datetime
    energy_wh: int
    intervals: int
    missing: int
    estimated: int
    register_energy_wh: int | None
    estimated_energy_wh: int = 0

    @property
    def complete(self) -> bool:
        """Whether no interval is missing."""
        return self.missing == 0


def watt_hours(value: int, channel: Channel) -> int:
    """An energy in the channel's scaler as whole watt-hours, half to even. `SettingError` if it is no active energy."""
    if channel.unit is not Unit.WATT_HOUR:
        raise SettingError(f"channel {channel.number} ({channel.obis}) counts {channel.unit.symbol}, not Wh")
    if channel.scaler >= 0:
        return value * int(10**channel.scaler)
    parts = int(10**-channel.scaler)
    whole, rest = divmod(value, parts)
    up = 2 * rest > parts or (2 * rest == parts and whole % 2 == 1)
    return whole + int(up)


def consumptions(span: Span, bounds: Stamps, chain: Chain, channel: Channel) -> list[Consumption]:
    """One entry per period between two `bounds`; an interval belongs to the period in which it begins."""
    count = max(len(bounds) - 1, 0)
    period = np.searchsorted(bounds, span.stamps - span.resolution_s, side="right") - 1
    energy, guessed = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    np.add.at(energy, period, span.energy)
    np.add.at(guessed, period, np.where(span.quality == Quality.ESTIMATED, span.energy, 0))
    intervals = np.bincount(period, minlength=count).tolist()
    missing = np.bincount(period[span.quality == Quality.MISSING], minlength=count).tolist()
    estimated = np.bincount(period[span.quality == Quality.ESTIMATED], minlength=count).tolist()
    links = [chain.at(bound) for bound in bounds.tolist()]
    found = []
    for index, total in enumerate(energy.tolist()):
        start, end = utc(int(bounds[index])), utc(int(bounds[index + 1]))
        read = _read(chain, links[index], links[index + 1], channel)
        wh, part = watt_hours(total, channel), watt_hours(int(guessed[index]), channel)
        found.append(Consumption(start, end, wh, intervals[index], missing[index], estimated[index], read, part))
    return found


def _read(chain: Chain, first: int | None, last: int | None, channel: Channel) -> int | None:
    if first is None or last is None:
        return None
    energy = chain.between(first, last)
    return None if energy is None else watt_hours(energy, channel)
