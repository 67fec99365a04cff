"""Ways in which metering data go wrong, to be done to true days on purpose: what the truth score is measured with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

DIGITS = 100_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Spoilt:
    """`energy` and `missing` as they arrive (days, intervals), `registers` (one per interval, at its end) as the meter
    tells them, and which `days` were spoilt.
    """

    energy: Matrix
    missing: Mask
    registers: Matrix
    days: Mask

    @classmethod
    def of(cls, energy: Matrix, days: Mask) -> Spoilt:
        """A true copy, with the days that are going to be spoilt."""
        registers = 1_000_000 + np.cumsum(energy.reshape(-1))
        return cls(energy.copy(), np.zeros(energy.shape, dtype=np.bool_), registers, days)


Spoiling = Callable[[Spoilt, int, np.random.Generator], Spoilt]


@dataclass(frozen=True, slots=True)
class Fault:
    """`spoil` does it, and `rules` are those that should find it."""

    name: str
    spoil: Spoiling
    rules: tuple[str, ...]


def _each(change: Callable[[Spoilt, int, int, np.random.Generator], None]) -> Spoiling:
    """Spoil one chosen day after another: `change` gets the day and the length of an interval."""

    def spoil(spoilt: Spoilt, resolution_s: int, random: np.random.Generator) -> Spoilt:
        for day in np.flatnonzero(spoilt.days).tolist():
            change(spoilt, day, resolution_s, random)
        return spoilt

    return spoil


def _lose(spoilt: Spoilt, day: int, _: int, random: np.random.Generator) -> None:
    """One interval to a quarter of the day does not arrive."""
    width = spoilt.energy.shape[1]
    length = int(random.integers(1, width // 4 + 1))
    first = int(random.integers(0, width - length + 1))
    spoilt.missing[day, first : first + length] = True


def _spike(spoilt: Spoilt, day: int, resolution_s: int, random: np.random.Generator) -> None:
    """One interval shows 10 to 40 kW on top of what flowed."""
    at = int(random.integers(0, spoilt.energy.shape[1]))
    spoilt.energy[day, at] += int(random.integers(10_000, 40_000)) * resolution_s // 3_600


def _nothing(spoilt: Spoilt, day: int, _: int, __: np.random.Generator) -> None:
    """The whole day reads 0 although the register moves on."""
    spoilt.energy[day] = 0


def _stick(spoilt: Spoilt, day: int, _: int, random: np.random.Generator) -> None:
    """The value of one interval is repeated for another 6 to 12."""
    width = spoilt.energy.shape[1]
    length = int(random.integers(6, 13))
    first = int(random.integers(0, width - length))
    spoilt.energy[day, first : first + length + 1] = spoilt.energy[day, first]


def _shift(spoilt: Spoilt, day: int, _: int, random: np.random.Generator) -> None:
    """The clock is one or two intervals wrong for a day."""
    spoilt.energy[day] = np.roll(spoilt.energy[day], int(random.choice((-2, -1, 1, 2))))


def _roll_over(spoilt: Spoilt, day: int, _: int, random: np.random.Generator) -> None:
    """A sender that does not know the register's digits takes the roll-over for a fall."""
    spoilt.energy[day, int(random.integers(0, spoilt.energy.shape[1]))] -= DIGITS


def _multiply(spoilt: Spoilt, day: int, _: int, __: np.random.Generator) -> None:
    """The multiplier of an instrument transformer is applied that is not there."""
    spoilt.energy[day] *= 10


def _dip(spoilt: Spoilt, day: int, _: int, random: np.random.Generator) -> None:
    """One register of the day reads lower than the one before it, the energies derived from it."""
    width = spoilt.energy.shape[1]
    at = int(random.integers(1, width - 1))
    place = day * width + at
    before = int(spoilt.registers[place - 1])
    spoilt.registers[place] = before - int(random.integers(1, 5_000))
    spoilt.missing[day, at] = True
    spoilt.energy[day, at + 1] = spoilt.registers[place + 1] - spoilt.registers[place]


def _exchange(spoilt: Spoilt, day: int, _: int, random: np.random.Generator) -> None:
    """An exchange without its reads: the difference between two meters' registers is taken for energy."""
    at = int(random.integers(0, spoilt.energy.shape[1]))
    spoilt.energy[day, at] += int(random.integers(200_000, 20_000_000)) * int(random.choice((-1, 1)))


FAULTS = (
    Fault("gap", _each(_lose), ("missing_interval",)),
    Fault("spike of 10 to 40 kW", _each(_spike), ("spike", "consecutive_change", "historical_peak", "sum_check")),
    Fault("a day of zeros", _each(_nothing), ("zero_consumption", "zero_run", "high_low_history", "sum_check")),
    Fault("stuck value", _each(_stick), ("stuck_run", "sum_check")),
    Fault("clock shift", _each(_shift), ("shifted_shape",)),
    Fault("roll-over taken for a fall", _each(_roll_over), ("negative", "demand_limits", "sum_check")),
    Fault("one register too low", _each(_dip), ("register_dip", "spike")),
    Fault(
        "multiplier of 10", _each(_multiply), ("high_low_history", "dynamic_comparison", "historical_peak", "sum_check")
    ),
    Fault("exchange without reads", _each(_exchange), ("demand_limits", "spike", "sum_check")),
)
