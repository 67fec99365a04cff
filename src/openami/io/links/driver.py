"""The only place where a protocol core and a link meet."""

from __future__ import annotations

import asyncio
from typing import Generic, Protocol, TypeVar

from openami.io.clock import Clock
from openami.io.links.link import Link
from openami.io.links.stream import CLOSE_TIMEOUT_S
from openami.model.errors import LinkError, LinkLost

Event = TypeVar("Event")
Event_co = TypeVar("Event_co", covariant=True)


class Core(Protocol[Event_co]):
    """The shape of every protocol core, both roles. Times are seconds of `Clock.monotonic`."""

    def receive(self, data: bytes, now: float) -> None: ...

    def next_event(self) -> Event_co | None: ...

    def data_to_send(self, now: float) -> bytes: ...

    def next_timeout(self) -> float | None: ...

    def handle_timeout(self, now: float) -> None: ...

    def closed(self, now: float) -> None: ...


class Driver(Generic[Event]):
    """Runs `core` over `link`: whoever asks for events never writes a receive loop."""

    def __init__(self, core: Core[Event], link: Link, clock: Clock) -> None:
        self._core = core
        self._link = link
        self._clock = clock
        self._end: LinkError | None = None
        self._patience: asyncio.Timeout | None = None

    def wake(self) -> None:
        """The core was given something to send while `next_event` waits: let it send. From the loop's thread only."""
        if self._patience is not None and not self._patience.expired():
            self._patience.reschedule(asyncio.get_running_loop().time())

    async def next_event(self) -> Event:
        """Send what is due, then wait for the core's next event, keeping its time-outs.

        Once the link has ended the core is told; its last events are given, after them `LinkLost` is raised.
        Cancelling loses neither bytes nor events.
        """
        while True:
            await self._flush()
            if (event := self._core.next_event()) is not None:
                return event
            if self._end is not None:
                raise self._end
            await self._wait()

    async def flush(self) -> None:
        """Send all that the core has ready now; raise `LinkLost` if the link has ended."""
        await self._flush()
        if self._end is not None:
            raise self._end

    async def close(self) -> None:
        """Send what is ready and end the link; never raises `LinkError`. A peer that takes nothing is cut off."""
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self._flush()
        except TimeoutError:
            return
        finally:
            await self._link.close()

    async def _flush(self) -> None:
        while self._end is None and (data := self._core.data_to_send(self._clock.monotonic())):
            try:
                await self._link.send(data)
            except LinkError as error:
                self._ended(error)

    async def _wait(self) -> None:
        due = self._core.next_timeout()
        now = self._clock.monotonic()
        if due is not None and due <= now:
            self._core.handle_timeout(now)
            return
        try:
            async with asyncio.timeout(None if due is None else due - now) as self._patience:
                data = await self._link.receive()
        except TimeoutError:
            return
        except LinkError as error:
            self._ended(error)
            return
        finally:
            self._patience = None
        if data:
            self._core.receive(data, self._clock.monotonic())
        else:
            self._ended(LinkLost(f"{self._link.peer} has ended the connection"))

    def _ended(self, error: LinkError) -> None:
        self._end = error
        self._core.closed(self._clock.monotonic())
