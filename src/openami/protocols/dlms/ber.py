"""BER (ISO/IEC 8825-1) as far as ACSE needs it: definite lengths, and sequences declared as ASN.1 prints them.

    @sequence(0x62)
    class RLRQ:
        reason: Annotated[ReleaseRequestReason | None, Component(0x80, …)] = None

makes a frozen, slotted dataclass whose optional fields are the tagged components, in order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from enum import IntEnum
from typing import Any, Final, NamedTuple, TypeVar, dataclass_transform, get_type_hints

from openami.model.errors import LocalProtocolError
from openami.protocols.dlms.axdr import put_length, take_length
from openami.protocols.wire.cursor import Cursor
from openami.protocols.wire.declared import Codec

C = TypeVar("C")
T = TypeVar("T")
E = TypeVar("E", bound=IntEnum)


def take_tagged(cursor: Cursor, tag: int, decode: Callable[[Cursor], T]) -> T:
    """The value behind `tag` and its length; `decode` has to use all of it."""
    start = cursor.position
    found = cursor.u8()
    if found != tag:
        raise cursor.error(f"BER tag {tag:#04x} expected, not {found:#04x}", back=1)
    length = take_length(cursor)
    cursor.note(f"tag {tag:02x}", start, length)
    return cursor.inside(length, decode)


def put_tagged(tag: int, content: bytes | bytearray, out: bytearray) -> None:
    """Append tag, length and `content`."""
    out.append(tag)
    put_length(len(content), out)
    out += content


def tagged(tag: int, codec: Codec[T]) -> Codec[T]:
    """`codec` behind a tag and a length."""

    def decode(cursor: Cursor) -> T:
        return take_tagged(cursor, tag, codec.decode)

    def encode(value: T, out: bytearray) -> None:
        content = bytearray()
        codec.encode(value, content)
        put_tagged(tag, content, out)

    return Codec(codec.name, decode, encode)


def contents(name: str, take: Callable[[Cursor], T], put: Callable[[T], bytes]) -> Codec[T]:
    """A primitive value: the octets up to the end of what encloses it."""

    def decode(cursor: Cursor) -> T:
        start = cursor.position
        value = take(cursor)
        cursor.note(name, start, value)
        return value

    def encode(value: T, out: bytearray) -> None:
        out += put(value)

    return Codec(name, decode, encode)


def _take_integer(cursor: Cursor) -> int:
    size = cursor.remaining
    if not 1 <= size <= 8:
        raise cursor.error(f"integer of {size} bytes, 1 to 8 are possible")
    return cursor.signed(size)


def _put_integer(value: int) -> bytes:
    return value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)


OCTETS: Final = contents("octets", Cursor.take_rest, bytes)
OCTET_STRING: Final = tagged(0x04, OCTETS)
INTEGER_OCTETS: Final = contents("integer", _take_integer, _put_integer)
INTEGER: Final = tagged(0x02, INTEGER_OCTETS)


def enumerated_integer(kind: type[E], name: str) -> Codec[E]:
    """The contents of an INTEGER that has to be a member of `kind`."""
    members = {int(member): member for member in kind}

    def take(cursor: Cursor) -> E:
        start = cursor.position
        code = _take_integer(cursor)
        if code not in members:
            cursor.position = start
            raise cursor.error(f"{code} is no {name}")
        return members[code]

    return contents(name, take, _put_integer)


class Component(NamedTuple):
    """One component of a sequence: its tag and what stands behind tag and length."""

    tag: int
    codec: Codec[Any]


@dataclass(frozen=True, slots=True)
class _Sequence:
    """The components of one sequence by tag, and how to make it of their values by name."""

    made: type[Any]
    tag: int
    components: dict[int, tuple[str, Codec[Any]]]

    def decode(self, cursor: Cursor) -> Any:
        return take_tagged(cursor, self.tag, self._decode_components)

    def _decode_components(self, cursor: Cursor) -> Any:
        values: dict[str, Any] = {}
        while cursor.remaining:
            tag = cursor.peek()
            name, codec = self.components.get(tag, ("", OCTETS))
            if not name:
                raise cursor.error(f"{tag:#04x} is no component of {self.made.__name__}")
            if name in values:
                raise cursor.error(f"{name} stands twice in {self.made.__name__}")
            values[name] = cursor.field(name, codec.decode)
        missing = [each.name for each in fields(self.made) if each.name not in values and each.default is not None]
        if missing:
            raise cursor.error(f"{self.made.__name__} without {' and '.join(missing)}")
        return self.made(**values)

    def encode(self, value: Any, out: bytearray) -> None:
        body = bytearray()
        for name, codec in self.components.values():
            part = getattr(value, name)
            if part is None:
                continue
            try:
                codec.encode(part, body)
            except (OverflowError, ValueError, TypeError, AttributeError) as error:
                raise LocalProtocolError(f"{self.made.__name__}.{name}: {error}") from error
        put_tagged(self.tag, body, out)


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def sequence(tag: int) -> Callable[[type[C]], type[C]]:
    """Make a frozen, slotted dataclass whose fields, annotated with a `Component`, are a tagged BER sequence."""

    def decorate(cls: type[C]) -> type[C]:
        made = dataclass(frozen=True, slots=True)(cls)
        growing: Any = made  # the same class, which gets its codec here
        hints = get_type_hints(cls, include_extras=True)
        components = {}
        for each in fields(growing):
            (part,) = [extra for extra in hints[each.name].__metadata__ if isinstance(extra, Component)]
            components[part.tag] = (each.name, tagged(part.tag, part.codec))
        plan = _Sequence(made, tag, components)
        growing.CODEC = Codec(cls.__name__, plan.decode, plan.encode)
        return made

    return decorate
