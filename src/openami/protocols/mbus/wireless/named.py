"""A value with its name: what every source of readings gives."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import NamedTuple, TypeAlias

from openami.model.measurement import Measurement
from openami.model.quality import GuaranteeClass, Quality
from openami.model.quantity import Quantity
from openami.model.unit import Unit
from openami.protocols.mbus.dif import Function
from openami.protocols.mbus.meter_time import MeterTime
from openami.protocols.mbus.records import Record

Plain: TypeAlias = Decimal | datetime | date | time | str | bytes | None


class NamedValue(NamedTuple):
    """`value` is a number in `unit`, a moment in the meter's own time, a text or bytes; None where the meter has none.

    `record` is where it comes from; None for fields of a layout of the maker's own.
    """

    name: str
    value: Plain
    unit: str
    quality: Quality
    guarantee: GuaranteeClass
    record: Record | None = None

    def measurement(self, status: int | None = None) -> Measurement:
        """A field of the maker's own in the project's one vocabulary; its name is the driver's."""
        value: Quantity | str | bytes | None
        remark = ""
        if isinstance(self.value, Decimal):
            value, remark = _quantity(self.value, self.unit)
        else:
            value = self.value.isoformat() if isinstance(self.value, datetime | date | time) else self.value
        return Measurement(self.name, value, None, self.quality, status, remark, self.guarantee)


def named(name: str, record: Record, guarantee: GuaranteeClass) -> NamedValue:
    """A record under a name."""
    layout, _, read, _, _ = record
    value: Plain
    if type(read) is Quantity:  # first, since most values are
        value = Decimal(read.mantissa).scaleb(read.scaler) if read.scaler else Decimal(read.mantissa)
    else:
        value = plain_value(read)
    good = value is not None and layout.data.function is not _ERROR_STATE
    return NamedValue(name, value, layout.unit_text, _MEASURED if good else _MISSING, guarantee, record)


_ERROR_STATE, _MEASURED, _MISSING = Function.ERROR_STATE, Quality.MEASURED, Quality.MISSING


def plain_value(value: object) -> Plain:
    """A record's value without its wrapping: a number, a moment, text or bytes."""
    if isinstance(value, Quantity):
        return value.value
    if isinstance(value, MeterTime):
        return value.moment
    return value if isinstance(value, str | bytes) else None


_UNITS = {unit.symbol: unit for unit in Unit}


def _quantity(number: Decimal, symbol: str) -> tuple[Quantity, str]:
    sign, digits, exponent = number.as_tuple()
    mantissa = int("".join(map(str, digits)))
    unit = _UNITS.get(symbol, Unit.OTHER)
    quantity = Quantity(-mantissa if sign else mantissa, int(exponent), unit)
    return quantity, f"in {symbol}" if unit is Unit.OTHER and symbol else ""
