"""Which meter a text speaks of: the number that stands among its values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from openami.model.measurement import Measurement
from openami.model.obis import ObisCode

NUMBERS: Final = (
    ObisCode(0, 0, 96, 1, 1),
    ObisCode(0, 0, 96, 1, 0),
    ObisCode(0, 0, 42, 0, 0),
    ObisCode(1, 0, 96, 1, 0),
    ObisCode(1, 0, 0, 0, 0),
    "0.0.0",
    "0.0",
)
"""Where meters put it: equipment identifiers of P1, and what read-outs have."""


def equipment_of(values: Iterable[Measurement]) -> str:
    """The meter's number, as people read it: P1 writes each character as two digits. Empty if there is none."""
    for value in values:
        if value.name in NUMBERS and isinstance(value.value, str) and value.value:
            return _characters(value.value)
    return ""


def _characters(text: str) -> str:
    try:
        characters = bytes.fromhex(text).decode("ascii")
    except ValueError:
        return text
    return characters if characters.isalnum() else text
