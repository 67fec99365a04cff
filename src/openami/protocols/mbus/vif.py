"""How one row of a VIF table is declared, and how a table becomes a look-up by code."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, TypeAlias

from openami.model.unit import Unit


class Kind(Enum):
    """How data behind a VIF are to be read."""

    NUMBER = "number"
    """A signed number with a unit."""
    UNSIGNED = "unsigned"
    """An unsigned number: counters, flags, codes."""
    IDENTIFICATION = "identification"
    """Digits that name something; leading zeros count."""
    TIME = "time"
    """A date, a time or both; the size of the data says which."""
    BYTES = "bytes"
    """Octets whose meaning is not in the VIF."""


@dataclass(frozen=True, slots=True)
class Vif:
    """`count` codes from `first` on. Code `first + n` means data × 10^(`exponent` + `step` × n) × `factor` in `unit`.

    Where `units` are given, code `first + n` has the n-th of them instead, unscaled. `prefix` is the power of ten by
    which the unit that the tables print for these codes (MWh, t) exceeds `unit`: correction constants count in it.
    """

    first: int
    count: int
    quantity: str
    unit: Unit = Unit.COUNT
    exponent: int = 0
    kind: Kind = Kind.NUMBER
    factor: int = 1
    units: tuple[Unit, ...] = ()
    prefix: int = 0


Offset: TypeAlias = tuple[int, int]
"""Mantissa and power of ten of a constant that is added to a value, in the value's unit."""
NO_OFFSET = (0, 0)


class Meaning(NamedTuple):
    """What one VIF code says."""

    quantity: str
    unit: Unit
    exponent: int
    kind: Kind
    factor: int
    prefix: int = 0
    offset: Offset = NO_OFFSET


S_TO_DAYS = (Unit.SECOND, Unit.MINUTE, Unit.HOUR, Unit.DAY)
HOURS_TO_YEARS = (Unit.HOUR, Unit.DAY, Unit.MONTH, Unit.YEAR)


def by_code(rows: Iterable[Vif]) -> dict[int, Meaning]:
    """The meaning of each code of a table; two rows for one code are an error of the table."""
    table: dict[int, Meaning] = {}
    for row in rows:
        for n in range(row.count):
            if row.first + n in table:
                raise ValueError(f"VIF code {row.first + n:#x} is declared twice")
            unit, exponent = (row.units[n], 0) if row.units else (row.unit, row.exponent + n)
            table[row.first + n] = Meaning(row.quantity, unit, exponent, row.kind, row.factor, row.prefix)
    return table
