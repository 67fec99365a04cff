"""A district that lives: meters with their stations, the medium between them, what lies behind it, the watchers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Any

from openami.field.meter.faces.mesh import MeshFace
from openami.io.clock import OffsetTimescale
from openami.protocols.dlms.counters import MemoryCounters
from openami.protocols.mesh.events import DatagramReceived, Persist, StationGone, StationKnown
from openami.protocols.mesh.node import MeshNode
from openami.protocols.mesh.parameters import NodeSettings
from openami.simulation.air import make_medium, mesh_parameters
from openami.simulation.checkers import Bounds, Checker, DutyCycle, FrameCounters, RoutingLoops
from openami.simulation.deliveries import WatchedMeter
from openami.simulation.district import District
from openami.simulation.households import make_meter
from openami.simulation.installation import Installation
from openami.simulation.loop import VirtualClock
from openami.simulation.station import Station
from openami.simulation.strangers import Strangers
from openami.simulation.streams import Streams
from openami.simulation.trace import Trace

LOOK_EVERY_S = 30.0


def eui64(number: int) -> bytes:
    """The EUI-64 of station `number`: locally administered, so nobody's."""
    return b"\x02OAM" + number.to_bytes(4, "big")


class World:
    """Stations are numbered: first the collectors, then the houses. `seed` is the run's, not the district's."""

    def __init__(self, district: District, seed: int, days: float, loop: asyncio.AbstractEventLoop) -> None:
        self.district = district
        self.loop = loop
        self.streams = Streams(seed)
        self.start_s = datetime.fromisoformat(district.start).timestamp()
        self.clock = VirtualClock(self.start_s, loop)
        self.trace = Trace()
        self.roots = len(district.collectors)
        self.names = [one.name for one in district.stations]
        self.phy, self.medium = make_medium(district, self.streams, loop, self.trace)
        self.frame_counters = FrameCounters()
        self.loops = RoutingLoops()
        self.duty = DutyCycle(self.phy.duty_permille)
        self.bounds = Bounds()
        self._parameters = mesh_parameters(self.phy)
        self.strangers = Strangers(district, self._parameters, self.streams, self.medium, loop, self.trace)
        self.meters = [self._meter(number, days) for number in range(len(district.houses))]
        by_eui64 = {eui64(number): meter for number, meter in enumerate(self.meters, start=self.roots)}
        self.installation = Installation(district, by_eui64, self.streams, self.clock, loop, self.trace)
        self.deliveries = self.installation.deliveries
        for meter in self.meters:
            meter.deliveries = self.deliveries
        self.known: dict[bytes, float] = {}
        """When each station was first known to a root, by EUI-64, in seconds since the start."""
        self.outages: list[list[tuple[float, float]]] = [[] for _ in self.meters]
        """From when to when each meter was without supply, UTC seconds."""
        self.set_back: set[int] = set()
        """Meters whose clocks were set back, by their number in the district."""
        self.notes: list[tuple[str, int, int]] = []
        """What a fault showed: what, how many, of how many."""
        self.interference_db = [0] * len(self.medium.noise_db)
        self._counters = [MemoryCounters() for _ in self.medium.noise_db]
        self._lives = [0] * len(self.medium.noise_db)
        self.stations = [
            Station(number, name, self._core(number), self.medium, loop, self._heard, eui64(number))
            for number, name in enumerate(self.names)
        ]
        self.medium.watchers.append(self._watch)

    @property
    def checkers(self) -> list[Checker]:
        """Those that watch while the district lives."""
        return [
            self.frame_counters,
            self.deliveries.counters,
            self.loops,
            self.duty,
            self.bounds,
            self.strangers.kept_out,
            self.installation.jobs,
            self.installation.desk.ended,
            self.installation.desk.healed,
        ]

    def begin(self) -> None:
        """Everybody gets supply, spread over the first ten seconds, as after a power cut."""
        chance = self.streams.random("begin")
        self.installation.begin()
        for station in self.stations:
            if station.number < self.roots:
                self._start_collector(station)
            self.loop.call_later(0 if station.number < self.roots else chance.random() * 10, station.start)
        self.loop.call_later(LOOK_EVERY_S, self._look)

    def node(self, number: int) -> MeshNode:
        """The mesh core of a station."""
        core = self.stations[number].core
        if isinstance(core, MeshFace):
            return core.node
        assert isinstance(core, MeshNode)
        return core

    def meter(self, number: int) -> WatchedMeter:
        """The meter of station `number`."""
        return self.meters[number - self.roots]

    def reboot(self, number: int) -> None:
        """The station forgets all that it did not keep; the supply of the meter's measuring part stays."""
        station = self.stations[number]
        if station.powered:
            station.stop()
        station.core = self._core(number)
        self.trace.note(self.loop.time(), "reboot", number)
        station.start()

    def collector_off(self, root: int, half: bytes = b"") -> None:
        """A collector dies at once, perhaps in the middle of writing the record `half`."""
        self.installation.sites[root].lose_power(half)
        self._die(root)

    def power_off(self, number: int) -> None:
        """A meter's supply fails: its last gasp goes out as long as its store of energy holds."""
        meter, now = self.meter(number), self.clock.time()
        if not meter.powered:
            return
        meter.power_fail(now)
        self.outages[number - self.roots].append((now, now))
        self.stations[number].pump()
        self.loop.call_later(self.district.reading.hold_up_ms / 1000, self._die, number)

    def power_on(self, number: int) -> None:
        """The supply is back."""
        station = self.stations[number]
        if station.powered:
            return
        if number >= self.roots:
            meter, now = self.meter(number), self.clock.time()
            meter.power_restore(now)
            outages = self.outages[number - self.roots]
            outages[-1] = (outages[-1][0], now)
        station.core = self._core(number)
        if number < self.roots:
            self._start_collector(station)
        self.trace.note(self.loop.time(), "power on", number)
        station.start()

    def parents(self) -> dict[int, int | None]:
        """Each station's parent by number, as the stations themselves see it."""
        found: dict[int, int | None] = {}
        for station in self.stations:
            parent = self.node(station.number).parent if station.powered else None
            found[station.number] = None if parent is None else self.number_of(parent)
        return found

    def number_of(self, eui: bytes) -> int | None:
        """The station with an EUI-64; None for a stranger."""
        number = int.from_bytes(eui[4:], "big")
        return number if eui[:4] == b"\x02OAM" and number < len(self.names) else None

    def routed(self) -> list[int]:
        """The stations, roots excepted, that have joined and to which a root has a route now that leads to it."""
        reached: list[int] = []
        for root in range(self.roots):
            if not self.stations[root].powered:
                continue
            routes = self.node(root).routes()
            own = eui64(root)
            for station in routes:
                at, steps = station, 0
                while at != own and at in routes and steps < 64:
                    at, steps = routes[at], steps + 1
                number = self.number_of(station)
                if at == own and number is not None and self.node(number).joined:
                    reached.append(number)
        return reached

    def reachable(self) -> list[int]:
        """Of those with a route: whose every relay is alive, and whose own way up leads to a root."""
        parents = self.parents()
        return [number for number in self.routed() if self._leads_up(number, parents)]

    def set_noise(self) -> None:
        """The noise of the hour, and of whoever interferes."""
        line = self.district.power_line
        hour = line.noise_db(int(self.clock.time() // 3600 % 24)) if self.district.medium == "power-line" else 0
        self.medium.noise_db[:] = [hour + more for more in self.interference_db]

    def note(self, what: str, count: int, of: int) -> None:
        """A fault has shown something."""
        self.trace.note(self.loop.time(), "note", what, count, of)
        self.notes.append((what, count, of))

    def close(self) -> None:
        """Nothing runs any more."""
        self.loop.run_until_complete(self.installation.end())

    def _leads_up(self, number: int, parents: dict[int, int | None]) -> bool:
        at: int | None = number
        for _ in range(64):
            if at is None or not self.stations[at].powered:
                return False
            if at < self.roots:
                return True
            at = parents[at]
        return False

    def _die(self, number: int) -> None:
        if number >= self.roots and self.meter(number).powered:
            return
        if self.stations[number].powered:
            self.trace.note(self.loop.time(), "power off", number)
            self.stations[number].stop()

    def _meter(self, number: int, days: float) -> WatchedMeter:
        return make_meter(self.district, number, self.streams, self.start_s, days, MemoryCounters())

    def device_key(self, eui: bytes) -> bytes | None:
        """The key of a station of the district."""
        number = self.number_of(eui)
        return None if number is None else self.streams.bytes(f"mesh key/{self.names[number]}")(16)

    def _core(self, number: int) -> Any:
        name, root = self.names[number], number < self.roots
        self._lives[number] += 1
        random = self.streams.bytes(f"mesh/{name}/{self._lives[number]}")
        settings = NodeSettings(
            eui64=eui64(number),
            root=root,
            device_key=self.device_key(eui64(number)),
            keys_of=partial(self._key_of_member, number) if root else None,
            parameters=self._parameters,
        )
        node = MeshNode(settings, random, self._counters[number])
        return node if root else self._face(node, number, random)

    def _face(self, node: MeshNode, number: int, random: Callable[[int], bytes]) -> MeshFace:
        return MeshFace(node, self.meter(number), random=random, times=OffsetTimescale(self.start_s))

    def _key_of_member(self, root: int, eui: bytes) -> bytes | None:
        """On power line every collector lets only the houses of its own transformer join."""
        number = self.number_of(eui)
        if number is None or number < self.roots:
            return self.strangers.insiders.get(eui)
        served = self.district.collectors[root].transformer
        house = self.district.houses[number - self.roots]
        return self.device_key(eui) if served in {"", house.transformer} else None

    def _start_collector(self, station: Station) -> None:
        site, counters = self.installation.sites[station.number], self._counters[station.number]
        site.start(self.node(station.number), station, counters, self.loop)

    def _heard(self, station: Station, event: Any) -> None:
        now = self.loop.time()
        if station.number < self.roots:
            self.installation.heard(station.number, event)
        match event:
            case DatagramReceived() if station.number < self.roots:
                self.trace.note(now, "datagram", station.number, event.payload.hex())
            case Persist() if station.number < self.roots:
                pass
            case Persist():
                self._counters[station.number].save(event.name, event.value)
                station.core.persisted(event, now)
            case StationKnown():
                self.known.setdefault(event.eui64, now)
                self.trace.note(now, "known", station.number, event.eui64.hex())
            case StationGone():
                self.trace.note(now, "gone", station.number, event.eui64.hex())
            case _:
                self.trace.note(now, type(event).__name__, station.number)

    def _watch(self, now: float, sender: int, psdu: bytes) -> None:
        if sender < len(self.names):
            self.frame_counters.watch(now, psdu)
        self.duty.watch(now, sender, self.phy.airtime_us(psdu))

    def _look(self) -> None:
        self.loop.call_later(LOOK_EVERY_S, self._look)
        now = self.loop.time()
        self.loops.look(now, self.parents())
        self.bounds.look(now, self._buffers())
        self.set_noise()

    def _buffers(self) -> Iterator[tuple[str, int, int]]:
        """Everything that could grow: kind, size (of the stations that of the fullest) and limit."""
        yield from self.installation.buffers()
        limits = self._parameters
        nodes = [self.node(number) for number in range(len(self.stations))]
        yield "frame queue", max(node.queued for node in nodes), limits.queue_max
        yield "table of neighbours", max(len(node.dodag.neighbours) for node in nodes), limits.neighbours_max
        yield "datagrams to be confirmed", max(node.unconfirmed for node in nodes), limits.confirmed_pending_max
