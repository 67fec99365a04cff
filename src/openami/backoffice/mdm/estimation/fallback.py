"""Which method estimates: the first of a chain that is able. The order is configuration; this is the default one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from openami.backoffice.mdm.blocks import Matrix
from openami.backoffice.mdm.channel_days import Column, Mask
from openami.backoffice.mdm.estimation.assumed import ASSUMED
from openami.backoffice.mdm.estimation.gaps import Gaps
from openami.backoffice.mdm.estimation.method import Method
from openami.backoffice.mdm.estimation.neighbours import NEIGHBOURS
from openami.backoffice.mdm.estimation.past import PAST
from openami.backoffice.mdm.validation.rule import Parameters
from openami.model.errors import SettingError

METHODS = {method.name: method for part in (NEIGHBOURS, PAST, ASSUMED) for method in part.all()}


@dataclass(frozen=True, slots=True)
class MethodUse:
    """One method in a chain, all its parameters settled."""

    method: Method
    parameters: Parameters


def method_use(name: str, **parameters: int) -> MethodUse:
    """The method `name` with these parameters. Raises `SettingError` for an unknown name."""
    if name not in METHODS:
        raise SettingError(f"there is no estimation method {name!r}; there are {', '.join(METHODS)}")
    return MethodUse(METHODS[name], METHODS[name].settled(parameters))


WITHOUT_TOTAL = tuple(
    map(
        method_use,
        (
            "outage_zero",
            "check_meter",
            "outage_end_points",
            "linear",
            "like_day",
            "averaging",
            "previous_year",
            "profile",
            "average_daily_load",
            "assumed_annual_use",
        ),
    )
)
"""What is tried in turn where no register tells the total (after Elhub's and Itron's orders)."""

WITH_TOTAL = (*WITHOUT_TOTAL[:-2], method_use("flat"))
"""The same where a register tells the total; without any history it is shared evenly (Elhub 3.0)."""


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """`parts` (m, n) in thousandths; `which` (m,) is the place in the chain, -1 where no method is able; `days`
    (m, d) is the history that each method used.
    """

    parts: Matrix
    which: Column
    days: Mask


def estimate(gaps: Gaps, chain: Sequence[MethodUse]) -> Chosen:
    """Let each piece be estimated by the first method of the chain that is able."""
    parts = np.zeros((len(gaps), gaps.count), dtype=np.int64)
    which = np.full(len(gaps), -1, dtype=np.int64)
    days = np.zeros(gaps.days.shape, dtype=np.bool_)
    for place, use in enumerate(chain):
        if not gaps.known(use.method.needs):
            continue
        answer = use.method.estimate(gaps, use.parameters)
        mine = answer.able & (which < 0)
        which[mine], parts[mine] = place, answer.parts[mine]
        if answer.days is not None:
            days[mine] = answer.days[mine]
    return Chosen(parts, which, days)
