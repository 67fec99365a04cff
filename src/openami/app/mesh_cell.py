"""The demo's neighbourhood: a collector and the meters' stations on one radio that lives in this process.

The radio is the simulation's (positions, path loss, collisions, airtime). The mesh lives by a time of its own
(`radio_time`), the meters behind it by the demo's. The link is a fast one (SUN OFDM at 2.4 Mbit/s), and the mesh's
periods are short to match: what takes minutes at 150 kbit/s is shown in seconds.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from math import ceil, sqrt
from typing import Final

from openami.app.radio_time import SPEED, RadioTime
from openami.field.meter.electricity import ElectricityMeter
from openami.field.meter.faces.mesh import MeshFace
from openami.field.meter.sealed_meter import SealedMeter
from openami.io.clock import ScaledClock
from openami.io.keystore.counter_file import CounterFile
from openami.io.links.mesh_neighbourhood import MeshNeighbourhood
from openami.model.errors import LinkTimeout
from openami.protocols.mesh.events import MeshEvent, Persist
from openami.protocols.mesh.node import MeshNode
from openami.protocols.mesh.parameters import MeshParameters, NodeSettings
from openami.simulation.medium import Medium
from openami.simulation.population import station_key
from openami.simulation.radio import Radio, levels, radio_links
from openami.simulation.station import Station
from openami.simulation.trace import Trace

RADIO: Final = Radio(
    rate_bps=2_400_000,
    carrier_sense_dbm=-113,
    shadowing_db=3,
    obstruction_db=25,
    link_loss_percent=(0, 3),
    duty_permille=1000,
)
PARAMETERS: Final = MeshParameters(
    bit_rate=RADIO.rate_bps,
    phy_overhead=RADIO.overhead_octets,
    duty=1.0,
    psdu_max=1400,
    backoff_s=0.0001,
    ack_wait_s=0.02,
    dio_interval_min_s=0.5,
    keepalive_s=20.0,
    parent_hold_s=5.0,
    dao_delay_s=0.1,
    dao_change_delay_s=0.5,
    dao_ack_s=1.0,
    beacon_wait_s=0.3,
    join_wait_s=1.5,
    scan_interval_min_s=0.5,
    scan_interval_max_s=4.0,
    confirmed_wait_s=2.0,
    confirmed_tries=5,
    key_distribution_s=60.0,
)
PLOT_DM, STREET_DM = 200, 260
"""Between two houses, and between two rows of them, in decimetres."""
HOLD_UP_S: Final = 1.0
"""How long a station speaks on when the supply has failed: enough for a last gasp and a good-bye."""
READS_AT_ONCE: Final = 8
"""Meters on one channel stand in each other's way: the more are read at once, the more frames collide."""
_PATIENCE_S: Final = 120.0
_LOOK_S: Final = 0.02


