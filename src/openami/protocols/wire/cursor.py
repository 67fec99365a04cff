"""A bounded read position in a buffer: every decoder reads through it, so every decoder is bounded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from openami.model.errors import DecodeError, LimitExceeded

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one decoded message may cost. Beyond a limit the decoder raises `LimitExceeded`."""

    bytes: int = 1 << 20
    elements: int = 1 << 18
    depth: int = 32


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Span:
    """`data[start:end]` is the field `path` and means `value`."""

    start: int
    end: int
    path: tuple[str, ...]
    value: object


class Cursor:
    """Reads `data[position:end]` from front to back.

    A decoder that is asked to explain itself leaves a `Span` per field in `spans`; without that (`spans is
    None`) decoding pays nothing for it.
    """

    __slots__ = ("data", "depth", "elements", "end", "limits", "path", "position", "spans")

    def __init__(self, data: bytes, limits: Limits = DEFAULT_LIMITS, *, explain: bool = False) -> None:
        if len(data) > limits.bytes:
            raise LimitExceeded(f"message of {len(data)} bytes, limit {limits.bytes}", limits.bytes)
        self.data = data
        self.position = 0
        self.end = len(data)
        self.limits = limits
        self.depth = 0
        self.elements = 0
        self.spans: list[Span] | None = [] if explain else None
        self.path: list[str] = []

    @property
    def remaining(self) -> int:
        """How many bytes are left."""
        return self.end - self.position

    def error(self, reason: str, *, back: int = 0) -> DecodeError:
        """A `DecodeError` at the position, or `back` bytes before it."""
        return DecodeError(reason, self.position - back)

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        start = self.position
        stop = start + count
        if count < 0 or stop > self.end:
            raise self.error(f"{count} bytes expected, {self.end - start} left")
        self.position = stop
        return self.data[start:stop]

    def take_rest(self) -> bytes:
        """All bytes that are left."""
        return self.take(self.end - self.position)

    def peek(self) -> int:
        """The next byte, without moving."""
        if self.position >= self.end:
            raise self.error("a byte expected, none left")
        return self.data[self.position]

    def u8(self) -> int:
        """The next byte as an unsigned integer."""
        position = self.position
        if position >= self.end:
            raise self.error("a byte expected, none left")
        self.position = position + 1
        return self.data[position]

    def unsigned(self, size: int) -> int:
        """The next `size` bytes as an unsigned big-endian integer."""
        return int.from_bytes(self.take(size), "big")

    def signed(self, size: int) -> int:
        """The next `size` bytes as a signed big-endian integer."""
        return int.from_bytes(self.take(size), "big", signed=True)

    def count(self, elements: int) -> None:
        """Account for `elements` more elements of the message before any of them is made."""
        self.elements += elements
        if self.elements > self.limits.elements:
            raise LimitExceeded(f"{self.elements} elements, limit {self.limits.elements}", self.position)

    def enter(self) -> None:
        """Go one level of nesting deeper."""
        self.depth += 1
        if self.depth > self.limits.depth:
            raise LimitExceeded(f"nested deeper than {self.limits.depth}", self.position)

    def leave(self) -> None:
        """Come back from one level of nesting."""
        self.depth -= 1

    def finish(self) -> None:
        """Fail if bytes are left over."""
        if self.position != self.end:
            raise self.error(f"{self.remaining} bytes left over")

    def note(self, name: str, start: int, value: object) -> None:
        """When asked to explain: `data[start:position]` is `name` and means `value`."""
        if self.spans is not None:
            self.spans.append(Span(start, self.position, (*self.path, name), value))

    def inside(self, count: int, decode: Callable[[Cursor], T]) -> T:
        """What `decode` makes of the next `count` bytes, all of which it has to use."""
        end = self.end
        stop = self.position + count
        if stop > end:
            raise self.error(f"{count} bytes expected, {end - self.position} left")
        self.end = stop
        try:
            value = decode(self)
            self.finish()
        finally:
            self.end = end
        return value

    def field(self, name: str, decode: Callable[[Cursor], T]) -> T:
        """Decode one named field: its errors carry the name, its span is kept when asked to explain."""
        start = self.position
        if self.spans is None:
            try:
                return decode(self)
            except DecodeError as error:
                error.path = (name, *error.path)
                raise
        self.path.append(name)
        try:
            value = decode(self)
        except DecodeError as error:
            error.path = (name, *error.path)
            raise
        finally:
            path = tuple(self.path)
            self.path.pop()
        self.spans.append(Span(start, self.position, path, value))
        return value
