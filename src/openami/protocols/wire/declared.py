"""Wire structures are declared as the standard prints them; their codecs are compiled from that list.

    @declared
    class CosemAttributeDescriptor:
        class_id: Annotated[int, UNSIGNED16]
        instance_id: Annotated[ObisCode, LOGICAL_NAME]
        attribute_id: Annotated[int, SIGNED8]

makes a frozen, slotted dataclass with `decode(cursor)` and `encode(out)`. A field's annotation names its
codec; a field whose type is itself declared needs no `Annotated`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, Generic, TypeVar, dataclass_transform, get_type_hints

from openami.model.errors import DecodeError, LocalProtocolError
from openami.protocols.wire.cursor import DEFAULT_LIMITS, Cursor, Limits, Span

T = TypeVar("T")
C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class Codec(Generic[T]):
    """How one kind of field stands in the bytes.

    `decode` reads a value and fails only with `DecodeError`; `encode` appends a value to a buffer and fails
    with `LocalProtocolError` when the value does not fit.
    """

    name: str
    decode: Callable[[Cursor], T]
    encode: Callable[[T, bytearray], None]


def codec_of(hint: Any) -> Codec[Any]:
    """The codec that a field's type hint names; raise `TypeError` if it names none."""
    for extra in getattr(hint, "__metadata__", ()):
        if isinstance(extra, Codec):
            return extra
    codec = getattr(hint, "CODEC", None)
    if isinstance(codec, Codec):
        return codec
    raise TypeError(f"{hint!r} names no codec")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def declared(cls: type[C]) -> type[C]:
    """Make a frozen, slotted dataclass of `cls` whose fields are its wire format, in order."""
    made = dataclass(frozen=True, slots=True)(cls)
    growing: Any = made  # the same class, which gets attributes here that its declaration does not list
    hints = get_type_hints(cls, include_extras=True)
    plan = [(each.name, codec_of(hints[each.name])) for each in fields(growing)]
    decoders = [(name, codec.decode) for name, codec in plan]
    encoders = [(name, codec.encode) for name, codec in plan]

    def decode(cursor: Cursor) -> C:
        if cursor.spans is not None:
            return made(*[cursor.field(name, decode_field) for name, decode_field in decoders])
        values: list[Any] = []
        try:
            for _, decode_field in decoders:
                values.append(decode_field(cursor))
        except DecodeError as error:
            error.path = (decoders[len(values)][0], *error.path)
            raise
        return made(*values)

    def encode(self: C, out: bytearray) -> None:
        for name, encode_field in encoders:
            try:
                encode_field(getattr(self, name), out)
            except (OverflowError, ValueError, TypeError, AttributeError) as error:
                raise LocalProtocolError(f"{cls.__name__}.{name}: {error}") from error

    growing.CODEC = Codec(cls.__name__, decode, encode)
    growing.decode = staticmethod(decode)
    growing.encode = encode
    return made


def decode_all(codec: Codec[T], data: bytes, limits: Limits = DEFAULT_LIMITS) -> T:
    """Decode `data`, which must hold exactly one value; raise `DecodeError` otherwise."""
    cursor = Cursor(data, limits)
    value = _named(codec, cursor)
    cursor.finish()
    return value


def encode_all(codec: Codec[T], value: T) -> bytes:
    """The bytes of `value`."""
    out = bytearray()
    codec.encode(value, out)
    return bytes(out)


def explain(codec: Codec[T], data: bytes, limits: Limits = DEFAULT_LIMITS) -> tuple[T, list[Span]]:
    """Decode like `decode_all` and say what each byte means: one span per field, innermost first."""
    cursor = Cursor(data, limits, explain=True)
    value = cursor.field(codec.name, codec.decode)
    cursor.finish()
    return value, cursor.spans or []


def _named(codec: Codec[T], cursor: Cursor) -> T:
    try:
        return codec.decode(cursor)
    except DecodeError as error:
        error.path = (codec.name, *error.path)
        raise
