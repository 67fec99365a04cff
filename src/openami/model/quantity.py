"""Exact values with a unit."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from openami.model.unit import Unit


class Quantity(NamedTuple):
    """`mantissa` × 10^`scaler` in `unit`: exact, as meters count. Never a float for energy."""

    mantissa: int
    scaler: int
    unit: Unit

    @property
    def value(self) -> Decimal:
        """The exact value in `unit`."""
        return Decimal(self.mantissa).scaleb(self.scaler)

    def __str__(self) -> str:
        return f"{self.value:f} {self.unit.symbol}".rstrip()
