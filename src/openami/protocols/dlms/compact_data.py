"""Compact data: values without tags in one octet-string, their types in another.

The buffer is one octet of template_id and the values of a structure as they stand in a compact-array; the template
is the structure's type description. This layout is our reading of descriptions of the class and of published
compact frames; the book was not at hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from openami.model.errors import DecodeError, LocalProtocolError
from openami.protocols.dlms.axdr import put_length, take_length
from openami.protocols.dlms.data import CompactArray, Data, DataType, TypeDescription, decode_data, encode_data
from openami.protocols.wire.cursor import Cursor, Limits

COMPACT_ARRAY: Final = bytes((DataType.COMPACT_ARRAY,))

LIMITS: Final = Limits(bytes=1 << 16, elements=1 << 12)
"""A compact buffer is small by its nature; a template of a few octets can claim many elements that take none."""


def encode_compact(template_id: int, values: Sequence[Data]) -> tuple[bytes, bytes]:
    """The compact_buffer and the template_description of `values`."""
    row = Data(DataType.STRUCTURE, tuple(values))
    description = description_of(row)
    whole = encode_data(Data(DataType.COMPACT_ARRAY, CompactArray(description, (row,))))
    template = encode_data(Data(DataType.COMPACT_ARRAY, CompactArray(description, ())))[1:-1]
    contents = Cursor(whole[1 + len(template) :])
    take_length(contents)
    return bytes((template_id,)) + contents.take_rest(), template


def decode_compact(buffer: bytes, template_description: bytes, template_id: int | None = None) -> tuple[Data, ...]:
    """The values in a compact_buffer; raises `DecodeError` where it does not fit its template.

    `template_id`, if given, is the one that the description belongs to.
    """
    if not buffer:
        return ()
    if template_id is not None and buffer[0] != template_id:
        raise DecodeError(f"the buffer is of template {buffer[0]}, the description of template {template_id}", 0)
    contents = bytearray()
    put_length(len(buffer) - 1, contents)
    data = decode_data(COMPACT_ARRAY + template_description + bytes(contents) + buffer[1:], LIMITS)
    rows: tuple[Data, ...] = data.value.contents
    if len(rows) != 1 or rows[0].type is not DataType.STRUCTURE:
        raise DecodeError(f"a compact buffer holds one structure, this one {len(rows)} values", 1)
    values: tuple[Data, ...] = rows[0].value
    return values


def description_of(data: Data) -> TypeDescription:
    """The type description of a value; raises `LocalProtocolError` for arrays of different types."""
    if data.type is DataType.STRUCTURE:
        return TypeDescription(data.type, tuple(description_of(element) for element in data.value))
    if data.type is not DataType.ARRAY:
        return TypeDescription(data.type)
    kinds = {description_of(element) for element in data.value}
    if len(kinds) != 1:
        raise LocalProtocolError(f"an array of {len(kinds)} types of elements has no type description")
    return TypeDescription(data.type, tuple(kinds), len(data.value))
