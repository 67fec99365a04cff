"""A meter on a wired M-Bus: over a serial line, a pty or TCP."""

from __future__ import annotations

from dataclasses import replace

from openami.field.meter.pipe_meter import PipeMeter
from openami.field.meter.wired_settings import WiredSettings
from openami.io.clock import Clock
from openami.io.links.driver import Driver
from openami.io.links.link import Link
from openami.io.links.mbus import MBUS_LINE
from openami.io.links.optical import Reconfigurable
from openami.model.errors import LinkError
from openami.protocols.mbus.application import BAUD_RATES
from openami.protocols.mbus.wired.events import DataReceived, ReadoutRequested, SecondaryEvent
from openami.protocols.mbus.wired.secondary import WiredSecondary

ACKNOWLEDGED_S = 0.04
"""The acknowledgement's one octet has left by then, at 300 baud too."""


class MbusFace:
    """Answers for one meter. What a primary sets lasts as long as the face; clock and set date are the meter's."""

    def __init__(self, meter: PipeMeter, clock: Clock) -> None:
        self._clock = clock
        self.core = WiredSecondary(meter.config.address, meter.address, meter.config.identification)
        self._settings = WiredSettings(meter, self.core)

    async def serve(self, link: Link) -> None:
        """Answer until the link ends; closes it."""
        driver: Driver[SecondaryEvent] = Driver(self.core, link, self._clock)
        try:
            while True:
                event = await driver.next_event()
                self.handle(event)
                if isinstance(event, DataReceived) and event.ci in BAUD_RATES and isinstance(link, Reconfigurable):
                    await driver.flush()  # acknowledged at the old speed
                    await self._clock.sleep(ACKNOWLEDGED_S)
                    await link.reconfigure(replace(MBUS_LINE, baudrate=BAUD_RATES[event.ci]))
        except LinkError:
            return
        finally:
            await link.close()

    async def serve_line(self, link: Link) -> None:
        """A line that is always there."""
        await self.serve(link)

    def handle(self, event: SecondaryEvent) -> None:
        """Do what a primary asked for."""
        if isinstance(event, ReadoutRequested):
            self.core.send(self._settings.answer(self._clock.time(), alarm=event.alarm), self._clock.monotonic())
        elif isinstance(event, DataReceived):
            self._settings.receive(event.ci, event.data, self._clock.time())
