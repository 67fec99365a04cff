"""The value of one field in words, as people read it beside its bytes."""

from __future__ import annotations

from enum import IntEnum, IntFlag

from openami.model.errors import DecodeError
from openami.model.obis import ObisCode
from openami.protocols.dlms.axdr import hyphenated
from openami.protocols.dlms.data import Data, DataType
from openami.protocols.dlms.date_time import CosemDateTime
from openami.protocols.dlms.obis_names import obis_name

OCTETS_SHOWN = 24


def meaning(value: object) -> str:
    """`value` in one line; empty for structures, whose parts are explained on their own."""
    if isinstance(value, Data):
        return _of_data(value)
    if isinstance(value, bytes):
        return _octets(value)
    if isinstance(value, IntEnum | IntFlag):
        return hyphenated(value) if value.name else str(value.value)
    if isinstance(value, ObisCode):
        return _of_obis(value)
    return str(value) if isinstance(value, bool | int | float | str | CosemDateTime) else ""


def date_time_of(data: Data) -> CosemDateTime | None:
    """The date-time that a Data holds, as such or as twelve octets; None if it holds none."""
    if isinstance(data.value, CosemDateTime):
        return data.value
    if data.type is not DataType.OCTET_STRING or len(data.value) != 12:
        return None
    try:
        return CosemDateTime.from_bytes(data.value)
    except DecodeError:
        return None


def _of_data(data: Data) -> str:
    name = data.type.text
    moment = date_time_of(data)
    if moment is not None:
        return f"date-time {moment}"
    if data.type in {DataType.ARRAY, DataType.STRUCTURE}:
        return f"{name} of {len(data.value)}"
    if data.type is DataType.OCTET_STRING and len(data.value) == 6:
        return f"{name} {_of_obis(ObisCode.from_bytes(data.value))}"
    if isinstance(data.value, bytes):
        return f"{name} {_octets(data.value)}"
    return name if data.value is None else f"{name} {data.value}"


def _of_obis(code: ObisCode) -> str:
    return f"{code} {obis_name(code)}".rstrip()


def _octets(value: bytes) -> str:
    if len(value) > OCTETS_SHOWN:
        return f"{len(value)} bytes"
    text = value.hex(" ")
    return (
        f"{text} ({value.decode('ascii')})"
        if len(value) > 3 and value.isascii() and value.decode().isprintable()
        else text
    )
