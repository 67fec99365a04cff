"""The primary of a wired M-Bus over a link: serial converter, TCP gateway or pty."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, TypeVar

from openami.io.clock import Clock
from openami.io.links.driver import Driver
from openami.io.links.link import Link
from openami.io.links.optical import Reconfigurable
from openami.io.links.serial import SerialSettings
from openami.model.errors import LinkLost, LinkTimeout, LocalProtocolError
from openami.protocols.mbus.application import Application
from openami.protocols.mbus.wired.events import Answered, Ended, Initialise, Outcome, PrimaryEvent, Request
from openami.protocols.mbus.wired.primary import WiredPrimary, WiredTiming
from openami.protocols.mbus.wired.procedures import (
    Found,
    Procedure,
    SearchResult,
    read_out,
    read_selected,
    scan,
    search,
    switch_baud_rate,
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
    """One bus, one procedure at a time. Closing it closes the link; `line` is how the link speaks now."""

    def __init__(
        self, link: Link, clock: Clock, timing: WiredTiming | None = None, line: SerialSettings = MBUS_LINE
    ) -> None:
        self._line = line
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

    async def switch_speed(self, address: int, baud_rate: int) -> None:
        """Have the meter at `address` speak at another speed, and follow it.

        Raises `LinkTimeout`, the line being at its old speed again, if the meter is not there at the new one, and
        `LocalProtocolError` for a link whose speed cannot change.
        """
        link = self._link
        if not isinstance(link, Reconfigurable):
            raise LocalProtocolError(f"{link.peer} has one speed: it cannot follow the meter to {baud_rate} baud")
        await self.perform(switch_baud_rate(address, baud_rate))
        line = replace(self._line, baudrate=baud_rate)
        await link.reconfigure(line)
        if not isinstance(await self.ask(Initialise(address)), Answered):
            await link.reconfigure(self._line)
            raise LinkTimeout(f"meter {address} is not there at {baud_rate} baud; back at {self._line.baudrate}")
        self._line = line

    async def close(self) -> None:
        """End the link."""
        await self._driver.close()
