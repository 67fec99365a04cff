"""Old meters that a collector reads itself, with keys that it holds: a labelled weaker class, and never another.

What a meter seals for the back office no collector can forge; here it can, and whoever takes the collector over has
the keys of these meters. It is for meters that can be read in no other way: their values count as unauthenticated.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from openami.io.clock import Clock
from openami.io.links.dlms import DlmsClient
from openami.io.links.link import Link
from openami.io.links.neighbourhood import Heard, MeterGone, MeterSeen, NeighbourhoodEvent
from openami.io.links.registers import RegistersRead, read_registers
from openami.model.errors import ConnectFailed, LinkError, OpenAmiError
from openami.model.obis import ObisCode
from openami.protocols.dlms.client_settings import ClientSettings
from openami.protocols.dlms.counters import Counters
from openami.protocols.dlms.framing import Framing
from openami.protocols.zones.collector_reading import CollectorReading, ReadRegister, encode_collector_reading

LOG = logging.getLogger(__name__)
ATTEMPT_S = 120.0


@dataclass(frozen=True, slots=True)
class KeyedMeter:
    """An old meter: how it is reached and asked. `framing` makes one for each connection."""

    serial: str
    dial: Callable[[], Awaitable[Link]]
    framing: Callable[[], Framing]
    settings: ClientSettings
    registers: Sequence[ObisCode]


class KeyedMeters:
    """A neighbourhood that reads its meters, one after the other, every `every_s`, and tells what they showed.

    A meter that answers is seen; one that does not is gone until it answers again. There is no way for others to them:
    the keys are here.
    """

    def __init__(
        self,
        meters: Sequence[KeyedMeter],
        clock: Clock,
        random: Callable[[int], bytes],
        counters: Counters,
        *,
        every_s: float,
    ) -> None:
        self.read = self.failed = 0
        self._meters = {meter.serial: meter for meter in meters}
        self._clock = clock
        self._random = random
        self._counters = counters
        self._every_s = every_s
        self._due = dict.fromkeys(self._meters, clock.monotonic())
        self._answering: dict[str, None] = {}
        self._events: list[NeighbourhoodEvent] = []
        self._asked = asyncio.Event()

    def __len__(self) -> int:
        return len(self._meters)

    async def next_event(self) -> NeighbourhoodEvent:
        while not self._events:
            serial = min(self._due, key=self._due.__getitem__, default="")
            wait_s = self._due[serial] - self._clock.monotonic() if serial else self._every_s
            if wait_s <= 0:
                await self._ask(self._meters[serial])
            else:
                await self._wait(wait_s)
        return self._events.pop(0)

    async def open(self, address: str) -> Link:
        """There is none."""
        raise ConnectFailed(
            f"meter {address} is read by the collector with a key of its own: nobody else has a way to it"
        )

    async def trigger(self, address: str) -> None:
        """Read the meter now."""
        if address not in self._meters:
            raise LinkError(f"no meter {address} is read here")
        self._due[address] = self._clock.monotonic()
        self._asked.set()

    async def _wait(self, wait_s: float) -> None:
        self._asked.clear()
        try:
            async with asyncio.timeout(wait_s):
                await self._asked.wait()
        except TimeoutError:
            return

    async def _ask(self, meter: KeyedMeter) -> None:
        self._due[meter.serial] = self._clock.monotonic() + self._every_s
        try:
            async with asyncio.timeout(ATTEMPT_S):
                answer = await self._registers(meter)
        except (OpenAmiError, TimeoutError) as error:
            self.failed += 1
            why = str(error) or f"no end within {ATTEMPT_S:g} s"
            LOG.warning("meter %s was not read: %s", meter.serial, why)
            if meter.serial in self._answering:
                del self._answering[meter.serial]
                self._events.append(MeterGone(meter.serial))
            return
        self.read += 1
        if meter.serial not in self._answering:
            self._answering[meter.serial] = None
            self._events.append(MeterSeen(meter.serial))
        self._events.append(Heard(meter.serial, encode_collector_reading(_told(meter.serial, answer))))

    async def _registers(self, meter: KeyedMeter) -> RegistersRead:
        link = await meter.dial()
        try:
            client = DlmsClient(
                link,
                meter.framing(),
                meter.settings,
                clock=self._clock,
                random=self._random,
                counters=self._counters,
            )
            try:
                await client.associate()
                answer = await read_registers(client, self._clock, meter.registers)
                await client.release()
                return answer
            finally:
                await client.close()
        finally:
            await link.close()


def _told(serial: str, answer: RegistersRead) -> CollectorReading:
    registers = [
        ReadRegister(bytes(code), value.mantissa, value.scaler, int(value.unit)) for code, _, value in answer.values
    ]
    return CollectorReading(serial, int(answer.at.timestamp()), registers)
