"""The district's water, gas and heat: wireless meters that a receiver hears, and heat meters on the electricity meters'
M-Bus. Their values are synthetic, and labelled so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

from openami.app.parts import BackOffice
from openami.backoffice.registry.registry import Registry
from openami.field.meter.daily_flow import HOUSEHOLD_ML, DailyFlow
from openami.field.meter.electricity import ElectricityMeter
from openami.field.meter.faces.mbus import MbusFace
from openami.field.meter.faces.mbus_master import attend_sub_meters
from openami.field.meter.pipe_meter import PipeKind, PipeMeter, PipeMeterConfig
from openami.field.meter.wireless_meter import Security, WirelessMeter, WirelessSettings
from openami.io.clock import Clock
from openami.io.keystore.meter_keys import MeterKeys
from openami.io.links.link import Link
from openami.io.links.mbus import MbusMaster
from openami.io.links.memory import memory_pair
from openami.io.links.neighbourhood import Heard
from openami.io.links.udp import connect_udp
from openami.io.links.wmbus import RadioListener, WirelessNeighbourhood
from openami.model.obis import ObisCode
from openami.model.point import ONE_WAY, ChannelKind, Meter, behind_meter
from openami.model.quality import GuaranteeClass
from openami.model.unit import Unit
from openami.protocols.mbus.wireless.sticks.kinds import STICKS

STICK = STICKS["cul"]
INTERVAL_S = 3 * 3600.0
"""Between two telegrams of a meter. Real ones speak every few seconds: of each hour one telegram would be stored."""
EVERY_S = 3600.0
LIVED_DAYS = 400
HEATED = 3
"""Every third household has district heating; the others burn gas."""
GAS_ML = tuple(60 * litres for litres in HOUSEHOLD_ML)
HEATING_ML = tuple(90_000 + 2 * litres for litres in HOUSEHOLD_ML)


@dataclass(frozen=True, slots=True)
class Medium:
    """What flows, in the words of pages, and how its meter is read and protected."""

    name: str
    kind: PipeKind
    obis: ObisCode
    unit: Unit
    scaler: int
    security: Security | None
    hourly_ml: Sequence[int]

    @property
    def guarantee(self) -> GuaranteeClass:
        """Mode 7 has a MAC; mode 5 and the wired bus have nothing."""
        return GuaranteeClass.SHARED_KEYS if self.security is Security.MODE_7 else GuaranteeClass.UNAUTHENTICATED


CUBIC_METRE = (Unit.CUBIC_METRE, -3)
WATER = Medium("water", PipeKind.WATER, ObisCode(8, 0, 1, 0, 0), *CUBIC_METRE, Security.MODE_5, HOUSEHOLD_ML)
GAS = Medium("gas", PipeKind.GAS, ObisCode(7, 0, 3, 0, 0), *CUBIC_METRE, Security.MODE_7, GAS_ML)
HEAT = Medium("heat", PipeKind.HEAT, ObisCode(6, 0, 1, 0, 0), Unit.WATT_HOUR, 3, None, HEATING_ML)


@dataclass(frozen=True, slots=True)
class MediumMeter:
    """A meter of one household: on the air (`radio`), or on the M-Bus of `electricity`."""

    household: int
    medium: Medium
    device: PipeMeter
    electricity: ElectricityMeter
    radio: WirelessMeter | None = None
    key: bytes = b""


def heated(number: int) -> bool:
    """Whether this household has a heat meter on its electricity meter's M-Bus."""
    return number % HEATED == 0


def medium_meters(
    houses: Sequence[tuple[int, ElectricityMeter]], start: float, random: Callable[[int], bytes]
) -> Iterator[MediumMeter]:
    """The meters of households by number, with fresh keys; they have been there for a year when the district begins."""
    for number, electricity in houses:
        for medium in (WATER, HEAT if heated(number) else GAS):
            yield _meter(number, medium, electricity, start, random)


