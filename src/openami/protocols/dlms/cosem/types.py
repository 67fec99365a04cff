"""The types of COSEM attributes and method parameters, as the interface classes print them.

A `CosemType` joins one printed type to one Python type: `to_data` gives the A-XDR value that goes on the wire,
`from_data` checks what came and gives the Python value. `from_data` fails only with `DecodeError`; its offset is
always 0, because a `Data` no longer knows where it stood.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any, Generic, SupportsBytes, TypeVar, dataclass_transform, get_type_hints

from openami.model.errors import DecodeError
from openami.model.obis import ObisCode
from openami.protocols.dlms.data import Data, DataType
from openami.protocols.dlms.date_time import CosemDate, CosemDateTime, CosemTime

T = TypeVar("T")
C = TypeVar("C")
E = TypeVar("E", bound=IntEnum)
Octets = TypeVar("Octets", bound=SupportsBytes)


@dataclass(frozen=True, slots=True)
class CosemType(Generic[T]):
    """`name` is how the standard prints the type; see the module for `to_data` and `from_data`."""

    name: str
    to_data: Callable[[T], Data]
    from_data: Callable[[Data], T]

    def __repr__(self) -> str:
        return self.name


def mismatch(expected: str, data: Data) -> DecodeError:
    """The error for a value of another type than printed."""
    return DecodeError(f"{expected} expected, {data.type.text} found", 0)


def _scalar(kind: DataType, _python: type[T]) -> CosemType[T]:
    name = kind.text

    def to_data(value: T) -> Data:
        return Data(kind, value)

    def from_data(data: Data) -> T:
        if data.type is not kind:
            raise mismatch(name, data)
        value: T = data.value
        return value

    return CosemType(name, to_data, from_data)


BOOLEAN = _scalar(DataType.BOOLEAN, bool)
BIT_STRING = _scalar(DataType.BIT_STRING, str)
INTEGER = _scalar(DataType.INTEGER, int)
LONG = _scalar(DataType.LONG, int)
DOUBLE_LONG = _scalar(DataType.DOUBLE_LONG, int)
LONG64 = _scalar(DataType.LONG64, int)
UNSIGNED = _scalar(DataType.UNSIGNED, int)
LONG_UNSIGNED = _scalar(DataType.LONG_UNSIGNED, int)
DOUBLE_LONG_UNSIGNED = _scalar(DataType.DOUBLE_LONG_UNSIGNED, int)
LONG64_UNSIGNED = _scalar(DataType.LONG64_UNSIGNED, int)
OCTET_STRING = _scalar(DataType.OCTET_STRING, bytes)
VISIBLE_STRING = _scalar(DataType.VISIBLE_STRING, str)
UTF8_STRING = _scalar(DataType.UTF8_STRING, str)
ENUM = _scalar(DataType.ENUM, int)

ANY: CosemType[Data] = CosemType("CHOICE", lambda value: value, lambda data: data)
"""Any simple or complex type: the printed CHOICE is open, the value keeps its own type."""


def _structure_from_data(data: Data) -> Data:
    if data.type is not DataType.STRUCTURE:
        raise mismatch("structure", data)
    return data


STRUCTURE: CosemType[Data] = CosemType("structure", lambda value: value, _structure_from_data)
"""A structure whose fields are not declared: it differs between editions, or nothing at hand prints it."""


def _read(kind: str, data: Data, parse: Callable[[bytes], T]) -> T:
    if data.type is not DataType.OCTET_STRING:
        raise mismatch(kind, data)
    try:
        return parse(data.value)
    except ValueError as error:
        raise DecodeError(f"{kind}: {error}", 0) from error


def _octets(kind: str, parse: Callable[[bytes], Octets], own: DataType | None = None) -> CosemType[Octets]:
    """An octet-string with a meaning; `own` is the tag that some meters use instead of octet-string."""

    def to_data(value: Octets) -> Data:
        return Data(DataType.OCTET_STRING, bytes(value))

    def from_data(data: Data) -> Octets:
        if own is not None and data.type is own:
            value: Octets = data.value
            return value
        return _read(kind, data, parse)

    return CosemType(kind, to_data, from_data)


LOGICAL_NAME = _octets("octet-string(6)", ObisCode.from_bytes)
DATE_TIME_OCTETS = _octets("octet-string(12)", CosemDateTime.from_bytes, DataType.DATE_TIME)
DATE_OCTETS = _octets("octet-string(5)", CosemDate.from_bytes, DataType.DATE)
TIME_OCTETS = _octets("octet-string(4)", CosemTime.from_bytes, DataType.TIME)
DATE_TIME: CosemType[CosemDateTime] = CosemType(
    "date-time", lambda value: Data(DataType.DATE_TIME, value), DATE_TIME_OCTETS.from_data
)
"""A date-time under its own tag; octets are understood too."""


def enum_of(enumeration: type[E]) -> CosemType[E]:
    """An enum whose values are declared."""

    def to_data(value: E) -> Data:
        return Data(DataType.ENUM, int(value))

    def from_data(data: Data) -> E:
        if data.type is not DataType.ENUM:
            raise mismatch("enum", data)
        try:
            return enumeration(data.value)
        except ValueError as error:
            raise DecodeError(f"enum {data.value} is not one of {enumeration.__name__}", 0) from error

    return CosemType(f"enum ({enumeration.__name__})", to_data, from_data)


def array_of(of: CosemType[T]) -> CosemType[tuple[T, ...]]:
    """An array of one type."""

    def to_data(values: tuple[T, ...]) -> Data:
        return Data(DataType.ARRAY, tuple(of.to_data(value) for value in values))

    def from_data(data: Data) -> tuple[T, ...]:
        if data.type is not DataType.ARRAY:
            raise mismatch("array", data)
        return tuple(of.from_data(item) for item in data.value)

    return CosemType(f"array of {of.name}", to_data, from_data)


def structure_of(name: str, make: Callable[..., T], parts: tuple[tuple[str, CosemType[Any]], ...]) -> CosemType[T]:
    """A structure whose fields are the attributes `parts` of the Python value, in order."""

    def to_data(value: T) -> Data:
        return Data(DataType.STRUCTURE, tuple(of.to_data(getattr(value, part)) for part, of in parts))

    def from_data(data: Data) -> T:
        if data.type is not DataType.STRUCTURE:
            raise mismatch(name, data)
        if len(data.value) != len(parts):
            raise DecodeError(f"{name} has {len(parts)} fields, {len(data.value)} found", 0)
        return make(*(_part(name, part, of, item) for (part, of), item in zip(parts, data.value, strict=True)))

    return CosemType(name, to_data, from_data)


def _part(structure: str, name: str, of: CosemType[T], data: Data) -> T:
    try:
        return of.from_data(data)
    except DecodeError as error:
        error.path = (structure, name, *error.path)
        raise


@dataclass_transform(frozen_default=True)
def cosem_structure(cls: type[C]) -> type[C]:
    """Make a frozen dataclass of `cls`; its fields, annotated with their `CosemType`, are the structure's elements."""
    made: type[Any] = dataclass(frozen=True, slots=True)(cls)
    hints = get_type_hints(cls, include_extras=True)
    parts = tuple((field.name, hints[field.name].__metadata__[0]) for field in fields(made))
    _STRUCTURES[made] = structure_of(cls.__name__, made, parts)
    return made


_STRUCTURES: dict[type[Any], CosemType[Any]] = {}


def structure_type(cls: type[C]) -> CosemType[C]:
    """The type of a class that was made by `cosem_structure`."""
    return _STRUCTURES[cls]
