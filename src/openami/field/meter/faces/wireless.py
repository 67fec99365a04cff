"""A wireless meter behind a stick that is played: what it broadcasts comes out as a stick's stream."""

from __future__ import annotations

import asyncio
from typing import Protocol

from openami.io.clock import Clock
from openami.io.links.link import Link
from openami.model.errors import LinkError
from openami.protocols.mbus.wireless.sticks.heard import Heard, ToSend
from openami.protocols.mbus.wireless.sticks.kinds import StickKind


class OnAir(Protocol):
    """A meter's radio, plain, sealed or under TLS."""

    def next_timeout(self) -> float: ...

    def handle_timeout(self, now: float) -> None: ...

    def receive(self, raw: bytes, now: float) -> bool: ...

    def data_to_send(self) -> list[bytes]: ...


class WirelessFace:
    """Runs one meter on links. What comes in is what others send: the meter hears it while its window is open."""

    def __init__(self, meter: OnAir, kind: StickKind, clock: Clock) -> None:
        self._meter = meter
        self._kind = kind
        self._clock = clock

    async def serve(self, link: Link) -> None:
        """Broadcast until the link ends; closes it."""
        parser = self._kind.parser()
        try:
            while True:
                self._meter.handle_timeout(self._clock.time())
                for frame in self._meter.data_to_send():
                    await link.send(self._kind.write(frame))
                data = await self._heard(link)
                if data == b"":
                    return
                for event in parser.feed(data or b""):
                    if isinstance(event, Heard | ToSend):
                        self._meter.receive(event.frame, self._clock.time())
        except LinkError:
            return
        finally:
            await link.close()

    async def serve_line(self, link: Link) -> None:
        """A line that is always there."""
        await self.serve(link)

    async def _heard(self, link: Link) -> bytes | None:
        """What came in before the next telegram is due; None if nothing did."""
        try:
            async with asyncio.timeout(max(0.0, self._meter.next_timeout() - self._clock.time())):
                return await link.receive()
        except TimeoutError:
            return None
