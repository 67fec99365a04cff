"""Data from octets: every length is checked against what is there before anything is made of it."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from openami.model.errors import DecodeError, LimitExceeded
from openami.protocols.dlms.axdr import take_length
from openami.protocols.dlms.data_value import (
    CONTAINERS,
    DATES,
    FORMATS,
    CompactArray,
    Data,
    DataType,
    TypeDescription,
)
from openami.protocols.dlms.row import row_layout
from openami.protocols.wire.cursor import Cursor

_TYPES: Final = {int(kind): kind for kind in DataType}
_STRUCTS: Final = {kind: struct.Struct(">" + text) for kind, text in FORMATS.items()}
_FIXED: Final = {int(kind): (kind, made.size, made.unpack_from) for kind, made in _STRUCTS.items()}
_VALUES_ALLOWED: Final = 256
_VALUES_PER_BYTE: Final = 16
"""Null-data and containers take no byte in a compact array: more of them than this for each byte is a bomb."""
_make: Final[Callable[[tuple[DataType, Any]], Data]] = partial(tuple.__new__, Data)


def take_data(cursor: Cursor) -> Data:
    data = cursor.data
    position = cursor.position
    if position >= cursor.end:
        raise cursor.error("a Data expected, no byte left")
    tag = data[position]
    position += 1
    fixed = _FIXED.get(tag)
    if fixed is not None:
        kind, size, unpack = fixed
        stop = position + size
        if stop > cursor.end:
            raise cursor.error(f"{kind.text} of {size} bytes expected, {cursor.end - position} left")
        cursor.position = stop
        return _make((kind, unpack(data, position)[0]))
    if tag == 9 and position < cursor.end and (length := data[position]) < 0x80:
        position += 1
        stop = position + length
        if stop <= cursor.end:
            cursor.position = stop
            return _make((DataType.OCTET_STRING, data[position:stop]))
    decode = _VALUES.get(tag)
    if decode is None:
        raise cursor.error(f"{tag:#04x} is no tag of Data")
    cursor.position += 1
    return _make((_TYPES[tag], decode(cursor)))


def _decode_fixed(kind: DataType) -> Callable[[Cursor], Any]:
    size, unpack = _STRUCTS[kind].size, _STRUCTS[kind].unpack
    return lambda cursor: unpack(cursor.take(size))[0]


def _decode_date(kind: DataType) -> Callable[[Cursor], Any]:
    size, made = DATES[kind]
    return lambda cursor: made.from_bytes(cursor.take(size), cursor.position - size)


def _decode_null(_cursor: Cursor) -> None:
    return None


def _decode_octets(cursor: Cursor) -> bytes:
    return cursor.take(take_length(cursor))


def _decode_visible(cursor: Cursor) -> str:
    return _decode_octets(cursor).decode("latin-1")


def _decode_utf8(cursor: Cursor) -> str:
    octets = _decode_octets(cursor)
    try:
        return octets.decode()
    except UnicodeDecodeError as error:
        raise DecodeError(f"no UTF-8 text: {error.reason}", cursor.position - len(octets) + error.start) from error


def _decode_bits(cursor: Cursor) -> str:
    length = take_length(cursor)
    octets = cursor.take((length + 7) // 8)
    return f"{int.from_bytes(octets, 'big'):0{8 * len(octets)}b}"[:length] if length else ""


def _decode_elements(name: str, cursor: Cursor) -> tuple[Data, ...]:
    """The elements of an array or a structure, each with its own tag."""
    start = cursor.position - 1
    count = take_length(cursor)
    if count > cursor.end - cursor.position:
        raise cursor.error(f"{name} of {count} elements, {cursor.remaining} bytes left")
    cursor.count(count)
    cursor.note(name, start, count)
    cursor.enter()
    if cursor.spans is None:
        elements = _elements(cursor, count, alike=name == "array")
    else:
        elements = [cursor.field(f"[{index}]", take_data) for index in range(count)]
    cursor.leave()
    return tuple(elements)


def _elements(cursor: Cursor, count: int, *, alike: bool) -> list[Data]:
    elements: list[Data] = []
    append = elements.append
    try:
        while len(elements) < count:
            element = take_data(cursor)
            append(element)
            if alike and element[0] is DataType.STRUCTURE and len(elements) < count:
                _take_alike(cursor, element, elements, count)
    except DecodeError as error:
        error.path = (f"[{len(elements)}]", *error.path)
        raise
    return elements


def _take_alike(cursor: Cursor, first: Data, elements: list[Data], count: int) -> None:
    """Rows of a profile mostly look alike: take those that follow `first` with the same tags and sizes."""
    columns = []
    for kind, value in first.value:
        if kind is DataType.OCTET_STRING and len(value) < 0x80:
            columns.append((bytes((9, len(value))), f"{len(value)}s"))
        elif kind in FORMATS:
            columns.append((bytes((kind,)), FORMATS[kind]))
        else:
            return
    if not 0 < len(columns) < 0x80:
        return
    kinds = [kind for kind, _ in first.value]
    structure = DataType.STRUCTURE
    rows = row_layout(tuple(columns)).rows(cursor, count - len(elements))
    elements.extend(_make((structure, tuple(map(_make, zip(kinds, values, strict=True))))) for values in rows)


def take_description(cursor: Cursor) -> TypeDescription:
    tag = cursor.u8()
    kind = _TYPES.get(tag)
    if kind is None or kind is DataType.COMPACT_ARRAY:
        raise cursor.error(f"{tag:#04x} is no type of a compact array's elements", back=1)
    if kind not in CONTAINERS:
        return TypeDescription(kind)
    cursor.enter()
    if kind is DataType.ARRAY:
        count = cursor.unsigned(2)
        made = TypeDescription(kind, (take_description(cursor),), count)
    else:
        count = take_length(cursor)
        cursor.count(count)
        made = TypeDescription(kind, tuple([take_description(cursor) for _ in range(count)]))
    cursor.leave()
    return made


def _decode_compact_array(cursor: Cursor) -> CompactArray:
    start = cursor.position - 1
    description = take_description(cursor)
    cursor.note("contents-description", start, description)
    start = cursor.position
    length = take_length(cursor)
    cursor.note("contents-length", start, length)
    return CompactArray(description, cursor.inside(length, partial(_decode_contents, description)))


def _values(description: TypeDescription) -> int:
    """How many values one element is made of, containers and null-data included."""
    count = description.number_of_elements if description.type is DataType.ARRAY else 1
    return 1 + count * sum(map(_values, description.elements))


def _decode_contents(description: TypeDescription, cursor: Cursor) -> tuple[Data, ...]:
    decode, each = partial(_decode_described, description), _values(description)
    contents: list[Data] = []
    allowed = _VALUES_ALLOWED + _VALUES_PER_BYTE * (cursor.end - cursor.position)
    while cursor.position < cursor.end:
        start = cursor.position
        if (len(contents) + 1) * each > allowed:
            text = f"elements of {each} values each are more than {cursor.remaining} bytes can hold"
            raise LimitExceeded(text, cursor.position)
        contents.append(cursor.field(f"[{len(contents)}]", decode))
        if cursor.position == start:
            raise cursor.error("a compact array has contents, but its elements take no bytes")
    return tuple(contents)


def _decode_described(description: TypeDescription, cursor: Cursor) -> Data:
    kind = description.type
    cursor.count(1)
    if kind not in CONTAINERS:
        return Data(kind, _VALUES[kind](cursor))
    cursor.enter()
    inner = description.elements * (description.number_of_elements if kind is DataType.ARRAY else 1)
    elements = [cursor.field(f"[{index}]", partial(_decode_described, each)) for index, each in enumerate(inner)]
    cursor.leave()
    return Data(kind, tuple(elements))


_VALUES: Final[dict[int, Callable[[Cursor], Any]]] = {
    DataType.NULL_DATA: _decode_null,
    DataType.DONT_CARE: _decode_null,
    DataType.ARRAY: partial(_decode_elements, "array"),
    DataType.STRUCTURE: partial(_decode_elements, "structure"),
    DataType.BIT_STRING: _decode_bits,
    DataType.OCTET_STRING: _decode_octets,
    DataType.VISIBLE_STRING: _decode_visible,
    DataType.UTF8_STRING: _decode_utf8,
    DataType.COMPACT_ARRAY: _decode_compact_array,
    **{kind: _decode_fixed(kind) for kind in FORMATS},
    **{kind: _decode_date(kind) for kind in DATES},
}
