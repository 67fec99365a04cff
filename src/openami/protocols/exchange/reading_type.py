"""ReadingType codes of IEC 61968-9 and the OBIS codes that mean the same.

A code has 18 numbers. Their order and the numbers used here are from public messages of a head-end and from the
published ESPI schema, which shares them; the full enumeration was not at hand, so that a number that is not in these
tables is rejected, never guessed.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from decimal import Decimal

from openami.model.obis import ObisCode
from openami.model.unit import Unit
from openami.protocols.exchange.delivery import BadRecord

PERIODS_S = {1: 600, 2: 900, 3: 60, 4: 86_400, 5: 1_800, 6: 300, 7: 3_600, 10: 120, 14: 180, 31: 1_200}
"""measuringPeriod to seconds; 0 says nothing of it."""
BULK_QUANTITY, CUMULATIVE, DELTA_DATA, SUMMATION = 1, 3, 4, 9
REGISTERS = (BULK_QUANTITY, CUMULATIVE, SUMMATION)
ELECTRICITY = (1, 2)
ENERGY = 12
UNITS = {71: Unit.VOLT_AMPERE_HOUR, 72: Unit.WATT_HOUR, 73: Unit.VAR_HOUR}
FLOWS = {
    (Unit.WATT_HOUR, 1): 1,
    (Unit.WATT_HOUR, 19): 2,
    (Unit.VAR_HOUR, 5): 3,
    (Unit.VAR_HOUR, 13): 4,
    (Unit.VAR_HOUR, 15): 5,
    (Unit.VAR_HOUR, 16): 6,
    (Unit.VAR_HOUR, 17): 7,
    (Unit.VAR_HOUR, 18): 8,
    (Unit.VOLT_AMPERE_HOUR, 1): 9,
    (Unit.VOLT_AMPERE_HOUR, 19): 10,
}
"""Unit and flowDirection to OBIS group c: 1 forward, 19 reverse, 5 quadrants I and II, 13 III and IV, 15 to 18 one."""
FLOW_OF = {(unit, c): flow for (unit, flow), c in FLOWS.items()}


@dataclass(frozen=True, slots=True)
class ReadingType:
    """The 18 numbers of a code, in its order."""

    macro_period: int = 0
    aggregate: int = 0
    measuring_period: int = 0
    accumulation: int = 0
    flow_direction: int = 0
    commodity: int = 0
    measurement_kind: int = 0
    interharmonic_numerator: int = 0
    interharmonic_denominator: int = 0
    argument_numerator: int = 0
    argument_denominator: int = 0
    tou: int = 0
    cpp: int = 0
    consumption_tier: int = 0
    phases: int = 0
    multiplier: int = 0
    unit: int = 0
    currency: int = 0

    def __str__(self) -> str:
        return ".".join(str(part) for part in astuple(self))

    @classmethod
    def parse(cls, text: str) -> ReadingType:
        """Read the dotted form. Raises `BadRecord` unless there are 18 numbers (the multiplier may be negative)."""
        parts = text.strip().split(".")
        if len(parts) != 18 or not all(part.removeprefix("-").isdecimal() and len(part) <= 6 for part in parts):
            raise BadRecord(f"{text[:80]!r} is no ReadingType: it has 18 numbers with dots between them")
        return cls(*(int(part) for part in parts))

    @property
    def registers(self) -> bool:
        """Whether values are readings of a register, not energies of intervals."""
        return self.accumulation in REGISTERS

    @property
    def obis(self) -> ObisCode:
        """The quantity. Raises `BadRecord` for a type that is no energy of electricity in total or by a tariff."""
        found = FLOWS.get((self.quantity, self.flow_direction))
        if found is None:
            raise BadRecord(f"ReadingType {self}: flowDirection {self.flow_direction} is not known for this unit")
        return ObisCode(1, 0, found, 8, self.tou)

    @property
    def quantity(self) -> Unit:
        """The unit without its multiplier."""
        if self.commodity not in ELECTRICITY or self.measurement_kind != ENERGY or self.unit not in UNITS:
            raise BadRecord(f"ReadingType {self} is no energy of electricity in Wh, varh or VAh")
        for name in ("interharmonic_numerator", "argument_numerator", "cpp", "consumption_tier", "phases"):
            if getattr(self, name):
                raise BadRecord(f"ReadingType {self}: {name} is {getattr(self, name)}, only totals are taken")
        return UNITS[self.unit]

    @property
    def resolution_s(self) -> int:
        """Length of the interval; 0 where the type does not say it."""
        if self.measuring_period and self.measuring_period not in PERIODS_S:
            raise BadRecord(f"ReadingType {self}: the measuring period {self.measuring_period} is not known")
        return PERIODS_S.get(self.measuring_period, 0)

    def scaled(self, value: Decimal) -> Decimal:
        """A value in the unit without multiplier."""
        if not -9 <= self.multiplier <= 12:
            raise BadRecord(f"ReadingType {self}: the multiplier 10^{self.multiplier} is out of range")
        return value.scaleb(self.multiplier)


def reading_type_of(obis: ObisCode, unit: Unit, scaler: int, resolution_s: int, *, registers: bool) -> ReadingType:
    """The code of a channel. Raises `BadRecord` for what has none here."""
    flow = FLOW_OF.get((unit, obis.c))
    if flow is None or obis.a != 1 or obis.d != 8:
        raise BadRecord(f"{obis} in {unit.symbol} has no ReadingType here")
    period = next((code for code, seconds in PERIODS_S.items() if seconds == resolution_s), 0)
    if resolution_s and not period:
        raise BadRecord(f"an interval of {resolution_s} s has no measuringPeriod")
    return ReadingType(
        measuring_period=period,
        accumulation=BULK_QUANTITY if registers else DELTA_DATA,
        flow_direction=flow,
        commodity=ELECTRICITY[0],
        measurement_kind=ENERGY,
        tou=obis.e,
        multiplier=scaler,
        unit=next(code for code, known in UNITS.items() if known is unit),
    )