class MeshCell:
    """`root` is the collector's neighbourhood. Meters are counted from 0; each comes with what seals its commands.

    `counters` keep the stations' frame counters.
    """

    def __init__(
        self, meters: Sequence[tuple[ElectricityMeter, SealedMeter | None]], clock: ScaledClock, counters: CounterFile
    ) -> None:
        self._clock = clock
        self._radio = RadioTime(clock)
        self._living: asyncio.Task[None] | None = None
        self._counters = counters
        self._keys = [secrets.token_bytes(16) for _ in range(len(meters) + 1)]
        loop = self._radio.loop
        medium = _medium(loop, len(meters))
        root = self._node(0)
        self.collector = Station(0, "collector", root, medium, loop, self._hear, _eui64(0))
        self.root = MeshNeighbourhood(root, self._radio, counters, lambda: self._pump(self.collector))
        self.faces = [
            MeshFace(
                self._node(number),
                meter,
                random=secrets.token_bytes,
                times=self._radio,
                settings=sealed.server_settings() if sealed else None,
            )
            for number, (meter, sealed) in enumerate(meters, start=1)
        ]
        self._stations = [
            Station(number, mesh_address(number - 1), face, medium, loop, self._keep, _eui64(number))
            for number, face in enumerate(self.faces, start=1)
        ]

    def start(self) -> None:
        """The collector's station and all meters get their supply."""
        self._living = asyncio.get_running_loop().create_task(self._radio.run())
        self.collector.start()
        for station in self._stations:
            station.start()

    def stop(self) -> None:
        """All stations are silent from now on."""
        for station in (*self._stations, self.collector):
            if station.powered:
                station.stop()
        if self._living is not None:
            self._living.cancel()
        self._radio.loop.close()
        self.root.ended()

    async def formed(self) -> None:
        """Wait until every meter has a route; raises `LinkTimeout` if that takes minutes."""
        await self._until(lambda: all(face.node.joined for face in self.faces), "the mesh has not formed")

    def look(self) -> None:
        """The meters' clock has jumped: what is due is done now."""
        for face, station in zip(self.faces, self._stations, strict=True):
            if station.powered:
                face.handle_timeout(self._radio.monotonic())
                self._pump(station)

    async def deliver(self, number: int) -> None:
        """Send what meter `number` wants to push; return when the collector has confirmed it."""
        face, station = self.faces[number], self._stations[number]
        face.push(self._radio.monotonic())
        self._pump(station)
        await self._until(lambda: face.quiet, f"a push of {station.name} was not confirmed")

    async def power_fail(self, number: int) -> None:
        """A house loses its supply: the meter's last gasp goes out, the station says good-bye, and is silent."""
        face, station = self.faces[number], self._stations[number]
        face.meter.power_fail(self._clock.time())
        await self.deliver(number)
        face.stop(self._radio.monotonic())
        self._pump(station)
        await asyncio.sleep(HOLD_UP_S / SPEED)
        station.stop()

    async def power_restore(self, number: int) -> None:
        """The supply is back; returns when the station has a route again."""
        face, station = self.faces[number], self._stations[number]
        face.meter.power_restore(self._clock.time())
        station.start()
        self._radio.stir()
        await self._until(lambda: face.node.joined, f"{station.name} has not found back into the mesh")
        await self.deliver(number)

    async def _until(self, there: Callable[[], bool], otherwise: str) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                while not there():
                    if self._living is not None and self._living.done():
                        self._living.result()
                    await asyncio.sleep(_LOOK_S)
        except TimeoutError:
            raise LinkTimeout(f"{otherwise} within {_PATIENCE_S:g} s") from None

    def _pump(self, station: Station) -> None:
        """Something was done to a station."""
        station.pump()
        self._radio.stir()

    def _node(self, number: int) -> MeshNode:
        settings = NodeSettings(
            eui64=_eui64(number),
            root=number == 0,
            device_key=self._keys[number],
            keys_of=None if number else self._key_of,
            parameters=PARAMETERS,
        )
        return MeshNode(settings, secrets.token_bytes, self._counters)

    def _key_of(self, eui64: bytes) -> bytes | None:
        number = int.from_bytes(eui64[4:], "big")
        return self._keys[number] if eui64 == _eui64(number) and 0 < number < len(self._keys) else None

    def _hear(self, _station: Station, event: MeshEvent) -> None:
        self.root.take(event, self._radio.monotonic())

    def _keep(self, station: Station, event: MeshEvent) -> None:
        if isinstance(event, Persist):
            self._counters.save(event.name, event.value)
            station.core.persisted(event, self._radio.monotonic())


def mesh_address(meter: int) -> str:
    """How the collector calls a meter."""
    return _eui64(meter + 1).hex()


def _eui64(number: int) -> bytes:
    """Locally administered, so nobody's."""
    return b"\x02OAM" + number.to_bytes(4, "big")


def _medium(loop: asyncio.AbstractEventLoop, meters: int) -> Medium:
    """Rows of houses, about square; the collector stands in the middle."""
    columns = ceil(sqrt(meters * 2))
    places = [(number % columns * PLOT_DM, number // columns * STREET_DM) for number in range(meters)]
    middle = (max(x for x, _ in places) // 2, max(y for _, y in places) // 2 + STREET_DM // 2)
    keys = [station_key(_eui64(number).hex()) for number in range(meters + 1)]
    links = radio_links(RADIO, levels(RADIO, [middle, *places], keys), keys)
    return Medium(loop, RADIO.phy, links, keys, Trace())
