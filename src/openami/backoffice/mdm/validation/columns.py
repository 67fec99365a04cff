"""What rules judge: `m` channel-days of `n` intervals as columns, and what is known beside them.

A column that is None is not known. A rule names the columns that it needs, and is not run where one is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from openami.backoffice.mdm.blocks import Codes, Matrix
from openami.backoffice.mdm.channel_days import Column, Mask

Found = npt.NDArray[np.bool_]
"""What a rule answers: (m, n) where it speaks of intervals, (m,) where it speaks of the whole day."""


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """`energy` is 0 where `missing`. All but the first three are optional; integers in the channel's unit and scaler.

    (m, n): `status` the meter's status byte at each interval's end; `outage` no supply; `installed` a meter hung there
    and was connected; `sibling` the meter's other channel has the interval; `current` the value delivered so far, with
    `delivered` where there is one; `loss` voltage or current lost at the instrument transformers; `dip` the register
    at the interval's begin is below the ones before and after it; `profile` what the channel's own like days used,
    interval by interval; `check` what its check channels measured, where `check_known`.

    (m,): `register` energy between the day's first and last instant by registers, with `register_known`; `expected`
    energy by an assumed use or a class profile; `history_days` how many days of history stand behind `history_mean`,
    `history_sd`, `history_peak` (of daily sums, daily sums and intervals); `estimated_days` days before this one in a
    row without one good interval; `size_s`, `multiplier`, `device`, `unit`, `sender` as they arrived, each beside what
    the registry says; `doubled` stamps that came twice with two values; `clock_offset_s` the meter's clock against
    standard time; `age_s` how old the day's end was when it became known.
    """

    resolution_s: int
    energy: Matrix
    missing: Mask
    status: Codes | None = None
    outage: Mask | None = None
    installed: Mask | None = None
    sibling: Mask | None = None
    current: Matrix | None = None
    delivered: Mask | None = None
    loss: Mask | None = None
    dip: Mask | None = None
    profile: Matrix | None = None
    check: Matrix | None = None
    check_known: Mask | None = None
    register: Column | None = None
    register_known: Mask | None = None
    expected: Column | None = None
    history_days: Column | None = None
    history_mean: Column | None = None
    history_sd: Column | None = None
    history_peak: Column | None = None
    estimated_days: Column | None = None
    size_s: Column | None = None
    multiplier: Column | None = None
    registry_multiplier: Column | None = None
    device: Column | None = None
    registry_device: Column | None = None
    unit: Column | None = None
    registry_unit: Column | None = None
    sender: Column | None = None
    registry_sender: Column | None = None
    doubled: Column | None = None
    clock_offset_s: Column | None = None
    age_s: Column | None = None

    def __len__(self) -> int:
        return len(self.energy)

    def column(self, name: str) -> npt.NDArray[Any]:
        """The column `name`, which must be known."""
        found = getattr(self, name)
        assert found is not None, f"column {name} is not known: the rule must name it among its needs"
        return np.asarray(found)

    def known(self, names: tuple[str, ...]) -> bool:
        """Whether all these columns are known."""
        return all(getattr(self, name) is not None for name in names)

    def rows(self, first: int, after: int) -> Columns:
        """The rows from `first` up to `after`, as views."""
        cut = {
            field.name: column[first:after]
            for field in fields(self)
            if field.name != "resolution_s" and (column := getattr(self, field.name)) is not None
        }
        return replace(self, **cut)

    def total(self) -> Column:
        """(m,): the day's energy, as far as it is known."""
        return np.asarray(self.energy.sum(axis=1))

    def complete(self) -> Mask:
        """(m,): days without a missing interval."""
        return np.asarray(~self.missing.any(axis=1))


def runs_of(mask: Mask, length: int) -> Found:
    """Where `mask` holds for at least `length` intervals in a row. (m, n), every interval of such a run."""
    if length <= 1 or not mask.any():
        return mask
    if length > mask.shape[1]:
        return np.zeros_like(mask)
    begins = _windows(mask, length, np.logical_and)
    found = np.zeros_like(mask)
    rows = np.flatnonzero(begins.any(axis=1))
    if len(rows):
        spread = np.zeros((len(rows), mask.shape[1] + length - 1), dtype=np.bool_)
        spread[:, length - 1 : mask.shape[1]] = begins[rows]
        found[rows] = _windows(spread, length, np.logical_or)
    return found


def _windows(mask: Mask, length: int, join: np.ufunc) -> Mask:
    """`join` over every window of `length` columns: (m, n - length + 1), in log2(length) steps."""
    reach, found = 1, mask
    while reach < length:
        step = min(reach, length - reach)
        found = join(found[:, :-step], found[:, step:])
        reach += step
    return np.asarray(found)
