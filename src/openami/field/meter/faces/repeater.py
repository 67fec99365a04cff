"""A repeater behind a stick: hears meters, and says again what is due."""

from __future__ import annotations

import asyncio

from openami.io.clock import Clock
from openami.io.links.wmbus import RadioListener
from openami.model.errors import DecodeError, LinkError
from openami.protocols.mbus.wireless.repeater import OneHopRepeater

IDLE_S = 3_600.0


class RepeaterFace:
    """Runs one repeater on one stick, which must be able to send. `damaged` counts frames that are none."""

    def __init__(self, repeater: OneHopRepeater, stick: RadioListener, clock: Clock) -> None:
        self.damaged = 0
        self._repeater = repeater
        self._stick = stick
        self._clock = clock

    async def serve(self) -> None:
        """Repeat until the stick is gone; closes it. Raises `ConnectFailed` for one that only hears."""
        self._stick.check_sends()
        try:
            while True:
                for frame in self._repeater.data_to_send(self._clock.time()):
                    await self._stick.send(frame)
                await self._hear()
        except LinkError:
            return
        finally:
            await self._stick.close()

    async def _hear(self) -> None:
        """Take the next frame, unless something is due before."""
        due = self._repeater.next_timeout()
        pause = IDLE_S if due is None else max(0.0, due - self._clock.time())
        try:
            async with asyncio.timeout(pause):
                heard = await self._stick.next_heard()
        except TimeoutError:
            return
        try:
            self._repeater.receive(heard.frame, self._clock.time())
        except DecodeError:
            self.damaged += 1
