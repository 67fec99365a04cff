"""Items on their way to a spool: many wait for one sync together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

from openami.io.blocking import Blocking
from openami.io.spool.spool import SpoolFull
from openami.model.errors import StoreError

BATCH = 512


class _Waiting(NamedTuple):
    content: bytes
    done: asyncio.Future[None]


class SpoolWriter:
    """Puts items into a spool by `append_many`. What waits for the disk is bounded by `waiting_bytes_max`."""

    def __init__(
        self, append_many: Callable[[Sequence[bytes]], object], blocking: Blocking, waiting_bytes_max: int
    ) -> None:
        self._append_many = append_many
        self._blocking = blocking
        self._waiting_bytes_max = waiting_bytes_max
        self._waiting: list[_Waiting] = []
        self._waiting_bytes = 0
        self._last: asyncio.Future[None] | None = None
        self._writer: asyncio.Task[None] | None = None

    async def put(self, item: bytes) -> None:
        """Return when the item is on the disk; raise `StoreError` (`SpoolFull`) if it cannot be taken."""
        await asyncio.shield(self.begin(item))

    def begin(self, item: bytes) -> asyncio.Future[None]:
        """Queue the item; the future is done when it is on the disk. Items keep their order."""
        if self._waiting_bytes + len(item) > self._waiting_bytes_max:
            raise SpoolFull(f"{self._waiting_bytes} bytes of pushes wait for the disk: the limit")
        waiting = _Waiting(item, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._last = waiting.done
        self._waiting_bytes += len(item)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.get_running_loop().create_task(self._write())
        return waiting.done

    @property
    def busy(self) -> bool:
        """Whether anything waits for the disk."""
        return self._waiting_bytes > 0

    async def settled(self) -> None:
        """Return when all items that were begun until now are on the disk or refused; later ones do not count."""
        waiting = [self._last] if self._last is not None else []
        await asyncio.gather(*map(asyncio.shield, waiting), return_exceptions=True)

    async def close(self) -> None:
        """Wait until all that was taken is on the disk."""
        if self._writer is not None:
            await asyncio.gather(self._writer, return_exceptions=True)

    async def _write(self) -> None:
        """Write what waits, a batch per sync, until nothing does."""
        while self._waiting:
            batch, self._waiting = self._waiting[:BATCH], self._waiting[BATCH:]
            error: StoreError | None = None
            try:
                await self._blocking(self._append_many, [waiting.content for waiting in batch])
            except StoreError as refused:
                error = refused
            except BaseException:  # this process or its loop is ending: nobody shall wait for what will not come
                for waiting in (*batch, *self._waiting):
                    waiting.done.cancel()
                raise
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
        done.exception()  # whoever awaits it is told; if nobody does any more, nothing is amiss
