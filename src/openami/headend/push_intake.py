"""What meters push, on its way to the spool: many wait for one sync together."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from openami.io.blocking import Blocking
from openami.io.clock import Clock
from openami.io.spool.spool import Spool, SpoolFull
from openami.model.errors import StoreError
from openami.protocols.zones.message import Push, encode_push

BATCH = 512


class _Waiting(NamedTuple):
    content: bytes
    done: asyncio.Future[None]


class PushIntake:
    """Puts pushes into the spool. What waits for the disk is bounded by `waiting_bytes_max`."""

    def __init__(self, spool: Spool, clock: Clock, blocking: Blocking, waiting_bytes_max: int) -> None:
        self._spool = spool
        self._clock = clock
        self._blocking = blocking
        self._waiting_bytes_max = waiting_bytes_max
        self._waiting: list[_Waiting] = []
        self._waiting_bytes = 0
        self._writer: asyncio.Task[None] | None = None
        self.taken = 0
        self.refused = 0

    async def take(self, transport: str, source: str, content: bytes) -> None:
        """Return when the push is on the disk; raise `StoreError` (`SpoolFull`) if it cannot be taken."""
        item = encode_push(Push(self._clock.time(), source[:255], transport, content))
        try:
            await asyncio.shield(self._put(item))
        except StoreError:
            self.refused += 1
            raise
        self.taken += 1

    async def close(self) -> None:
        """Wait until all that was taken is on the disk."""
        if self._writer is not None:
            await asyncio.gather(self._writer, return_exceptions=True)

    def _put(self, item: bytes) -> asyncio.Future[None]:
        if self._waiting_bytes + len(item) > self._waiting_bytes_max:
            raise SpoolFull(f"{self._waiting_bytes} bytes of pushes wait for the disk: the limit")
        waiting = _Waiting(item, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._waiting_bytes += len(item)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.get_running_loop().create_task(self._write())
        return waiting.done

    async def _write(self) -> None:
        """Write what waits, a batch per sync, until nothing does."""
        while self._waiting:
            batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            error: StoreError | None = None
            try:
                await self._blocking(self._spool.append_many, [waiting.content for waiting in batch])
            except StoreError as refused:
                error = refused
            self._waiting_bytes -= sum(len(waiting.content) for waiting in batch)
            for waiting in batch:
                _settle(waiting.done, error)


def _settle(done: asyncio.Future[None], error: StoreError | None) -> None:
    if done.done():
        return
    if error is None:
        done.set_result(None)
    else:
        done.set_exception(error)
