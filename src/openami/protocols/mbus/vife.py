"""The VIFEs that qualify any VIF: errors, rates, limits, corrections, phases.

Sources as in `vif_tables`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from openami.model.unit import Unit

COMBINABLE_EXTENSION = 0x7C
MANUFACTURER_FOLLOWS = 0x7F
STANDARD_CONFORM = 0x1D


class Effect(Enum):
    """What a VIFE does to the reading of the data."""

    NONE = "none"
    """It says more about the value."""
    RATE = "rate"
    """The unit is divided or multiplied: the value is no longer in the VIF's unit."""
    SCALE = "scale"
    """The value is multiplied by a power of ten."""
    OFFSET = "offset"
    """A power of ten, in the unit of the VIF, is added to the value."""
    TIME = "time"
    """The data are a point in time."""
    DURATION = "duration"
    """The data are a duration."""
    COUNT = "count"
    """The data are a number without unit."""
    ERROR = "error"
    """The meter could not give the value."""
    PROFILE = "profile"
    """The data are a series of values."""


@dataclass(frozen=True, slots=True)
class Vife:
    """What one VIFE says; `exponent` for `SCALE` and `OFFSET`, `unit` for `DURATION`, `per` is the text of a `RATE`."""

    name: str
    effect: Effect = Effect.NONE
    exponent: int = 0
    unit: Unit = Unit.COUNT
    per: str = ""


DURATION_UNITS = (Unit.SECOND, Unit.MINUTE, Unit.HOUR, Unit.DAY)

ERRORS = {
    0x01: "too many DIFEs",
    0x02: "storage number not implemented",
    0x03: "unit number not implemented",
    0x04: "tariff number not implemented",
    0x05: "function not implemented",
    0x06: "data class not implemented",
    0x07: "data size not implemented",
    0x0B: "too many VIFEs",
    0x0C: "illegal VIF group",
    0x0D: "illegal VIF exponent",
    0x0E: "VIF and DIF do not match",
    0x0F: "unimplemented action",
    0x15: "no data available",
    0x16: "data overflow",
    0x17: "data underflow",
    0x18: "data error",
    0x1C: "premature end of record",
}

ACTIONS = (
    "write", "add", "subtract", "or", "and", "xor", "and not", "clear", "add entry", "delete entry", "delayed action",
    "freeze data", "add to readout list", "delete from readout list",
)  # fmt: skip
"""What a primary asks for with VIFE 00..0D: the same codes as errors mean actions in that direction."""

_RATES = {
    0x20: "s", 0x21: "min", 0x22: "h", 0x23: "d", 0x24: "wk", 0x25: "mo", 0x26: "a", 0x27: "revolution",
    0x2C: "l", 0x2D: "m³", 0x2E: "kg", 0x2F: "K", 0x30: "kWh", 0x31: "GJ", 0x32: "kW", 0x33: "(K l)", 0x34: "V",
    0x35: "A",
}  # fmt: skip

_TIMES = {0x36: "s", 0x37: "s/V", 0x38: "s/A"}

_PULSES = ("input pulse on channel 0", "input pulse on channel 1", "output pulse on channel 0",
           "output pulse on channel 1")  # fmt: skip


def _combinable() -> dict[int, Vife]:
    table = {code: Vife(name, Effect.ERROR) for code, name in ERRORS.items()}
    table[0x00] = Vife("no error")
    table[0x12] = Vife("average value")
    table[0x13] = Vife("inverse compact profile", Effect.PROFILE)
    table[0x14] = Vife("relative deviation")
    table[STANDARD_CONFORM] = Vife("standard conform data content")
    table[0x1E] = Vife("compact profile with register numbers", Effect.PROFILE)
    table[0x1F] = Vife("compact profile", Effect.PROFILE)
    table |= {code: Vife(f"per {unit}", Effect.RATE, per=f"/{unit}") for code, unit in _RATES.items()}
    table |= {0x28 + n: Vife(f"increment per {pulse}", Effect.RATE, per="/pulse") for n, pulse in enumerate(_PULSES)}
    table |= {code: Vife(f"multiplied by {by}", Effect.RATE, per=f" {by}") for code, by in _TIMES.items()}
    table[0x39] = Vife("start of", Effect.TIME)
    table[0x3A] = Vife("at metering conditions (uncorrected)")
    table[0x3B] = Vife("accumulation only of positive contributions")
    table[0x3C] = Vife("accumulation only of negative contributions, absolute")
    table[0x3D] = Vife("alternate unit system", Effect.RATE, per=" (alternate)")
    table[0x3E] = Vife("at base conditions (corrected)")
    table[0x3F] = Vife("OBIS declaration")
    table |= _limits()
    table |= {0x70 + n: Vife(f"correction factor 10^{n - 6}", Effect.SCALE, n - 6) for n in range(8)}
    table |= {0x78 + n: Vife(f"additive correction constant 10^{n - 3}", Effect.OFFSET, n - 3) for n in range(4)}
    table[0x7D] = Vife("correction factor 10^3", Effect.SCALE, 3)
    table[0x7E] = Vife("future value")
    return table


def _limits() -> dict[int, Vife]:
    table: dict[int, Vife] = {}
    for upper, side in enumerate(("lower", "upper")):
        table[0x40 + 8 * upper] = Vife(f"{side} limit")
        table[0x41 + 8 * upper] = Vife(f"number of exceeds of {side} limit", Effect.COUNT)
        for last, which in enumerate(("first", "last")):
            for end, edge in enumerate(("begin", "end")):
                code = 0x42 + 8 * upper + 4 * last + end
                table[code] = Vife(f"{edge} of {which} exceed of {side} limit", Effect.TIME)
            for n, unit in enumerate(DURATION_UNITS):
                code = 0x50 + 8 * upper + 4 * last + n
                table[code] = Vife(f"duration of {which} exceed of {side} limit", Effect.DURATION, unit=unit)
        table[0x68 + 4 * upper] = Vife(f"value during exceed of {side} limit")
    for last, which in enumerate(("first", "last")):
        for n, unit in enumerate(DURATION_UNITS):
            table[0x60 + 4 * last + n] = Vife(f"duration of {which}", Effect.DURATION, unit=unit)
        for end, edge in enumerate(("begin", "end")):
            table[0x6A + 4 * last + end] = Vife(f"{edge} of {which}", Effect.TIME)
    table[0x69] = Vife("leakage value")
    table[0x6D] = Vife("overflow value")
    return table


COMBINABLE = _combinable()

COMBINABLE_SECOND_LEVEL = {
    0x01: Vife("phase L1"),
    0x02: Vife("phase L2"),
    0x03: Vife("phase L3"),
    0x04: Vife("neutral"),
    0x05: Vife("between L1 and L2"),
    0x06: Vife("between L2 and L3"),
    0x07: Vife("between L3 and L1"),
    0x08: Vife("quadrant 1"),
    0x09: Vife("quadrant 2"),
    0x0A: Vife("quadrant 3"),
    0x0B: Vife("quadrant 4"),
    0x0C: Vife("import minus export"),
    0x10: Vife("accumulation of absolute values"),
    0x11: Vife("data of type C"),
    0x12: Vife("data of type D"),
    0x13: Vife("from communication partner to meter"),
    0x14: Vife("from meter to communication partner"),
}
"""Behind FC as a VIFE."""
