"""Methods that look at other days of the same channel, at the same local times."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from openami.backoffice.mdm.channel_days import Mask
from openami.backoffice.mdm.estimation.gaps import PARTS, Estimate, Gaps
from openami.backoffice.mdm.estimation.method import Methods
from openami.backoffice.mdm.validation.rule import Parameters

PAST = Methods()
YEAR_DAYS = 364  # whole weeks, so that weekdays stay weekdays
MIDWEEK = (1, 2, 3)


def _nearest(usable: Mask, count: int) -> Mask:
    """(m, d): the first `count` usable days of each piece; history is ordered by nearness."""
    return np.asarray(usable & (np.cumsum(usable, axis=1) <= count))


def _mean(gaps: Gaps, chosen: Mask, least: int = 1) -> Estimate:
    count = chosen.sum(axis=1)
    total = np.where(chosen[:, :, None], gaps.history, 0).sum(axis=1)
    parts = np.asarray(total * PARTS // np.maximum(count, 1)[:, None])
    return Estimate(np.where(gaps.outage, 0, parts), count >= least, chosen)


@PAST.method(days=(3, "how many days are averaged"), days_min=(1, "fewer days than these are too few"))
def like_day(gaps: Gaps, given: Parameters) -> Estimate:
    """The mean, interval by interval, of the nearest days of the same weekday, holidays with holidays; only measured
    days without an outage. (Itron; AEMO 15 looks back only, AEMO 22 ahead only)
    """
    same = gaps.whole_days() & (gaps.kinds == gaps.kind[:, None])
    return _mean(gaps, _nearest(same, given["days"]), given["days_min"])


@PAST.method()
def like_day_ordered(gaps: Gaps, _: Parameters) -> Estimate:
    """The nearest earlier day in the order of Western Australia 2012, method 14: Tuesday to Thursday may stand for
    each other, any other day only for itself. (facts as in the reference of metering data)
    """
    middle = np.isin(gaps.kinds, MIDWEEK) & np.isin(gaps.kind, MIDWEEK)[:, None]
    fits = gaps.whole_days() & (gaps.days < 0)
    same = fits & (gaps.kinds == gaps.kind[:, None])
    return _mean(gaps, _nearest(np.where(same.any(axis=1)[:, None], same, fits & middle), 1))


@PAST.method(days=(7, "how many neighbouring days are averaged"), missing_percent=(50, "percent that may lack data"))
def averaging(gaps: Gaps, given: Parameters) -> Estimate:
    """The mean of the neighbouring days, whatever weekday, interval by interval over those that are known; not where
    too many lack data. (Oracle D2-INTAVGEST)
    """
    near = np.abs(gaps.days) <= given["days"]
    known = gaps.history_known & near[:, :, None]
    count = known.sum(axis=1)
    parts = np.where(known, gaps.history, 0).sum(axis=1) * PARTS // np.maximum(count, 1)
    enough = count.min(axis=1, initial=np.iinfo(np.int64).max) * 100 >= near.sum(axis=1) * (
        100 - given["missing_percent"]
    )
    able = enough & (count > 0).all(axis=1)
    return Estimate(np.where(gaps.outage, 0, parts), able, near & known.any(axis=2))


@PAST.method("warmth", days=(3, "how many days are averaged"))
def proxy_day(gaps: Gaps, given: Parameters) -> Estimate:
    """The mean of the days whose temperature was closest; of two equally warm the nearer. (Oracle D2-INTPROXY)"""
    usable = gaps.whole_days()
    far = np.where(usable, np.abs(gaps.column("warmth")), np.iinfo(np.int64).max)
    order = np.argsort(far, axis=1, kind="stable")
    chosen = np.zeros_like(usable)
    np.put_along_axis(chosen, order[:, : given["days"]], True, axis=1)
    return _mean(gaps, chosen & usable)


@PAST.method()
def previous_year(gaps: Gaps, _: Parameters) -> Estimate:
    """The same weekday 52 weeks before. (AEMO 23, previous year)"""
    return _mean(gaps, np.asarray(gaps.whole_days() & (gaps.days == -YEAR_DAYS)))


def typical_day(history: npt.NDArray[np.int64], known: Mask) -> int | None:
    """The mean energy of a day whose intervals are all `known` (d, n); None if there is none such."""
    whole = known.all(axis=1)
    return int(history[whole].sum()) // int(whole.sum()) if whole.any() else None
