"""Values that a meter holds, as text for tables and as plain values for JSON."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from openami.model.obis import ObisCode
from openami.protocols.dlms.cosem.register import ScalUnitType
from openami.protocols.dlms.data import Data, DataType
from openami.protocols.dlms.meaning import date_time_of, meaning
from openami.protocols.dlms.plain import plain

CONTAINERS = {DataType.ARRAY, DataType.STRUCTURE}


def words(value: Data) -> str:
    """A value with the name of its type."""
    if value.type in CONTAINERS:
        return "[" + ", ".join(map(words, value.value)) + "]"
    return _moment(value) or meaning(value)


def cell(value: Data, unit: ScalUnitType | None) -> object:
    """A number scaled to its unit, a time in ISO 8601 where it has its place, anything else in words."""
    if _is_number(value):
        return value.value if unit is None else f"{unit.quantity(value.value).value:f}"
    return words(value)


def plain_value(value: Data, unit: ScalUnitType | None) -> Any:
    """The same for programs: numbers scaled to their unit, times in ISO 8601, OBIS codes as text, octets in hex."""
    if _is_number(value):
        return value.value if unit is None else _json_number(unit.quantity(value.value).value)
    if value.type in CONTAINERS:
        return [plain_value(item, None) for item in value.value]
    return _moment(value) or plain(value.value)


def plain_name(value: Data) -> Any:
    """A logical name as an OBIS code."""
    is_name = value.type is DataType.OCTET_STRING and len(value.value) == 6
    return str(ObisCode(*value.value)) if is_name else plain_value(value, None)


def _is_number(value: Data) -> bool:
    return isinstance(value.value, int | float) and not isinstance(value.value, bool)


def _json_number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _moment(value: Data) -> str | None:
    moment = date_time_of(value)
    if moment is None:
        return None
    utc = moment.to_utc()
    return str(moment) if utc is None else utc.isoformat()