def _meter(
    number: int, medium: Medium, electricity: ElectricityMeter, start: float, random: Callable[[int], bytes]
) -> MediumMeter:
    identification = f"{medium.kind.value:02}{number + 1:06}"
    flow = DailyFlow(int(start) - (LIVED_DAYS + 7 * number) * 86_400, medium.hourly_ml)
    device = PipeMeter(PipeMeterConfig(medium.kind, identification, 1 if medium.security is None else 0), flow)
    if medium.security is None:
        return MediumMeter(number, medium, device, electricity)
    key = random(16)
    settings = WirelessSettings(INTERVAL_S, security=medium.security, key=key)
    radio = WirelessMeter(device, settings, start, counter=int(start))
    return MediumMeter(number, medium, device, electricity, radio, key)


def register_media(office: BackOffice, meters: Sequence[MediumMeter], addresses: Callable[[int], str]) -> list[Meter]:
    """Enter them into the registry, each at a point of its own, and their keys into the keystore."""
    keys = {each.device.address.link_order: MeterKeys(each.key, each.key) for each in meters if each.key}
    office.keystore.put_many(keys)
    with office.store.transaction():
        return [_register(office, each, addresses(each.household)) for each in meters]


def _register(office: BackOffice, each: MediumMeter, address: str) -> Meter:
    registry, medium, device = office.registry, each.medium, each.device
    point = registry.add_point(
        f"OAM-{each.household + 1:06d}-{medium.name}", f"{address}, {medium.name}", "Europe/London"
    )
    kind = ChannelKind.STAMPED_REGISTER
    registry.add_channel(point.id, 1, medium.obis, kind, medium.unit, medium.scaler, 0)
    behind = registry.meter_by_serial(each.electricity.config.serial) if each.radio is None else None
    link = None if behind is None else behind_meter(behind)
    title = device.address.link_order
    meter = registry.add_meter(device.config.identification, title, medium.guarantee, link, ONE_WAY, device.flow.label)
    since = datetime.fromtimestamp(each.electricity.now, UTC)
    registry.install(meter.id, point.id, since)
    registry.supply(_consumer(registry, each.electricity), point.id, since)
    return meter


def _consumer(registry: Registry, electricity: ElectricityMeter) -> int:
    """Who is supplied where this electricity meter hangs."""
    meter = registry.meter_by_serial(electricity.config.serial)
    assert meter is not None
    point = registry.installations(meter.id)[-1].metering_point
    return registry.supplies_of_point(point)[-1].consumer


class OtherMedia:
    """What carries these meters' words: one receiver for the air, and an M-Bus in each cupboard with a heat meter."""

    def __init__(self, meters: Sequence[MediumMeter], clock: Clock, push: str) -> None:
        self.meters = tuple(meters)
        self._clock = clock
        self._push = push
        self._air, stick = memory_pair()
        self._receiver = WirelessNeighbourhood(RadioListener(stick, STICK), clock)
        self._buses: list[tuple[ElectricityMeter, MbusMaster]] = []
        self._headend: Link | None = None

    async def start(self, stack: AsyncExitStack) -> None:
        """Hang the heat meters on their buses and call the head-end; all of it ends with `stack`."""
        host, _, port = self._push.rpartition(":")
        self._headend = await connect_udp(host, int(port))
        stack.push_async_callback(self._headend.close)
        for each in self.meters:
            if each.radio is None:
                near, far = memory_pair()
                serving = asyncio.create_task(MbusFace(each.device, self._clock).serve(far))
                stack.push_async_callback(_ended, serving)
                self._buses.append((each.electricity, MbusMaster(near, self._clock)))

    async def speak(self) -> None:
        """What is due now: telegrams are heard and forwarded as they are, and electricity meters read their M-Bus."""
        assert self._headend is not None
        now, sent = self._clock.time(), 0
        for each in self.meters:
            if each.radio is not None:
                each.radio.handle_timeout(now)
                for frame in each.radio.data_to_send():
                    await self._air.send(STICK.write(frame))
                    sent += 1
        while sent:
            event = await self._receiver.next_event()
            if isinstance(event, Heard):
                await self._headend.send(event.payload)
                sent -= 1
        for meter, bus in self._buses:
            await attend_sub_meters(meter, bus, self._clock)

    async def live(self) -> None:
        """Speak every hour of the district's time, for ever."""
        while True:
            await self.speak()
            await self._clock.sleep(EVERY_S)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
