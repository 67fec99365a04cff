"""A link over any stream transport of asyncio: TCP, TLS and serial lines share it."""

from __future__ import annotations

import asyncio
from typing import cast

from openami.io.links.inbox import Inbox
from openami.model.errors import LinkLost

CLOSE_TIMEOUT_S = 2.0
"""How long the last bytes, and the end of TLS, may take when a link is being closed."""


class StreamLink(asyncio.Protocol):
    """An asyncio protocol that is a `Link`, without a task of its own.

    Reading pauses when nobody takes what arrived (64 KiB), sending waits when the peer does not take.
    """

    datagrams = False
    __slots__ = ("_closing", "_drained", "_ended", "_inbox", "_lost", "_paused", "_transport", "peer")

    def __init__(self, peer: str = "") -> None:
        self.peer = peer
        self._inbox = Inbox()
        self._transport: asyncio.Transport | None = None
        self._drained: asyncio.Future[None] | None = None
        self._paused = False
        self._closing = False
        self._lost = False
        self._ended: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._inbox.put(bytes(data))
        if self._inbox.full and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def eof_received(self) -> bool | None:
        self._inbox.end()
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        lost = None if exc is None else LinkLost(f"the connection with {self.peer} broke: {exc}")
        self._inbox.end(lost)
        self._closing = self._lost = True
        self._resume()
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)

    def pause_writing(self) -> None:
        self._drained = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        self._resume()

    async def receive(self) -> bytes:
        data = await self._inbox.take()
        if self._paused and not self._inbox.full and self._transport is not None:
            self._paused = False
            if not self._closing:
                self._transport.resume_reading()
        return data

    async def send(self, data: bytes) -> None:
        if self._closing or self._transport is None or self._transport.is_closing():
            raise LinkLost(f"the connection with {self.peer} has ended")
        self._transport.write(data)
        if self._drained is not None:
            await asyncio.shield(self._drained)
            if self._closing:
                raise LinkLost(f"the connection with {self.peer} broke while sending")

    async def close(self) -> None:
        """End the link; when this returns nothing of it is left. A peer that takes nothing is cut off."""
        self._closing = True
        self._inbox.end()
        if self._transport is None or self._lost:
            return
        self._transport.close()
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._until_lost()
        except TimeoutError:
            self._transport.abort()
            await self._until_lost()

    async def _until_lost(self) -> None:
        if not self._lost:
            self._ended = self._ended or asyncio.get_running_loop().create_future()
            await asyncio.shield(self._ended)

    def _resume(self) -> None:
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        self._drained = None
