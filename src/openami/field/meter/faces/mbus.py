"""A meter on a wired M-Bus: over a serial line, a pty or TCP."""

from __future__ import annotations

from dataclasses import replace

from openami.field.meter.pipe_meter import PipeMeter
from openami.io.clock import Clock
from openami.io.links.driver import Driver
from openami.io.links.link import Link
from openami.io.links.mbus import MBUS_LINE
from openami.io.links.optical import Reconfigurable
from openami.model.errors import DecodeError, LinkError
from openami.model.quantity import Quantity
from openami.protocols.mbus.application import BAUD_RATES, Content, decode_application
from openami.protocols.mbus.records import Record
from openami.protocols.mbus.wired.events import DataReceived, ReadoutRequested, SecondaryEvent
from openami.protocols.mbus.wired.frame import PRIMARY_MAX
from openami.protocols.mbus.wired.secondary import WiredSecondary
from openami.protocols.mbus.wireless.address import MeterAddress

ACKNOWLEDGED_S = 0.04
"""The acknowledgement's one octet has left by then, at 300 baud too."""
IDENTIFICATION_HEADER = b"\x0c\x79"
"""Eight digits of BCD."""


class MbusFace:
    """Answers for one meter. What a primary sets (address, identification number) lasts as long as the face."""

    def __init__(self, meter: PipeMeter, clock: Clock) -> None:
        self._meter = meter
        self._clock = clock
        self.core = WiredSecondary(meter.config.address, meter.address)

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
            told = [] if event.alarm else self._meter.telegrams(self.core.meter, self._clock.time())
            self.core.send(told, self._clock.monotonic())
        elif isinstance(event, DataReceived):
            self._set(event)

    def _set(self, event: DataReceived) -> None:
        try:
            application = decode_application(event.ci, event.data)
        except DecodeError:
            return  # acknowledged by the link layer, refused by the application: nothing changes
        if application.content is Content.DATA_SEND:
            for record in application.records or ():
                self._write(record)

    def _write(self, record: Record) -> None:
        value = record.value
        if record.quantity == "address" and isinstance(value, Quantity) and value.value in range(PRIMARY_MAX + 1):
            self.core.address = int(value.value)
        elif record.layout.header == IDENTIFICATION_HEADER and isinstance(value, str):
            old = self.core.meter
            self.core.meter = MeterAddress(old.manufacturer, value, old.version, old.device_type)
