"""A value with its name: what every source of readings gives."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import TypeAlias

from openami.model.quality import GuaranteeClass, Quality
from openami.model.quantity import Quantity
from openami.protocols.mbus.dif import Function
from openami.protocols.mbus.meter_time import MeterTime
from openami.protocols.mbus.records import Record

Plain: TypeAlias = Decimal | datetime | date | time | str | bytes | None


@dataclass(frozen=True, slots=True)
class NamedValue:
    """`value` is a number in `unit`, a moment in the meter's own time, a text or bytes; None where the meter has none.

    `record` is where it comes from; None for fields of a layout of the maker's own.
    """

    name: str
    value: Plain
    unit: str
    quality: Quality
    guarantee: GuaranteeClass
    record: Record | None = None


def named(name: str, record: Record, guarantee: GuaranteeClass) -> NamedValue:
    """A record under a name."""
    value = plain_value(record.value)
    good = value is not None and record.function is not Function.ERROR_STATE
    quality = Quality.MEASURED if good else Quality.MISSING
    return NamedValue(name, value, record.layout.unit_text, quality, guarantee, record)


def plain_value(value: object) -> Plain:
    """A record's value without its wrapping: a number, a moment, text or bytes."""
    if isinstance(value, Quantity):
        return value.value
    if isinstance(value, MeterTime):
        return value.moment
    return value if isinstance(value, str | bytes) else None
