"""Rules about a whole day: against its registers, its own past, and what was expected."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from openami.backoffice.mdm.channel_days import Column, Mask
from openami.backoffice.mdm.validation.columns import Columns, Found
from openami.backoffice.mdm.validation.rule import Catalogue, Parameters

DAYS = Catalogue()
HOUR_S, DAY_S = 3_600, 86_400
HISTORY = ("history_days", "history_mean")
Shape = npt.NDArray[np.float64]


def _with_history(columns: Columns, given: Parameters) -> Mask:
    """Whole days with enough history behind them."""
    return columns.complete() & (columns.column("history_days") >= given["days_min"])


def _outside(values: Column, low: Column, high: Column) -> Mask:
    return np.asarray((values < low) | (values > high))


@DAYS.rule("register", "register_known", tolerance=(0, "units by which both may differ"))
def sum_check(columns: Columns, given: Parameters) -> Found:
    """The intervals of a whole day do not sum to the register's difference. (Oracle D2-SumCheck; California 3.5;
    the tolerance is ours: registers and intervals of one unit agree exactly)
    """
    difference = np.abs(columns.total() - columns.column("register"))
    return np.asarray(columns.column("register_known") & columns.complete() & (difference > given["tolerance"]))


@DAYS.rule(
    "check",
    "check_known",
    percent=(2, "percent of the check channel's day by which both may differ"),
    tolerance=(0, "units by which both may differ besides"),
)
def check_difference(columns: Columns, given: Parameters) -> Found:
    """The day's use is not what the check meter measured, where both are whole. (check metering as in AEMO's and
    Itron's substitution by a check meter; the percentage is ours: one per cent for each meter's class)
    """
    both, theirs = columns.column("check_known").all(axis=1) & columns.complete(), columns.column("check").sum(axis=1)
    limit = np.abs(theirs) * given["percent"] + 100 * given["tolerance"]
    return np.asarray(both & (np.abs(columns.total() - theirs) * 100 > limit))


@DAYS.rule(
    *HISTORY,
    low=(20, "percent of the history's mean below which a day is low"),
    high=(300, "percent of the history's mean above which a day is high"),
    days_min=(7, "days of history that it takes"),
)
def high_low_history(columns: Columns, given: Parameters) -> Found:
    """The day's use is far from the mean of the days before it. (Oracle D2-HILO-CHK; the percentages are ours)"""
    mean, total = columns.column("history_mean"), columns.total() * 100
    return np.asarray(_with_history(columns, given) & _outside(total, mean * given["low"], mean * given["high"]))


@DAYS.rule("expected", low=(10, "percent of the estimate"), high=(400, "percent of the estimate"))
def high_low_factor(columns: Columns, given: Parameters) -> Found:
    """The use does not hold to low × estimate ≤ use ≤ high × estimate. (Oracle HILO-FACTBL; the factors are ours)"""
    expected, total = columns.column("expected"), columns.total() * 100
    return np.asarray(columns.complete() & _outside(total, expected * given["low"], expected * given["high"]))


@DAYS.rule("expected")
def twice_expected(columns: Columns, _: Parameters) -> Found:
    """The day used more than twice what was expected. (Elexon CP0789, BSCP504)"""
    return np.asarray(columns.total() > 2 * columns.column("expected"))


@DAYS.rule(
    "history_days",
    "history_peak",
    percent=(200, "percent of the past peak that a new one may reach"),
    days_min=(7, "days of history that it takes"),
)
def historical_peak(columns: Columns, given: Parameters) -> Found:
    """The day's highest interval is far above the highest of the days before it. (Itron; the percentage is ours)"""
    enough = columns.column("history_days") >= given["days_min"]
    peak = columns.energy.max(axis=1, initial=0)
    return np.asarray(enough & (peak * 100 > columns.column("history_peak") * given["percent"]))


@DAYS.rule(
    *HISTORY,
    "history_sd",
    tenths=(40, "tenths of a standard deviation that a day may be off"),
    days_min=(14, "days of history that it takes"),
)
def dynamic_comparison(columns: Columns, given: Parameters) -> Found:
    """The day's sum lies further from the mean of the days before it than so many standard deviations. (Oracle's
    dynamic comparison takes any formula over stored statistics; this is the one of mean and deviation)
    """
    off = np.abs(columns.total() - columns.column("history_mean")) * 10
    return np.asarray(_with_history(columns, given) & (off > columns.column("history_sd") * given["tenths"]))


@DAYS.rule()
def zero_consumption(columns: Columns, _: Parameters) -> Found:
    """A whole day without consumption and without an outage. (Oracle)"""
    found = columns.complete() & ~columns.energy.any(axis=1)
    return np.asarray(found if columns.outage is None else found & ~columns.outage.any(axis=1))


@DAYS.rule(power_min=(300, "mean power that is never undercut all day, the sign of a leak (W for Wh)"))
def never_zero(columns: Columns, given: Parameters) -> Found:
    """The consumption never falls below a limit all day: a leak, or a load that nobody switches off. (Oracle
    D2-CONSINTRV)
    """
    floor = given["power_min"] * columns.resolution_s // HOUR_S
    return np.asarray(columns.complete() & (columns.energy.min(axis=1, initial=np.iinfo(np.int64).max) >= floor))


@DAYS.rule("register", "register_known", power_max=(50_000, "mean power that the connection allows (W for Wh)"))
def register_delta(columns: Columns, given: Parameters) -> Found:
    """The register moved backwards, or further than the connection allows in a day. (Itron register rules)"""
    delta, limit = columns.column("register"), given["power_max"] * DAY_S // HOUR_S
    return np.asarray(columns.column("register_known") & ((delta < 0) | (delta > limit)))


@DAYS.rule(
    "profile",
    intervals=(2, "how many intervals a clock may seem to be off at most"),
    percent=(40, "percent by which the day must fit better when shifted"),
)
def shifted_shape(columns: Columns, given: Parameters) -> Found:
    """The day follows its like days clearly better when shifted in time: a clock that is wrong although the meter says
    nothing. Fit is the sum of absolute differences. (ours: the sources judge clocks by the meter's own time alone)
    """
    width, reach = columns.energy.shape[1], given["intervals"]
    if width <= 2 * reach:
        return np.zeros(len(columns), dtype=np.bool_)
    energy, like = columns.energy.astype(np.float64), columns.column("profile")
    middle = like[:, reach : width - reach].astype(np.float64)
    misfits = [_misfit(energy[:, first : first + middle.shape[1]], middle) for first in range(2 * reach + 1)]
    straight = misfits.pop(reach)
    shifted = np.minimum.reduce(misfits)
    usable = columns.complete() & like.any(axis=1)
    return np.asarray(usable & (shifted * 100 < straight * (100 - given["percent"])))


def _misfit(energy: Shape, like: Shape) -> Shape:
    """(m,): the sum of absolute differences; exact, as long as sums stay below 2^53."""
    off = energy - like
    return np.asarray(np.abs(off, out=off).sum(axis=1))
