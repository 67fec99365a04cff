"""The meter in the caller's own process: each conversation has a pair of links in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from openami.field.meter.faces.service import MeterService
from openami.io.links.link import Link
from openami.io.links.memory import memory_pair


class MemoryFace:
    """`connect` gives the client's end of a new link; `close` ends all of them."""

    def __init__(self, service: MeterService) -> None:
        self._service = service
        self._tasks: list[asyncio.Task[None]] = []

    def connect(self, *, piece_size: Callable[[], int] | None = None) -> Link:
        """A link to the meter; `piece_size` cuts what passes into pieces (see `memory_pair`)."""
        ours, theirs = memory_pair(piece_size=piece_size)
        self._tasks = [task for task in self._tasks if not task.done()]
        self._tasks.append(asyncio.get_running_loop().create_task(self._service.serve(ours)))
        return theirs

    async def close(self) -> None:
        """End all conversations and wait for them."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
