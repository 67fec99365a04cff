"""A-XDR (IEC 61334-6) as DLMS uses it: lengths, octet strings, choices, options and lists as field codecs."""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import Any, Final, TypeVar

from openami.model.errors import LocalProtocolError
from openami.model.obis import ObisCode
from openami.protocols.wire.cursor import Cursor
from openami.protocols.wire.declared import Codec

T = TypeVar("T")
E = TypeVar("E", bound=IntEnum)

_LONGEST_LENGTH: Final = 4


def take_length(cursor: Cursor) -> int:
    """A length: one byte below 128, else 0x81..0x84 and that many bytes."""
    first = cursor.u8()
    if first < 0x80:
        return first
    size = first & 0x7F
    if not 1 <= size <= _LONGEST_LENGTH:
        raise cursor.error(f"length of {size} bytes, 1 to {_LONGEST_LENGTH} are possible", back=1)
    return int.from_bytes(cursor.take(size), "big")


def put_length(length: int, out: bytearray) -> None:
    """Append `length` in its shortest form."""
    if length < 0x80:
        out.append(length)
        return
    size = (length.bit_length() + 7) // 8
    out.append(0x80 | size)
    out += length.to_bytes(size, "big")


def take_count(cursor: Cursor, what: str) -> int:
    """The number of elements of `what`; each takes a byte at least, so that no claim exceeds what is there."""
    start = cursor.position
    count = take_length(cursor)
    if count > cursor.end - cursor.position:
        raise cursor.error(f"{what} of {count} elements, {cursor.remaining} bytes left")
    cursor.count(count)
    cursor.note(what, start, count)
    return count


def _take_octets(cursor: Cursor) -> bytes:
    start = cursor.position
    length = take_length(cursor)
    cursor.note("length", start, length)
    start = cursor.position
    octets = cursor.take(length)
    cursor.note("octets", start, octets)
    return octets


def _put_octets(octets: bytes, out: bytearray) -> None:
    put_length(len(octets), out)
    out += octets


OCTET_STRING: Final = Codec("octet-string", _take_octets, _put_octets)
LENGTH: Final = Codec("length", take_length, put_length)


def _take_boolean(cursor: Cursor) -> bool:
    return cursor.u8() != 0


def _put_boolean(value: bool, out: bytearray) -> None:
    out.append(1 if value else 0)


BOOLEAN: Final = Codec("boolean", _take_boolean, _put_boolean)


def _take_logical_name(cursor: Cursor) -> ObisCode:
    return ObisCode.from_bytes(cursor.take(6))


def _put_logical_name(value: ObisCode, out: bytearray) -> None:
    out += bytes(value)


LOGICAL_NAME: Final = Codec("logical-name", _take_logical_name, _put_logical_name)


def optional(codec: Codec[T], *, strict: bool = False) -> Codec[T | None]:
    """A value behind a flag: 0 = absent, anything else = present. The standard says 1, and so does `strict`."""

    def decode(cursor: Cursor) -> T | None:
        start = cursor.position
        flag = cursor.u8()
        if strict and flag > 1:
            raise cursor.error(f"{flag} is no flag of an optional {codec.name}", back=1)
        present = flag != 0
        cursor.note("present", start, present)
        return cursor.field(codec.name, codec.decode) if present else None

    def encode(value: T | None, out: bytearray) -> None:
        if value is None:
            out.append(0)
            return
        out.append(1)
        codec.encode(value, out)

    return Codec(f"optional {codec.name}", decode, encode)


def sequence_of(codec: Codec[T]) -> Codec[tuple[T, ...]]:
    """A count and that many values."""

    def decode(cursor: Cursor) -> tuple[T, ...]:
        count = take_count(cursor, "count")
        return tuple(cursor.field(f"[{index}]", codec.decode) for index in range(count))

    def encode(values: tuple[T, ...], out: bytearray) -> None:
        put_length(len(values), out)
        for value in values:
            codec.encode(value, out)

    return Codec(f"sequence of {codec.name}", decode, encode)


def enumerated(kind: type[E], name: str) -> Codec[E]:
    """One byte of the standard's list `kind`; other values are refused."""
    members = {int(member): member for member in kind}

    def decode(cursor: Cursor) -> E:
        code = cursor.u8()
        member = members.get(code)
        if member is None:
            raise cursor.error(f"{code} is no {name}", back=1)
        return member

    def encode(value: E, out: bytearray) -> None:
        if value not in members:
            raise LocalProtocolError(f"{value} is no {name}")
        out.append(value)

    return Codec(name, decode, encode)


def choice(name: str, cases: dict[int, tuple[type, Codec[Any]]]) -> Codec[Any]:
    """A byte that says which of `cases` follows; when encoding, the value's Python type says it."""

    def decode(cursor: Cursor) -> Any:
        start = cursor.position
        chosen = cursor.u8()
        case = cases.get(chosen)
        if case is None:
            raise cursor.error(f"{chosen} is no choice of {name}", back=1)
        cursor.note("choice", start, chosen)
        return cursor.field(case[1].name, case[1].decode)

    def encode(value: Any, out: bytearray) -> None:
        for chosen, (kind, codec) in cases.items():
            if isinstance(value, kind):
                out.append(chosen)
                codec.encode(value, out)
                return
        raise TypeError(f"{type(value).__name__} is no choice of {name}")

    return Codec(name, decode, encode)


def hyphenated(member: IntEnum | IntFlag) -> str:
    """The standard's spelling of an enumeration's member: `READ_WRITE_DENIED` → `read-write-denied`."""
    return str(member.name).lower().replace("_", "-")
