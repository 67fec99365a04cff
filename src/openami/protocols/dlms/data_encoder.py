"""Data to octets, in the shortest form of every length."""

from __future__ import annotations

import struct
from typing import Any, Final

from openami.model.errors import LocalProtocolError
from openami.protocols.dlms.axdr import put_length
from openami.protocols.dlms.data_value import (
    CONTAINERS,
    DATES,
    FORMATS,
    OCTETS_AND_TEXTS,
    CompactArray,
    Data,
    DataType,
    TypeDescription,
)

_STRUCTS: Final = {kind: struct.Struct(">" + text) for kind, text in FORMATS.items()}


def put_data(data: Data, out: bytearray) -> None:
    """Append tag and value; raise `LocalProtocolError` if the value does not fit the type."""
    if not isinstance(data, Data):
        raise LocalProtocolError(f"a Data expected, not a {type(data).__name__}")
    kind, value = data
    out.append(kind)
    try:
        _encode_value(kind, value, out)
    except (AttributeError, OverflowError, TypeError, ValueError, struct.error) as error:
        raise _misfit(kind, value) from error


def _misfit(kind: DataType, value: Any) -> LocalProtocolError:
    """Numbers are shown; anything else could be a key."""
    shown = value if isinstance(value, int | float) else f"this {type(value).__name__}"
    return LocalProtocolError(f"{kind.text} cannot hold {shown}")


def _encode_value(kind: DataType, value: Any, out: bytearray) -> None:
    """Append what stands behind the tag."""
    if (packer := _STRUCTS.get(kind)) is not None:
        out += packer.pack(value)
    elif kind in CONTAINERS:
        put_length(len(value), out)
        for element in value:
            put_data(element, out)
    elif kind in DATES:
        if not isinstance(value, DATES[kind][1]):
            raise _misfit(kind, value)
        out += bytes(value)
    elif kind is DataType.BIT_STRING:
        _encode_bits(value, out)
    elif kind is DataType.COMPACT_ARRAY:
        _encode_compact_array(value, out)
    elif kind in OCTETS_AND_TEXTS:
        octets = value if isinstance(value, bytes) else value.encode(OCTETS_AND_TEXTS[kind])
        put_length(len(octets), out)
        out += octets
    elif value is not None:
        raise _misfit(kind, value)


def _encode_bits(bits: str, out: bytearray) -> None:
    if bits.strip("01"):
        raise _misfit(DataType.BIT_STRING, bits)
    put_length(len(bits), out)
    size = (len(bits) + 7) // 8
    out += int(bits.ljust(8 * size, "0") or "0", 2).to_bytes(size, "big")


def _encode_compact_array(value: CompactArray, out: bytearray) -> None:
    _encode_description(value.description, out)
    contents = bytearray()
    for element in value.contents:
        _encode_described(value.description, element, contents)
    put_length(len(contents), out)
    out += contents


def _encode_description(description: TypeDescription, out: bytearray) -> None:
    out.append(description.type)
    if description.type is DataType.ARRAY:
        out += description.number_of_elements.to_bytes(2, "big")
    elif description.type is DataType.STRUCTURE:
        put_length(len(description.elements), out)
    for element in description.elements:
        _encode_description(element, out)


def _encode_described(description: TypeDescription, data: Data, out: bytearray) -> None:
    kind = description.type
    if data.type is not kind:
        raise LocalProtocolError(f"a compact array of {kind.text} holds {data.type.text}")
    if kind not in CONTAINERS:
        _encode_value(kind, data.value, out)
        return
    inner = description.elements * (description.number_of_elements if kind is DataType.ARRAY else 1)
    if len(inner) != len(data.value):
        raise LocalProtocolError(f"a compact array's {kind.text} of {len(inner)} elements holds {len(data.value)}")
    for each, element in zip(inner, data.value, strict=True):
        _encode_described(each, element, out)
