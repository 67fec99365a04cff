"""The fixed data structure (CI 73): two counters of old meters.

Unit codes and bit positions from public descriptions and frames of real meters; the standard's text was not at hand.
"""

from __future__ import annotations

from dataclasses import dataclass

from openami.model.errors import DecodeError
from openami.model.quantity import Quantity
from openami.model.unit import Unit
from openami.protocols.mbus.meter_time import MeterTime
from openami.protocols.mbus.value import bcd_number

SIZE = 16
_BINARY = 0x80
_STORED = 0x40
_SAME_AS_FIRST = 0x3E
_ALLOCATION_UNITS = 0x39
_WITHOUT_UNIT = 0x3F

_RUNS = (
    (0x02, 9, "energy", Unit.WATT_HOUR, 0),
    (0x0B, 9, "energy", Unit.JOULE, 3),
    (0x14, 9, "power", Unit.WATT, 0),
    (0x1D, 9, "power", Unit.JOULE_PER_HOUR, 3),
    (0x26, 9, "volume", Unit.CUBIC_METRE, -6),
    (0x2F, 9, "volume flow", Unit.CUBIC_METRE_PER_HOUR, -6),
    (0x38, 1, "temperature", Unit.DEGREE_CELSIUS, -3),
    (_ALLOCATION_UNITS, 1, "heat cost allocation units", Unit.COUNT, 0),
    (_WITHOUT_UNIT, 1, "dimensionless", Unit.COUNT, 0),
)
UNITS = {
    first + n: (quantity, unit, exponent + n) for first, count, quantity, unit, exponent in _RUNS for n in range(count)
}

MEDIA = (
    "other", "oil", "electricity", "gas", "heat", "steam", "hot water", "water", "heat cost allocator", "reserved",
    "gas mode 2", "heat mode 2", "hot water mode 2", "water mode 2", "heat cost allocator mode 2", "reserved",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FixedCounter:
    """One of the two counters. `value` is `None` where the digits are no number; times and dates stay digits."""

    quantity: str
    value: Quantity | MeterTime | str | None
    unit: Unit
    stored: bool
    raw: bytes


@dataclass(frozen=True, slots=True)
class FixedData:
    """All of a fixed data structure. `status` are the meter's bits."""

    identification: str
    access_number: int
    status: int
    medium: str
    counters: tuple[FixedCounter, FixedCounter]


def decode_fixed(data: bytes) -> FixedData:
    """Read the 16 bytes behind CI 73; raises `DecodeError` for any other number of bytes."""
    if len(data) != SIZE:
        raise DecodeError(f"a fixed data structure has {SIZE} bytes, not {len(data)}", min(len(data), SIZE))
    status, first, second = data[5], data[6], data[7]
    medium = first >> 6 | (second >> 6) << 2
    binary, stored = bool(status & _BINARY), bool(status & _STORED)
    one = _counter(first & 0x3F, data[8:12], binary=binary, stored=stored)
    code = second & 0x3F
    historic = code == _SAME_AS_FIRST
    two = _counter(first & 0x3F if historic else code, data[12:16], binary=binary, stored=stored or historic)
    return FixedData(data[3::-1].hex().upper(), data[4], status, MEDIA[medium], (one, two))


def _counter(code: int, raw: bytes, *, binary: bool, stored: bool) -> FixedCounter:
    quantity, unit, exponent = UNITS.get(code, ("reserved", Unit.OTHER, 0))
    if code in {0x00, 0x01}:
        name = "date" if code else "time"
        return FixedCounter(name, raw[::-1].hex(), Unit.COUNT, stored, raw)
    number = (int.from_bytes(raw, "little"), 0) if binary else bcd_number(raw)
    value = None if number is None else Quantity(number[0], exponent, unit)
    return FixedCounter(quantity, value, unit, stored, raw)
