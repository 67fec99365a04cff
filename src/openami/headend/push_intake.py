"""What meters push, on its way to the spool."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from openami.io.blocking import Blocking
from openami.io.clock import Clock
from openami.io.spool.writer import SpoolWriter
from openami.model.errors import StoreError
from openami.protocols.zones.message import Origin, Push, encode_push

_SOURCE_MAX = 255


class PushIntake:
    """Puts pushes into the spool by `append_many`. What waits for the disk is bounded by `waiting_bytes_max`."""

    def __init__(
        self,
        append_many: Callable[[Sequence[bytes]], object],
        clock: Clock,
        blocking: Blocking,
        waiting_bytes_max: int,
    ) -> None:
        self._clock = clock
        self._writer = SpoolWriter(append_many, blocking, waiting_bytes_max)
        self.taken = 0
        self.refused = 0

    async def take(self, transport: str, source: str, content: bytes) -> None:
        """Return when the push is on the disk; raise `StoreError` (`SpoolFull`) if it cannot be taken."""
        item = encode_push(Push(self._clock.time(), source[:_SOURCE_MAX], transport, content))
        try:
            await self._writer.put(item)
        except StoreError:
            self.refused += 1
            raise
        self.taken += 1

    async def take_carried(self, carried: Sequence[tuple[str, Origin, bytes]]) -> None:
        """Return when all that a collector carried (source, origin, content) is on the disk, in its order.

        Raises `StoreError` if some is not; what stands before it may be: the origins on the disk tell how far.
        """
        now = self._clock.time()
        puts = [
            self._writer.begin(encode_push(Push(now, source[:_SOURCE_MAX], "collector", content, origin)))
            for source, origin, content in carried
        ]
        for done in await asyncio.gather(*map(asyncio.shield, puts), return_exceptions=True):
            if isinstance(done, BaseException):
                self.refused += len(puts)
                raise done
        self.taken += len(puts)

    async def settled(self) -> None:
        """Return when all that was begun until now is on the disk, or refused."""
        await self._writer.settled()

    async def close(self) -> None:
        """Wait until all that was taken is on the disk."""
        await self._writer.close()
