"""Alarm register, alarm filter and alarm descriptor: which alarms there are, which count, which nobody has seen yet.

Bits 0 and 13 are as several companion specifications number them (clock invalid, fraud attempt); the others are our
own.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from openami.field.meter import codes
from openami.field.meter.watching import number_of
from openami.model.event import EventCode
from openami.model.obis import ObisCode
from openami.protocols.dlms.access_result import DataAccessResult
from openami.protocols.dlms.cosem import data as cosem_data
from openami.protocols.dlms.cosem.attribute import Source
from openami.protocols.dlms.cosem.refusal import Refused
from openami.protocols.dlms.data import Data, DataType, double_long_unsigned

if TYPE_CHECKING:
    from openami.field.meter.electricity import ElectricityMeter

ALL: Final = 0xFFFF_FFFF
OTHER_ALARM: Final = 1 << 31
FRAUD_ATTEMPT: Final = 1 << 13
ALARM_BITS: Final = {
    EventCode.CLOCK_INVALID: 1 << 0,
    EventCode.COVER_OPENED: FRAUD_ATTEMPT,
    EventCode.MAGNETIC_FIELD: FRAUD_ATTEMPT,
    EventCode.AUTHENTICATION_FAILED: FRAUD_ATTEMPT,
    EventCode.UNDER_VOLTAGE: 1 << 16,
    EventCode.OVER_VOLTAGE: 1 << 17,
    EventCode.TEMPERATURE_HIGH: 1 << 18,
    EventCode.POWER_UP: 1 << 19,
}


class Alarms:
    """`register` holds what is the case until a client clears it, `descriptor` what a client has not taken note of."""

    __slots__ = ("descriptor", "filter", "register")

    def __init__(self) -> None:
        self.register = self.descriptor = 0
        self.filter = ALL

    def rise(self, code: EventCode) -> bool:
        """An alarm; whether the filter lets it through."""
        bit = ALARM_BITS.get(code, OTHER_ALARM) & self.filter
        self.descriptor |= bit & ~self.register
        self.register |= bit
        return bool(bit)


def _read(name: str, meter: ElectricityMeter, _now: float) -> Data:
    return double_long_unsigned(getattr(meter.alarms, name))


def _write(name: str, meter: ElectricityMeter, value: Data, now: float) -> None:
    """Bits of register and descriptor can be cleared, not set; the filter is whatever is written."""
    if value.type is not DataType.DOUBLE_LONG_UNSIGNED:
        raise Refused(DataAccessResult.TYPE_UNMATCHED)
    bits = number_of(value)
    if name != "filter":
        bits &= getattr(meter.alarms, name)
    setattr(meter.alarms, name, bits)
    if name == "register":
        meter.log(EventCode.ALARM_REGISTER_CLEARED, now)


def _alarm_object(code: ObisCode, name: str, meter: ElectricityMeter) -> cosem_data.Data:
    return cosem_data.Data(code, value=Source(partial(_read, name, meter), partial(_write, name, meter)))


ALARM_OBJECTS: Final[dict[ObisCode, Callable[[ElectricityMeter], cosem_data.Data]]] = {
    code: partial(_alarm_object, code, name)
    for code, name in (
        (codes.ALARM_REGISTER, "register"),
        (codes.ALARM_FILTER, "filter"),
        (codes.ALARM_DESCRIPTOR, "descriptor"),
    )
}
