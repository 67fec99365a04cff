"""Who hears something on a link that may go away and come back: a radio stick, an adapter at a consumer port."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar

from openami.io.clock import Clock
from openami.model.errors import LinkError

LOG = logging.getLogger(__name__)
PAUSE_S = 5.0
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Listener(Protocol[T_co]):
    """Who hears messages."""

    async def next_heard(self) -> T_co:
        """The next message; cancelling loses nothing. Raises `LinkLost` when there will be none."""
        ...

    async def close(self) -> None:
        """Hear no more."""
        ...


class LastingListener(Generic[T]):
    """A device that may be pulled out and put back: it is opened again, with a pause between tries, for ever.

    `connected` and `losses` say how it goes; what goes wrong is logged once, as of `name`, until it goes well again.
    """

    def __init__(self, name: str, listen: Callable[[], Awaitable[Listener[T]]], clock: Clock) -> None:
        self.name = name
        self.connected = False
        self.losses = 0
        self._listen = listen
        self._clock = clock
        self._listener: Listener[T] | None = None
        self._told = ""

    async def next_heard(self) -> T:
        """The next message, whenever it comes; cancelling loses nothing."""
        while True:
            try:
                if self._listener is None:
                    self._listener = await self._listen()
                    self.connected, self._told = True, ""
                    LOG.info("%s: listening", self.name)
                return await self._listener.next_heard()
            except LinkError as error:
                await self._lost(str(error))
                await self._clock.sleep(PAUSE_S)

    async def close(self) -> None:
        """Hear no more."""
        listener, self._listener, self.connected = self._listener, None, False
        if listener is not None:
            await listener.close()

    async def _lost(self, why: str) -> None:
        self.losses += self.connected
        if why != self._told:
            LOG.warning("%s: %s; trying again every %g s", self.name, why, PAUSE_S)
            self._told = why
        await self.close()
