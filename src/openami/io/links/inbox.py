"""What has arrived and was not taken yet: the receiving half that all links share."""

from __future__ import annotations

import asyncio
from collections import deque

from openami.model.errors import LinkError

HIGH_WATER = 1 << 16


class Inbox:
    """Bytes between a transport, which puts, and one task, which takes.

    `take` can be cancelled at any time without losing a byte. `full` asks the transport to pause.
    """

    __slots__ = ("_datagrams", "_ended", "_error", "_pieces", "_size", "_waiter")

    def __init__(self, *, datagrams: bool = False) -> None:
        self._datagrams = datagrams
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._ended = False
        self._error: LinkError | None = None
        self._waiter: asyncio.Future[None] | None = None

    @property
    def full(self) -> bool:
        """Whether more is held than a slow reader should be given."""
        return self._size >= HIGH_WATER

    @property
    def size(self) -> int:
        """How many bytes wait."""
        return self._size

    def put(self, data: bytes) -> None:
        """Add what arrived; nothing after the end."""
        if not self._ended:
            self._pieces.append(data)
            self._size += len(data)
            self._wake()

    def end(self, error: LinkError | None = None) -> None:
        """No more bytes will come: the peer ended (None) or the way broke. The first word counts."""
        if not self._ended:
            self._ended = True
            self._error = error
            self._wake()

    async def take(self) -> bytes:
        """What has arrived, at least one byte; `b""` at the end; raises the error that `end` was given."""
        while not self._pieces:
            if self._ended:
                if self._error is not None:
                    raise self._error
                return b""
            await self._wait()
        return self._pop()

    def _pop(self) -> bytes:
        if self._datagrams or len(self._pieces) == 1:
            data = self._pieces.popleft()
        else:
            data = b"".join(self._pieces)
            self._pieces.clear()
        self._size -= len(data)
        return data

    async def _wait(self) -> None:
        if self._waiter is not None:
            raise RuntimeError("two tasks receive from one link")
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
