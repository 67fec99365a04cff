"""Two links joined in memory, for tests, pairs of cores and meters that live in the same process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from openami.io.links.inbox import Inbox
from openami.io.links.link import Link
from openami.model.errors import LinkLost


class MemoryLink:
    """One end of a pair; make both with `memory_pair`."""

    def __init__(self, peer: str, *, datagrams: bool, tamper: Callable[[bytes], Iterable[bytes]] | None) -> None:
        self.peer = peer
        self.datagrams = datagrams
        self._tamper = tamper
        self._inbox = Inbox(datagrams=datagrams)
        self._drained: asyncio.Event = asyncio.Event()
        self._drained.set()
        self._other: MemoryLink | None = None
        self._closed = False

    def join(self, other: MemoryLink) -> None:
        """Let what is sent here arrive there."""
        self._other = other

    async def receive(self) -> bytes:
        data = await self._inbox.take()
        if self._other is not None and not self._inbox.full:
            self._other.resume()
        return data

    async def send(self, data: bytes) -> None:
        other = self._other
        if self._closed or other is None or other.closed:
            raise LinkLost(f"the link to {self.peer} is closed")
        for piece in self._tamper(data) if self._tamper else (data,):
            if piece:
                other.arrive(piece)
        if other.crowded:
            self._drained.clear()
            await self._drained.wait()

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._inbox.end()
            self.resume()
            if self._other is not None:
                self._other.ended()

    @property
    def closed(self) -> bool:
        return self._closed

    @property
    def crowded(self) -> bool:
        """Whether the sender should wait until the receiver has taken what is here."""
        return self._inbox.full and not self._closed

    def arrive(self, data: bytes) -> None:
        """Bytes from the other end."""
        self._inbox.put(data)

    def ended(self) -> None:
        """The other end has closed."""
        self._inbox.end()
        self.resume()

    def resume(self) -> None:
        """The receiver has taken what was there, or will take nothing any more."""
        self._drained.set()


def memory_pair(
    *,
    datagrams: bool = False,
    piece_size: Callable[[], int] | None = None,
    tamper: Callable[[bytes], Iterable[bytes]] | None = None,
) -> tuple[Link, Link]:
    """Two joined links.

    `piece_size` gives the size of each piece that a stream is cut into (seed it for a repeatable test). `tamper`
    sees what either end sends, before cutting, and gives what arrives instead: changed, doubled or nothing.
    """
    hook = _hook(piece_size, tamper)
    left = MemoryLink("memory:right", datagrams=datagrams, tamper=hook)
    right = MemoryLink("memory:left", datagrams=datagrams, tamper=hook)
    left.join(right)
    right.join(left)
    return left, right


def _hook(
    piece_size: Callable[[], int] | None, tamper: Callable[[bytes], Iterable[bytes]] | None
) -> Callable[[bytes], Iterable[bytes]] | None:
    if piece_size is None:
        return tamper
    size = piece_size

    def cut(data: bytes) -> Iterable[bytes]:
        for whole in tamper(data) if tamper else (data,):
            at = 0
            while at < len(whole):
                step = max(1, size())
                yield whole[at : at + step]
                at += step

    return cut
