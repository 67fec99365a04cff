"""The primary of a wired M-Bus over a link: serial converter, TCP gateway or pty."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from openami.io.clock import Clock
from openami.io.links.driver import Driver
from openami.io.links.link import Link
from openami.io.links.serial import SerialSettings
from openami.model.errors import LinkLost
from openami.protocols.mbus.application import Application
from openami.protocols.mbus.wired.events import Ended, Outcome, PrimaryEvent, Request
from openami.protocols.mbus.wired.primary import WiredPrimary, WiredTiming
from openami.protocols.mbus.wired.procedures import (
    Found,
    Procedure,
    SearchResult,
    read_out,
    read_selected,
    scan,
    search,
)
from openami.protocols.mbus.wired.selection import Selection

T = TypeVar("T")
MBUS_LINE = SerialSettings(2400, 8, "E", 1.0)
"""How most meters speak until they are told otherwise."""
PTY_LINE = SerialSettings(2400, 8, "N", 1.0)
PTYS = "/dev/pts/"


def line_settings(device: str) -> SerialSettings:
    """How to open the line `device` when nothing else is said. A pty knows no parity and refuses to be asked for it."""
    return PTY_LINE if device.startswith(PTYS) else MBUS_LINE


class MbusMaster:
    """One bus, one procedure at a time. Closing it closes the link."""

    def __init__(self, link: Link, clock: Clock, timing: WiredTiming | None = None) -> None:
        self._core = WiredPrimary(timing)
        self._driver: Driver[PrimaryEvent] = Driver(self._core, link, clock)
        self._link = link
        self._clock = clock

    async def perform(self, procedure: Procedure[T]) -> T:
        """The procedure's result; raises what it raises, and `LinkLost` when the link ends."""
        outcome: Any = None
        while True:
            try:
                request = procedure.send(outcome)
            except StopIteration as done:
                result: T = done.value
                return result
            outcome = await self.ask(request)

    async def ask(self, request: Request) -> Outcome:
        """What comes of one request."""
        self._core.send(request, self._clock.monotonic())
        event = await self._driver.next_event()
        if isinstance(event, Ended):
            raise LinkLost(f"{self._link.peer} ended")
        return event

    async def read(self, address: int | Selection) -> list[Application]:
        """All telegrams of the meter at a primary address or under a selection."""
        if isinstance(address, Selection):
            return await self.perform(read_selected(address))
        return await self.perform(read_out(address))

    async def scan(self, addresses: Iterable[int]) -> list[Found]:
        """Who answers at these primary addresses."""
        return await self.perform(scan(addresses))

    async def search(self, start: Selection | None = None, *, thorough: bool = False) -> SearchResult:
        """Who answers to selections."""
        return await self.perform(search(start, thorough=thorough))

    async def close(self) -> None:
        """End the link."""
        await self._driver.close()
