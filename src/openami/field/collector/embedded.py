"""A meter that embeds a collector: the meter itself as a neighbourhood of one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from openami.io.links.link import Link
from openami.io.links.memory import memory_pair
from openami.io.links.neighbourhood import Heard, MeterSeen, NeighbourhoodEvent

Serve = Callable[[Link], Awaitable[None]]


class EmbeddedMeter:
    """`serve` answers one conversation (as `MeterService.serve` does); `deliver` is where the meter's pushes go.

    `asked` is called when the head-end wants a push now.
    """

    def __init__(self, address: str, system_title: bytes, serve: Serve, asked: Callable[[], None]) -> None:
        self._address = address
        self._serve = serve
        self._asked = asked
        self._events: asyncio.Queue[NeighbourhoodEvent] = asyncio.Queue()
        self._conversations: dict[asyncio.Task[None], None] = {}
        self._events.put_nowait(MeterSeen(address, system_title))

    async def deliver(self, push: bytes) -> None:
        """A push of the meter, sealed."""
        await self._events.put(Heard(self._address, push))

    async def next_event(self) -> NeighbourhoodEvent:
        return await self._events.get()

    async def open(self, address: str) -> Link:  # noqa: ARG002 - there is one meter
        near, far = memory_pair()
        task = asyncio.ensure_future(self._converse(far))
        self._conversations[task] = None
        task.add_done_callback(self._conversations.pop)
        return near

    async def trigger(self, address: str) -> None:  # noqa: ARG002 - there is one meter
        self._asked()

    async def _converse(self, link: Link) -> None:
        await self._serve(link)
