"""What a spool promises, whatever it is made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from openami.model.errors import StoreError


class SpoolFull(StoreError):
    """The spool holds as much as it may; nothing was taken."""


class SpooledItem(NamedTuple):
    """One item and its number. Numbers only grow and never name two items of one spool."""

    number: int
    content: bytes


class Spool(Protocol):
    """A durable queue of opaque items, read from anywhere and released from the front.

    `identity` names this spool for ever: a spool that was lost and made anew has another one, so that a reader
    that remembers how far it came is never misled by numbers that began again.
    """

    identity: str

    def append(self, item: bytes) -> int:
        """Take one item: see `append_many`."""
        ...

    def append_many(self, items: Sequence[bytes]) -> list[int]:
        """Take all items or none and return their numbers; they are on the disk when this returns.

        Raises `SpoolFull` if they do not fit and `StoreError` if the disk failed; then none was taken.
        """
        ...

    def read(self, after: int, limit: int, limit_bytes: int = 1 << 20) -> list[SpooledItem]:
        """The oldest items with a number above `after`: at most `limit`, at most `limit_bytes` together, but at
        least one if there is one.
        """
        ...

    def release(self, through: int) -> None:
        """Forget the items up to `through`, durably; releasing them twice does nothing."""
        ...

    @property
    def size(self) -> int:
        """Bytes on the disk, released items that are not yet removed included."""
        ...

    @property
    def waiting(self) -> int:
        """How many items are neither released nor lost to damage."""
        ...

    def close(self) -> None: ...
