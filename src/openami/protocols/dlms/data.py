"""Data: the self-describing values of COSEM, in A-XDR.

A value is a `Data(type, value)`. What Python value belongs to each type:

    null-data, dont-care                       None
    array, structure                           tuple of Data
    boolean                                    bool
    bit-string                                 str of "0" and "1", first bit first
    integers, enum, bcd                        int (bcd: the octet as it is, signed)
    octet-string                               bytes
    visible-string, utf8-string                str (visible-string octet by octet as Latin-1)
    float32, float64                           float
    date-time, date, time                      CosemDateTime, CosemDate, CosemTime
    compact-array                              CompactArray

Tags and sizes as in the Green Book's ASN.1 of `Data`, checked against published messages.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from enum import IntEnum
from functools import partial
from typing import Any, Final, NamedTuple

from openami.model.errors import DecodeError, LocalProtocolError
from openami.protocols.dlms.axdr import put_length, take_count, take_length
from openami.protocols.dlms.date_time import CosemDate, CosemDateTime, CosemTime
from openami.protocols.dlms.row import row_layout
from openami.protocols.wire.cursor import DEFAULT_LIMITS, Cursor, Limits
from openami.protocols.wire.declared import Codec, decode_all


class DataType(IntEnum):
    """The tags of `Data`."""

    NULL_DATA = 0
    ARRAY = 1
    STRUCTURE = 2
    BOOLEAN = 3
    BIT_STRING = 4
    DOUBLE_LONG = 5
    DOUBLE_LONG_UNSIGNED = 6
    OCTET_STRING = 9
    VISIBLE_STRING = 10
    UTF8_STRING = 12
    BCD = 13
    INTEGER = 15
    LONG = 16
    UNSIGNED = 17
    LONG_UNSIGNED = 18
    COMPACT_ARRAY = 19
    LONG64 = 20
    LONG64_UNSIGNED = 21
    ENUM = 22
    FLOAT32 = 23
    FLOAT64 = 24
    DATE_TIME = 25
    DATE = 26
    TIME = 27
    DONT_CARE = 255

    @property
    def text(self) -> str:
        """The standard's name: `double-long-unsigned`."""
        return self.name.lower().replace("_", "-")


class Data(NamedTuple):
    """One value and its type."""

    type: DataType
    value: Any


class TypeDescription(NamedTuple):
    """What each element of a compact array is: a type; for an array its length and one element's description, for a
    structure one description per element."""

    type: DataType
    elements: tuple[TypeDescription, ...] = ()
    count: int = 0


class CompactArray(NamedTuple):
    """Values of one type, whose description stands in front of them once."""

    description: TypeDescription
    contents: tuple[Data, ...]


_TYPES: Final = {int(kind): kind for kind in DataType}
_make: Final[Callable[[tuple[DataType, Any]], Data]] = partial(tuple.__new__, Data)

# Types of fixed size: how `struct` reads and writes the value.
_FORMATS: Final = {
    DataType.BOOLEAN: "?",
    DataType.DOUBLE_LONG: "i",
    DataType.DOUBLE_LONG_UNSIGNED: "I",
    DataType.BCD: "b",
    DataType.INTEGER: "b",
    DataType.LONG: "h",
    DataType.UNSIGNED: "B",
    DataType.LONG_UNSIGNED: "H",
    DataType.LONG64: "q",
    DataType.LONG64_UNSIGNED: "Q",
    DataType.ENUM: "B",
    DataType.FLOAT32: "f",
    DataType.FLOAT64: "d",
}
_STRUCTS: Final = {kind: struct.Struct(">" + text) for kind, text in _FORMATS.items()}
_FIXED: Final = {int(kind): (kind, made.size, made.unpack_from) for kind, made in _STRUCTS.items()}
_DATES: Final[dict[DataType, tuple[int, Any]]] = {
    DataType.DATE_TIME: (12, CosemDateTime),
    DataType.DATE: (5, CosemDate),
    DataType.TIME: (4, CosemTime),
}


def _decode(cursor: Cursor) -> Data:
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
    size, made = _DATES[kind]
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
        elements = _elements(cursor, count)
    else:
        elements = [cursor.field(f"[{index}]", _decode) for index in range(count)]
    cursor.leave()
    return tuple(elements)


