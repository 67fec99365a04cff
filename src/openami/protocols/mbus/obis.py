"""From a record to its OBIS code: medium from the device type, quantity from the VIF, tariff and set date from the DIF.

Codes as public lists have them that follow EN 13757-1 and the OMS group's mapping (the texts were not at hand): group
D is 0 for the current value and 2 for the value at a set date, group E is the tariff; group F is 255. Electricity has
its own scheme. A record that no rule fits has no code: nothing is guessed.
"""

from __future__ import annotations

from dataclasses import dataclass

from openami.model.obis import ObisCode
from openami.model.unit import Unit
from openami.protocols.mbus.dif import Function
from openami.protocols.mbus.records import Record

ELECTRICITY, ALLOCATOR, COOLING, HEAT, GAS, COLD_WATER, HOT_WATER = 1, 4, 5, 6, 7, 8, 9

MEDIUM_OF_DEVICE = {
    0x02: ELECTRICITY,
    0x03: GAS,
    0x04: HEAT,
    0x06: HOT_WATER,
    0x07: COLD_WATER,
    0x08: ALLOCATOR,
    0x0A: COOLING,
    0x0B: COOLING,
    0x0C: HEAT,
    0x0D: HEAT,
    0x15: HOT_WATER,
    0x16: COLD_WATER,
}
"""OBIS group A by device type. Device type 07 is water of any kind; lists put it under cold water."""

FORWARD = "accumulation only of positive contributions"
BACKWARD = "accumulation only of negative contributions, absolute"
UNCORRECTED = "at metering conditions (uncorrected)"
PHASES = {"": 0, "phase L1": 20, "phase L2": 40, "phase L3": 60}


@dataclass(frozen=True, slots=True)
class Rule:
    """`quantity` of these media, without VIFE or with `modifier`, is group `c` and `d`.

    `tariffs`: group E is the tariff. `set_date`: storage 1 is group D 2.
    """

    media: tuple[int, ...]
    quantity: str
    c: int
    d: int = 0
    modifier: str = ""
    tariffs: bool = False
    set_date: bool = False


THERMAL = (COOLING, HEAT)
WATER = (COLD_WATER, HOT_WATER)

RULES = (
    Rule((ALLOCATOR,), "heat cost allocation units", 1, set_date=True),
    Rule(THERMAL, "energy", 1, tariffs=True, set_date=True),
    Rule(THERMAL, "volume", 2, set_date=True),
    Rule(THERMAL, "power", 8),
    Rule(THERMAL, "volume flow", 9),
    Rule(THERMAL, "flow temperature", 10),
    Rule(THERMAL, "return temperature", 11),
    Rule(THERMAL, "temperature difference", 12),
    Rule((GAS,), "volume", 3, set_date=True, tariffs=True),
    Rule((GAS,), "volume", 3, modifier=UNCORRECTED, set_date=True, tariffs=True),
    Rule((GAS,), "volume flow", 43, 15),
    Rule(WATER, "volume", 1, set_date=True, tariffs=True),
    Rule(WATER, "volume flow", 2),
    Rule((ELECTRICITY,), "energy", 1, 8, tariffs=True),
    Rule((ELECTRICITY,), "energy", 1, 8, FORWARD, tariffs=True),
    Rule((ELECTRICITY,), "energy", 2, 8, BACKWARD, tariffs=True),
    Rule((ELECTRICITY,), "power", 1, 7),
    Rule((ELECTRICITY,), "power", 1, 7, FORWARD),
    Rule((ELECTRICITY,), "power", 2, 7, BACKWARD),
    Rule((ELECTRICITY,), "reactive energy", 3, 8, tariffs=True),
    Rule((ELECTRICITY,), "reactive energy", 4, 8, BACKWARD, tariffs=True),
    Rule((ELECTRICITY,), "frequency", 14, 7),
    *(Rule((ELECTRICITY,), "current", 11 + phase, 7, name) for name, phase in PHASES.items()),
    *(Rule((ELECTRICITY,), "voltage", 12 + phase, 7, name) for name, phase in PHASES.items()),
)
MAIN_QUANTITIES = {
    Unit.WATT_HOUR: "energy",
    Unit.JOULE: "energy",
    Unit.CUBIC_METRE: "volume",
    Unit.COUNT: "heat cost allocation units",
}
SET_DATE_STORAGE = 1
SET_DATE_D = 2

_BY_KEY = {(medium, rule.quantity, rule.modifier): rule for rule in RULES for medium in rule.media}


def main_code(device_type: int, unit: Unit) -> ObisCode | None:
    """The code of a device's main register: its energy, volume or allocation units now, by the register's unit."""
    medium, quantity = MEDIUM_OF_DEVICE.get(device_type), MAIN_QUANTITIES.get(unit)
    rule = None if medium is None or quantity is None else _BY_KEY.get((medium, quantity, ""))
    return None if rule is None or medium is None else ObisCode(medium, 0, rule.c, rule.d, 0)


def obis_of(record: Record, device_type: int) -> ObisCode | None:
    """The code of a record from a device of `device_type`, `None` where no rule fits.

    Maxima, minima, other storages than the set date's, and second subunits have none.
    """
    medium = MEDIUM_OF_DEVICE.get(device_type)
    if medium is None or record.function is not Function.INSTANTANEOUS or record.subunit:
        return None
    if len(record.modifiers) > 1:
        return None
    rule = _BY_KEY.get((medium, record.quantity, "".join(record.modifiers)))
    if rule is None or (record.tariff and not rule.tariffs) or record.tariff > 255:
        return None
    d = rule.d
    if record.storage:
        if not rule.set_date or record.storage != SET_DATE_STORAGE:
            return None
        d = SET_DATE_D
    return ObisCode(medium, 0, rule.c, d, record.tariff)
