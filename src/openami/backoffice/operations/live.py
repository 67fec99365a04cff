"""One meter asked now, for somebody who waits in front of a page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from openami.model.obis import ObisCode
from openami.model.quantity import Quantity

LIVE = tuple(
    ObisCode(1, 0, quantity, kind, 0)
    for kind, quantities in ((8, (1, 2, 3, 4)), (7, (1, 2, 32, 52, 72, 31, 51, 71, 13)))
    for quantity in quantities
)
"""Energy registers, then what is there at the moment: power, voltages, currents, power factor."""


@dataclass(frozen=True, slots=True)
class LiveReading:
    """What the meter's registers showed at `at`: (code, its name, value), and the id of the bytes that say so."""

    meter: int
    at: datetime
    values: list[tuple[ObisCode, str, Quantity]]
    evidence: int
