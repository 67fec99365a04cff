"""Methods that assume: a flat day, a class profile, a check meter."""

from __future__ import annotations

import numpy as np

from openami.backoffice.mdm.channel_days import Column, Mask
from openami.backoffice.mdm.estimation.gaps import PARTS, Estimate, Gaps
from openami.backoffice.mdm.estimation.method import Methods
from openami.backoffice.mdm.validation.rule import Parameters

ASSUMED = Methods()
YEAR_DAYS = 365


def _flat(gaps: Gaps, per_interval: Column, able: Mask) -> Estimate:
    parts = np.repeat(per_interval[:, None], gaps.count, axis=1)
    return Estimate(np.where(gaps.outage, 0, parts), able)


@ASSUMED.method("daily")
def average_daily_load(gaps: Gaps, _: Parameters) -> Estimate:
    """The channel's mean day, flat. (Itron; AEMO 25)"""
    daily = gaps.column("daily")
    return _flat(gaps, daily * PARTS // gaps.per_day(), daily >= 0)


@ASSUMED.method("annual")
def assumed_annual_use(gaps: Gaps, _: Parameters) -> Estimate:
    """The assumed energy of a year, flat: the last step of the chain. (Elhub 3.0)"""
    annual = gaps.column("annual")
    return _flat(gaps, annual * PARTS // (YEAR_DAYS * gaps.per_day()), annual >= 0)


@ASSUMED.method("profile", percent=(100, "factor on the profile, in percent"))
def profile(gaps: Gaps, given: Parameters) -> Estimate:
    """A class profile or a reference channel, times a factor. (Oracle; Itron)"""
    shape = gaps.column("profile") * given["percent"] * PARTS // 100
    return Estimate(np.where(gaps.outage, 0, shape), np.asarray(shape.any(axis=1)))


@ASSUMED.method("check", "check_known")
def check_meter(gaps: Gaps, _: Parameters) -> Estimate:
    """What the redundant channel measured; not where that lacks an interval of the piece. (Itron; AEMO 11)"""
    return Estimate(gaps.column("check") * PARTS, np.asarray(gaps.column("check_known").all(axis=1)))


@ASSUMED.method()
def flat(gaps: Gaps, _: Parameters) -> Estimate:
    """One and the same value, to be scaled to the register: a register total without history. Without a total it is no
    estimate. (Elhub 3.0)
    """
    return _flat(gaps, np.full(len(gaps), PARTS, dtype=np.int64), np.ones(len(gaps), dtype=np.bool_))
