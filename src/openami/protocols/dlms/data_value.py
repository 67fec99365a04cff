"""The values of COSEM and their types.

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

from enum import IntEnum
from typing import Any, Final, NamedTuple

from openami.protocols.dlms.date_time import CosemDate, CosemDateTime, CosemTime


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
    """What each element of a compact array is.

    `elements` holds one description for an array, one per element for a structure, none else.
    """

    type: DataType
    elements: tuple[TypeDescription, ...] = ()
    number_of_elements: int = 0


class CompactArray(NamedTuple):
    """Values of one type, whose description stands in front of them once."""

    description: TypeDescription
    contents: tuple[Data, ...]


# Types of fixed size: how `struct` reads and writes the value.
FORMATS: Final = {
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
DATES: Final[dict[DataType, tuple[int, Any]]] = {
    DataType.DATE_TIME: (12, CosemDateTime),
    DataType.DATE: (5, CosemDate),
    DataType.TIME: (4, CosemTime),
}
CONTAINERS: Final = frozenset({DataType.ARRAY, DataType.STRUCTURE})
OCTETS_AND_TEXTS: Final = {
    DataType.OCTET_STRING: "ascii",
    DataType.VISIBLE_STRING: "latin-1",
    DataType.UTF8_STRING: "utf-8",
}