def _elements(cursor: Cursor, count: int) -> list[Data]:
    elements: list[Data] = []
    append = elements.append
    try:
        while len(elements) < count:
            element = _decode(cursor)
            append(element)
            if element[0] is DataType.STRUCTURE and len(elements) < count:
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
        elif kind in _FORMATS:
            columns.append((bytes((kind,)), _FORMATS[kind]))
        else:
            return
    if not 0 < len(columns) < 0x80:
        return
    kinds = [kind for kind, _ in first.value]
    structure = DataType.STRUCTURE
    for values in row_layout(tuple(columns)).rows(cursor, count - len(elements)):
        elements.append(_make((structure, tuple(map(_make, zip(kinds, values, strict=True))))))


def _describe(cursor: Cursor) -> TypeDescription:
    tag = cursor.u8()
    kind = _TYPES.get(tag)
    if kind is None or kind is DataType.COMPACT_ARRAY:
        raise cursor.error(f"{tag:#04x} is no type of a compact array's elements", back=1)
    if kind not in _CONTAINERS:
        return TypeDescription(kind)
    cursor.enter()
    if kind is DataType.ARRAY:
        count = cursor.unsigned(2)
        made = TypeDescription(kind, (_describe(cursor),), count)
    else:
        count = take_length(cursor)
        cursor.count(count)
        made = TypeDescription(kind, tuple([_describe(cursor) for _ in range(count)]))
    cursor.leave()
    return made


def _decode_compact_array(cursor: Cursor) -> CompactArray:
    start = cursor.position - 1
    description = _describe(cursor)
    cursor.note("contents-description", start, description)
    start = cursor.position
    length = take_length(cursor)
    cursor.note("contents-length", start, length)
    return CompactArray(description, cursor.inside(length, partial(_decode_contents, description)))


def _decode_contents(description: TypeDescription, cursor: Cursor) -> tuple[Data, ...]:
    decode = partial(_decode_described, description)
    contents: list[Data] = []
    while cursor.position < cursor.end:
        start = cursor.position
        contents.append(cursor.field(f"[{len(contents)}]", decode))
        if cursor.position == start:
            raise cursor.error("a compact array has contents, but its elements take no bytes")
    return tuple(contents)


def _decode_described(description: TypeDescription, cursor: Cursor) -> Data:
    kind = description.type
    cursor.count(1)
    if kind not in _CONTAINERS:
        return Data(kind, _VALUES[kind](cursor))
    cursor.enter()
    inner = description.elements * (description.count if kind is DataType.ARRAY else 1)
    elements = [cursor.field(f"[{index}]", partial(_decode_described, each)) for index, each in enumerate(inner)]
    cursor.leave()
    return Data(kind, tuple(elements))


_CONTAINERS: Final = frozenset({DataType.ARRAY, DataType.STRUCTURE})
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
    **{kind: _decode_fixed(kind) for kind in _FORMATS},
    **{kind: _decode_date(kind) for kind in _DATES},
}


def _encode(data: Data, out: bytearray) -> None:
    kind = data.type
    out.append(kind)
    _encode_value(kind, data.value, out)


def _encode_value(kind: DataType, value: Any, out: bytearray) -> None:
    """Append what stands behind the tag."""
    if (packer := _STRUCTS.get(kind)) is not None:
        _encode_fixed(packer, kind, value, out)
    elif kind in _CONTAINERS:
        put_length(len(value), out)
        for element in value:
            _encode(element, out)
    elif kind in _DATES:
        out += _octets_of_date(kind, value)
    elif kind is DataType.BIT_STRING:
        _encode_bits(value, out)
    elif kind is DataType.COMPACT_ARRAY:
        _encode_compact_array(value, out)
    elif kind in _TEXTS:
        octets = value if isinstance(value, bytes) else value.encode(_TEXTS[kind])
        put_length(len(octets), out)
        out += octets
    elif value is not None:
        raise LocalProtocolError(f"{kind.text} has no value, not {value!r}")


_TEXTS: Final = {DataType.OCTET_STRING: "ascii", DataType.VISIBLE_STRING: "latin-1", DataType.UTF8_STRING: "utf-8"}


def _encode_fixed(packer: struct.Struct, kind: DataType, value: Any, out: bytearray) -> None:
    try:
        out += packer.pack(value)
    except (struct.error, OverflowError) as error:
        raise LocalProtocolError(f"{value!r} does not fit {kind.text}: {error}") from error


def _octets_of_date(kind: DataType, value: Any) -> bytes:
    size, made = _DATES[kind]
    if not isinstance(value, made):
        raise LocalProtocolError(f"{kind.text} of {size} octets expects {made.__name__}, not {value!r}")
    return bytes(value)


def _encode_bits(bits: str, out: bytearray) -> None:
    if bits.strip("01"):
        raise LocalProtocolError(f"a bit-string is written in 0 and 1, not {bits!r}")
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
        out += description.count.to_bytes(2, "big")
    elif description.type is DataType.STRUCTURE:
        put_length(len(description.elements), out)
    for element in description.elements:
        _encode_description(element, out)


