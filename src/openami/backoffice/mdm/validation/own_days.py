"""The days of one channel as the columns that rules judge, with what the channel's own past tells."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from openami.backoffice.mdm.blocks import Matrix
from openami.backoffice.mdm.chain import Chain
from openami.backoffice.mdm.channel_days import Column, Mask
from openami.backoffice.mdm.placement import Place, installed_at
from openami.backoffice.mdm.series import Span
from openami.backoffice.mdm.status import POWER_DOWN, usable
from openami.backoffice.mdm.validation.columns import Columns
from openami.model.interval import DAY_S
from openami.model.quality import Quality

HISTORY_DAYS = 28
LIKE_DAYS = 3
LIKE_BACK = (7, 14, 21, 28)
"""How many days back the days stand that are like a day, nearest first; three of them are used."""


@lru_cache(maxsize=256)
def offsets(first_day: int, days: int, zone: str) -> Column:
    """(days,): seconds that the zone's legal time is ahead of UTC at noon UTC of each day."""
    place = ZoneInfo(zone)
    noons = (datetime.fromtimestamp((first_day + at) * DAY_S + DAY_S // 2, UTC) for at in range(days))
    ahead = (noon.astimezone(place).utcoffset() for noon in noons)
    return np.array([0 if each is None else int(each.total_seconds()) for each in ahead], dtype=np.int64)


def own_days(span: Span, places: list[Place], chain: Chain, offset_s: Column) -> Columns:
    """`span` is whole UTC days, as many as `offset_s` is long."""
    shape = len(offset_s), DAY_S // span.resolution_s
    energy = span.energy.reshape(shape)
    missing = (span.quality == Quality.MISSING).reshape(shape)
    status = np.where(span.present, span.status, 0).astype(np.uint8).reshape(shape)
    good = ~missing.any(axis=1)
    installed = installed_at(span.stamps, places).reshape(shape)
    peaks = np.where(good, energy.max(axis=1), 0)
    count, mean, deviation, peak = past(
        _windows(good.astype(np.int64)) == 1, _windows(energy.sum(axis=1)), _windows(peaks)
    )
    register, known = _registers(span, chain, shape[0])
    return Columns(
        span.resolution_s,
        energy,
        missing,
        status,
        outage=np.asarray((status & np.uint8(POWER_DOWN)) != 0),
        installed=installed,
        dip=dips(span.registers, np.where(span.present & usable(span.status), span.meter, 0)).reshape(shape),
        profile=_like_days(energy, good, offset_s),
        register=register,
        register_known=known,
        history_days=count,
        history_mean=mean,
        history_sd=deviation,
        history_peak=peak,
        estimated_days=_days_without(installed.any(axis=1) & missing.all(axis=1)),
    )


def dips(registers: Matrix, meter: Matrix) -> Mask:
    """Where an interval begins with one trusted register that is below both its neighbours of the same meter.

    Both are (…, n): the register at each interval's end, and its meter where it can be trusted, else 0.
    """
    found = np.zeros(registers.shape, dtype=np.bool_)
    before, low, after = registers[..., :-2], registers[..., 1:-1], registers[..., 2:]
    first, second, third = meter[..., :-2], meter[..., 1:-1], meter[..., 2:]
    same = (first != 0) & (first == second) & (second == third)
    found[..., 2:] = same & (low < before) & (after >= before)
    return found


def _windows(values: Column) -> npt.NDArray[np.int64]:
    """(days, HISTORY_DAYS): what stood in the days before each day; 0 before the first."""
    padded = np.concatenate((np.zeros(HISTORY_DAYS, dtype=np.int64), values.astype(np.int64)))
    return np.asarray(sliding_window_view(padded, HISTORY_DAYS)[:-1])


def past(good: Mask, totals: Matrix, peaks: Matrix) -> tuple[Column, Column, Column, Column]:
    """Of (m, HISTORY_DAYS) days before each of m days: how many are good, the mean and the standard deviation of their
    sums, in whole units, and the highest of their intervals.
    """
    count = good.sum(axis=1)
    sums = np.where(good, totals, 0)
    mean = sums.sum(axis=1) // np.maximum(count, 1)
    off = np.where(good, sums - mean[:, None], 0).astype(np.float64)
    deviation = np.sqrt((off * off).sum(axis=1) / np.maximum(count, 1)).astype(np.int64)
    return count, mean, deviation, np.where(good, peaks, 0).max(axis=1)


def _days_without(empty: Mask) -> Column:
    """Per day: how many days right before it in a row were `empty`, as far back as history reaches."""
    found = np.zeros(len(empty), dtype=np.int64)
    for at in range(1, len(empty)):
        found[at] = min(found[at - 1] + 1, HISTORY_DAYS) if empty[at - 1] else 0
    return found


def _like_days(energy: Matrix, good: Mask, offset_s: Column) -> Matrix:
    """Per day the mean of the nearest three of the four same weekdays before it that are good and had the same legal
    time; 0 where there are not three.
    """
    total, count = np.zeros_like(energy), np.zeros(len(energy), dtype=np.int64)
    for back in LIKE_BACK:
        fits = good[:-back] & (offset_s[:-back] == offset_s[back:]) & (count[back:] < LIKE_DAYS)
        total[back:][fits] += energy[:-back][fits]
        count[back:] += fits
    return np.where((count == LIKE_DAYS)[:, None], total // LIKE_DAYS, 0)


def _registers(span: Span, chain: Chain, days: int) -> tuple[Column, Mask]:
    """Per day the energy that the registers at its two ends tell, and whether they do."""
    if not len(chain):
        return np.zeros(days, dtype=np.int64), np.zeros(days, dtype=np.bool_)
    bounds = int(span.stamps[0]) - span.resolution_s + DAY_S * np.arange(days + 1, dtype=np.int64)
    links = np.minimum(np.searchsorted(chain.stamps, bounds), len(chain) - 1)
    told = chain.stamps[links] == bounds
    known = told[:-1] & told[1:] & (np.diff(chain.breaks[links]) == 0)
    return np.where(known, np.diff(chain.energy[links]), 0), known
