"""Selective access to the buffer of a profile: by range of a restricting column, or by entry numbers.

Selector 1 and 2 of ProfileGeneric (Blue Book, as shown by published requests).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from openami.model.errors import DecodeError
from openami.model.obis import ObisCode
from openami.protocols.dlms.data import (
    Data,
    DataType,
    array,
    decode_data,
    double_long_unsigned,
    encode_data,
    integer,
    long_unsigned,
    octet_string,
    structure,
)
from openami.protocols.dlms.descriptor import SelectiveAccess


@dataclass(frozen=True, slots=True)
class CaptureObjectDefinition:
    """One column of a profile: an attribute of an object, `data_index` 0 for the whole attribute."""

    class_id: int
    logical_name: ObisCode
    attribute_index: int
    data_index: int = 0

    def to_data(self) -> Data:
        """The structure that stands in `capture_objects`."""
        return structure(
            long_unsigned(self.class_id),
            octet_string(bytes(self.logical_name)),
            integer(self.attribute_index),
            long_unsigned(self.data_index),
        )

    @classmethod
    def from_data(cls, data: Data) -> CaptureObjectDefinition:
        """Read the structure; raise `DecodeError` if it is none."""
        fields = _fields(data, "capture object definition", _CAPTURE_OBJECT)
        if len(fields[1]) != 6:
            raise DecodeError(f"a logical name has 6 octets, not {len(fields[1])}", 0, ("logical_name",))
        return cls(fields[0], ObisCode.from_bytes(fields[1]), fields[2], fields[3])


_CAPTURE_OBJECT = (DataType.LONG_UNSIGNED, DataType.OCTET_STRING, DataType.INTEGER, DataType.LONG_UNSIGNED)
_ENTRIES = (
    DataType.DOUBLE_LONG_UNSIGNED,
    DataType.DOUBLE_LONG_UNSIGNED,
    DataType.LONG_UNSIGNED,
    DataType.LONG_UNSIGNED,
)
_RANGE = (DataType.STRUCTURE, None, None, DataType.ARRAY)


@dataclass(frozen=True, slots=True)
class RangeDescriptor:
    """Rows whose `restricting_object` lies between two values, both included; no selected values: all columns."""

    restricting_object: CaptureObjectDefinition
    from_value: Data
    to_value: Data
    selected_values: tuple[CaptureObjectDefinition, ...] = ()

    access_selector: ClassVar[int] = 1

    def to_data(self) -> Data:
        """The access parameters."""
        columns = array(*(column.to_data() for column in self.selected_values))
        return structure(self.restricting_object.to_data(), self.from_value, self.to_value, columns)

    @classmethod
    def from_data(cls, data: Data) -> RangeDescriptor:
        """Read access parameters; raise `DecodeError` if they are no range descriptor."""
        _fields(data, "range descriptor", _RANGE)
        restricting, low, high, columns = data.value
        selected = tuple(CaptureObjectDefinition.from_data(column) for column in columns.value)
        return cls(CaptureObjectDefinition.from_data(restricting), low, high, selected)


@dataclass(frozen=True, slots=True)
class EntryDescriptor:
    """Rows and columns by number, counted from 1; `to_entry` 0 and `to_selected_value` 0 mean the last."""

    from_entry: int
    to_entry: int
    from_selected_value: int = 1
    to_selected_value: int = 0

    access_selector: ClassVar[int] = 2

    def to_data(self) -> Data:
        """The access parameters."""
        return structure(
            double_long_unsigned(self.from_entry),
            double_long_unsigned(self.to_entry),
            long_unsigned(self.from_selected_value),
            long_unsigned(self.to_selected_value),
        )

    @classmethod
    def from_data(cls, data: Data) -> EntryDescriptor:
        """Read access parameters; raise `DecodeError` if they are no entry descriptor."""
        return cls(*_fields(data, "entry descriptor", _ENTRIES))


def access_of(selection: RangeDescriptor | EntryDescriptor) -> SelectiveAccess:
    """What stands in a request for `selection`."""
    return SelectiveAccess(selection.access_selector, encode_data(selection.to_data()))


def selection_of(access: SelectiveAccess) -> RangeDescriptor | EntryDescriptor:
    """What `access` selects of a profile; raise `DecodeError` if it is neither a range nor entries."""
    for kind in (RangeDescriptor, EntryDescriptor):
        if kind.access_selector == access.access_selector:
            return kind.from_data(decode_data(access.access_parameters))
    raise DecodeError(f"access selector {access.access_selector} is neither by range (1) nor by entry (2)", 0)


def _fields(data: Data, what: str, types: tuple[DataType | None, ...]) -> list[Any]:
    """The values of the structure `data`, whose elements have to be of `types` (`None`: any)."""
    if data.type is not DataType.STRUCTURE or len(data.value) != len(types):
        raise DecodeError(f"a {what} is a structure of {len(types)} elements, not {data.type.text}", 0)
    for index, (element, expected) in enumerate(zip(data.value, types, strict=True)):
        if expected is not None and element.type is not expected:
            raise DecodeError(f"a {what} has {expected.text} here, not {element.type.text}", 0, (f"[{index}]",))
    return [element.value for element in data.value]