def _encode_described(description: TypeDescription, data: Data, out: bytearray) -> None:
    kind = description.type
    if data.type is not kind:
        raise LocalProtocolError(f"a compact array of {kind.text} holds {data.type.text}")
    if kind not in _CONTAINERS:
        _encode_value(kind, data.value, out)
        return
    inner = description.elements * (description.count if kind is DataType.ARRAY else 1)
    if len(inner) != len(data.value):
        raise LocalProtocolError(f"a compact array's {kind.text} of {len(inner)} elements holds {len(data.value)}")
    for each, element in zip(inner, data.value, strict=True):
        _encode_described(each, element, out)


DATA: Final = Codec("data", _decode, _encode)


def decode_data(raw: bytes, limits: Limits = DEFAULT_LIMITS) -> Data:
    """The one value in `raw`; raise `DecodeError` if there is none or more."""
    return decode_all(DATA, raw, limits)


def encode_data(data: Data) -> bytes:
    """The octets of `data`; raise `LocalProtocolError` if a value does not fit its type."""
    out = bytearray()
    _encode(data, out)
    return bytes(out)


def skip_data(cursor: Cursor) -> bytes:
    """The octets of the next value, walked over without building it."""
    start = cursor.position
    pending = 1
    while pending:
        pending += _skip_one(cursor) - 1
    return cursor.data[start : cursor.position]


def _skip_one(cursor: Cursor) -> int:
    """Walk over one tag and its own octets; return how many elements follow."""
    tag = cursor.u8()
    size = _SIZES.get(tag)
    if size is not None:
        cursor.take(size)
    elif tag in _CONTAINERS:
        return take_count(cursor, "count")
    elif tag in _TEXTS:
        cursor.take(take_length(cursor))
    elif tag == DataType.BIT_STRING:
        cursor.take((take_length(cursor) + 7) // 8)
    elif tag == DataType.COMPACT_ARRAY:
        _describe(cursor)
        cursor.take(take_length(cursor))
    else:
        raise cursor.error(f"{tag:#04x} is no tag of Data", back=1)
    return 0


_SIZES: Final[dict[int, int]] = {
    DataType.NULL_DATA: 0,
    DataType.DONT_CARE: 0,
    **{kind: made.size for kind, made in _STRUCTS.items()},
    **{kind: size for kind, (size, _) in _DATES.items()},
}


def null() -> Data:
    return Data(DataType.NULL_DATA, None)


def array(*items: Data) -> Data:
    return Data(DataType.ARRAY, items)


def structure(*items: Data) -> Data:
    return Data(DataType.STRUCTURE, items)


def boolean(value: bool) -> Data:
    return Data(DataType.BOOLEAN, value)


def bit_string(value: str) -> Data:
    return Data(DataType.BIT_STRING, value)


def double_long(value: int) -> Data:
    return Data(DataType.DOUBLE_LONG, value)


def double_long_unsigned(value: int) -> Data:
    return Data(DataType.DOUBLE_LONG_UNSIGNED, value)


def octet_string(value: bytes) -> Data:
    return Data(DataType.OCTET_STRING, value)


def visible_string(value: str) -> Data:
    return Data(DataType.VISIBLE_STRING, value)


def utf8_string(value: str) -> Data:
    return Data(DataType.UTF8_STRING, value)


def bcd(value: int) -> Data:
    return Data(DataType.BCD, value)


def integer(value: int) -> Data:
    return Data(DataType.INTEGER, value)


def long(value: int) -> Data:
    return Data(DataType.LONG, value)


def unsigned(value: int) -> Data:
    return Data(DataType.UNSIGNED, value)


def long_unsigned(value: int) -> Data:
    return Data(DataType.LONG_UNSIGNED, value)


def long64(value: int) -> Data:
    return Data(DataType.LONG64, value)


def long64_unsigned(value: int) -> Data:
    return Data(DataType.LONG64_UNSIGNED, value)


def enum(value: int) -> Data:
    return Data(DataType.ENUM, value)


def float32(value: float) -> Data:
    return Data(DataType.FLOAT32, value)


def float64(value: float) -> Data:
    return Data(DataType.FLOAT64, value)


def date_time(value: CosemDateTime) -> Data:
    return Data(DataType.DATE_TIME, value)


def date(value: CosemDate) -> Data:
    return Data(DataType.DATE, value)


def time(value: CosemTime) -> Data:
    return Data(DataType.TIME, value)


def dont_care() -> Data:
    return Data(DataType.DONT_CARE, None)
