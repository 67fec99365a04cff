"""SML's sequences, declared as their list of fields; reading and writing are compiled from the list.

@sequence
class GetListRequest:
client_id: Annotated[bytes, OCTET_STRING]
server_id: Annotated[bytes | None, optional(OCTET_STRING)]
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, Final, Generic, TypeVar, dataclass_transform, get_type_hints

from openami.model.errors import LocalProtocolError
from openami.protocols.sml.element import Element, Integer, Unsigned, integer, unsigned

T = TypeVar("T")
C = TypeVar("C")


class Misfit(Exception):
    """An element is not of the kind that stands here; `indexes` lead to it. Never leaves this room."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.path: list[str] = []
        self.indexes: list[int] = []

    def inside(self, name: str, index: int) -> None:
        """One level out: the element is number `index`, called `name`."""
        self.path.insert(0, name)
        self.indexes.insert(0, index)


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """What may stand in a place: `read` raises `Misfit`, `write` raises `LocalProtocolError`."""

    name: str
    read: Callable[[Element], T]
    write: Callable[[T], Element]
    parts: Callable[[Element], list[tuple[str, Kind[Any]]]] = lambda _element: []
    """The named parts of an element that fits, if it is a list."""


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def sequence(cls: type[C]) -> type[C]:
    """Make a frozen dataclass whose fields are the elements of an SML list, in order."""
    made = dataclass(frozen=True, slots=True)(cls)
    growing: Any = made  # the same class, which gets its kind here
    hints = get_type_hints(cls, localns={cls.__name__: cls}, include_extras=True)
    plan = [(each.name, _kind(hints[each.name])) for each in fields(growing)]
    readers = [kind.read for _, kind in plan]
    count = len(plan)

    def read(element: Element) -> C:
        if not isinstance(element, list) or len(element) != count:
            raise Misfit(f"{cls.__name__} is a list of {count}, not {shape(element)}")
        values: list[Any] = []
        try:
            for reader, part in zip(readers, element, strict=True):
                values.append(reader(part))
        except Misfit as error:
            error.inside(plan[len(values)][0], len(values))
            raise
        return made(*values)

    def write(value: C) -> Element:
        return [_written(cls.__name__, name, kind, getattr(value, name)) for name, kind in plan]

    growing.KIND = Kind(cls.__name__, read, write, lambda _element: plan)
    return made


@dataclass_transform(frozen_default=True)
def as_it_came(cls: type[C]) -> type[C]:
    """Make a frozen dataclass with the one field `content`: an element whose parts have no names here."""
    made = dataclass(frozen=True, slots=True)(cls)
    growing: Any = made  # the same class, which gets its kind here
    growing.KIND = Kind(cls.__name__, growing, lambda value: value.content)
    return made


def _kind(hint: Any) -> Kind[Any]:
    for extra in getattr(hint, "__metadata__", ()):
        if isinstance(extra, Kind):
            return extra
    raise TypeError(f"{hint!r} names no kind")


def _written(owner: str, name: str, kind: Kind[Any], value: Any) -> Element:
    try:
        return kind.write(value)
    except (TypeError, ValueError, AttributeError) as error:
        raise LocalProtocolError(f"{owner}.{name}: {error}") from error


def shape(element: Element) -> str:
    """What an element is, for messages."""
    if element is None:
        return "left out"
    if isinstance(element, list):
        return f"a list of {len(element)}"
    return {"bytes": "an octet string", "bool": "a boolean"}.get(type(element).__name__, type(element).__name__)


def _expect(name: str, kind: type[T]) -> Callable[[Element], T]:
    def read(element: Element) -> T:
        if isinstance(element, kind):
            return element
        raise Misfit(f"{name} expected, found {shape(element)}")

    return read


def _read_octets(element: Element) -> bytes:
    if element is None:
        return b""  # an empty octet string has the coding of one that was left out
    if isinstance(element, bytes):
        return element
    raise Misfit(f"an octet string expected, found {shape(element)}")


def _octets(value: bytes) -> Element:
    return bytes(value)


def _unsigned(size: int) -> Kind[int]:
    def write(value: int) -> Element:
        return value if isinstance(value, Unsigned) else unsigned(value, size)

    return Kind(f"Unsigned{8 * size}", _expect(f"Unsigned{8 * size}", Unsigned), write)


def _integer(size: int) -> Kind[int]:
    def write(value: int) -> Element:
        return value if isinstance(value, Integer) else integer(value, size)

    return Kind(f"Integer{8 * size}", _expect(f"Integer{8 * size}", Integer), write)


def _same(element: Element) -> Element:
    return element


OCTET_STRING: Final[Kind[bytes]] = Kind("octet string", _read_octets, _octets)
BOOLEAN: Final[Kind[bool]] = Kind("boolean", _expect("a boolean", bool), bool)
UNSIGNED8, UNSIGNED16, UNSIGNED32, UNSIGNED64 = (_unsigned(size) for size in (1, 2, 4, 8))
INTEGER8, INTEGER16, INTEGER64 = (_integer(size) for size in (1, 2, 8))
ANY: Final[Kind[Element]] = Kind("any", _same, _same)


def optional(kind: Kind[T]) -> Kind[T | None]:
    """`kind`, or left out."""
    inner_read, inner_write = kind.read, kind.write

    def read(element: Element) -> T | None:
        return None if element is None else inner_read(element)

    def write(value: T | None) -> Element:
        return None if value is None else inner_write(value)

    return Kind(kind.name, read, write, lambda element: [] if element is None else kind.parts(element))


def list_of(kind: Kind[T]) -> Kind[tuple[T, ...]]:
    """Any number of `kind`."""
    inner_read = kind.read

    def read(element: Element) -> tuple[T, ...]:
        if not isinstance(element, list):
            raise Misfit(f"a list of {kind.name} expected, found {shape(element)}")
        values: list[T] = []
        try:
            for part in element:
                values.append(inner_read(part))  # noqa: PERF401  # its length names the place of an error
        except Misfit as error:
            error.inside(f"[{len(values)}]", len(values))
            raise
        return tuple(values)

    def parts(element: Element) -> list[tuple[str, Kind[Any]]]:
        return [(f"[{index}]", kind) for index in range(len(element) if isinstance(element, list) else 0)]

    return Kind(f"list of {kind.name}", read, lambda values: [kind.write(value) for value in values], parts)


def later(name: str, kind: Callable[[], Kind[T]]) -> Kind[T]:
    """A kind that is defined further down: trees hold trees."""
    return Kind(
        name,
        lambda element: kind().read(element),
        lambda value: kind().write(value),
        lambda element: kind().parts(element),
    )


def kind_of(cls: type[T]) -> Kind[T]:
    """The kind of a sequence."""
    found: Kind[T] = vars(cls)["KIND"]
    return found
