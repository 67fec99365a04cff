"""A district that lives: meters with their stations, the medium between them, heads, the office, and the watchers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Any

from openami.field.meter.faces.mesh import MeshFace
from openami.io.clock import OffsetTimescale
from openami.protocols.dlms.counters import MemoryCounters
from openami.protocols.mesh.events import DatagramReceived, Joined, Persist, StationGone, StationKnown
from openami.protocols.mesh.node import MeshNode
from openami.protocols.mesh.parameters import MeshParameters, NodeSettings
from openami.simulation.adversary import Flood, Liar, Recorder
from openami.simulation.checkers import Bounds, Checker, DutyCycle, FrameCounters, InvocationCounters, RoutingLoops
from openami.simulation.deliveries import Deliveries, WatchedMeter
from openami.simulation.district import ON_THE_MEDIUM, District, Fault, House
from openami.simulation.head import SPOOL_BYTES, Head
from openami.simulation.households import make_meter
from openami.simulation.loop import VirtualClock
from openami.simulation.medium import Medium, Neighbour, Phy
from openami.simulation.office import Office
from openami.simulation.population import station_key
from openami.simulation.power_line import Tap, power_line_links
from openami.simulation.radio import levels, radio_links
from openami.simulation.station import Station
from openami.simulation.streams import ByteStream, Streams
from openami.simulation.trace import Trace

GOOD_MARGIN_DB = 9
"""So far above the sensitivity a link loses next to nothing to noise."""
LOOK_EVERY_S = 30.0
PULL_EVERY_S = 900.0


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
        self.phy, self.medium = self._medium()
        self.frame_counters = FrameCounters()
        self.deliveries = Deliveries(InvocationCounters())
        self.loops = RoutingLoops()
        self.duty = DutyCycle(self.phy.duty_permille)
        self.bounds = Bounds()
        self.strangers = Checker("strangers kept out")
        self.meters = [self._meter(number, days) for number in range(len(district.houses))]
        self.heads = [
            Head(one.name, self.streams.bytes(f"spool/{one.name}"), self.streams.key(f"disk/{one.name}"))
            for one in district.collectors
        ]
        self.office = Office()
        self.office.register(list(self.meters), self.start_s)
        self.crash_next_pull = False
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
        self._parameters = self._mesh_parameters()
        self.stations = [
            Station(number, name, self._core(number), self.medium, loop, self._heard, eui64(number))
            for number, name in enumerate(self.names)
        ]
        self.medium.watchers.append(self._watch)
        self._insiders: dict[bytes, bytes] = {}
        self._strangers = {number: self._stranger(number, fault.kind) for number, fault in self._on_the_medium()}

    @property
    def checkers(self) -> list[Checker]:
        """Those that watch while the district lives."""
        return [self.frame_counters, self.deliveries.counters, self.loops, self.duty, self.bounds, self.strangers]

    def begin(self) -> None:
        """Everybody gets supply, spread over the first ten seconds, as after a power cut."""
        chance = self.streams.random("begin")
        for station in self.stations:
            self.loop.call_later(0 if station.number < self.roots else chance.random() * 10, station.start)
        self.loop.call_later(LOOK_EVERY_S, self._look)
        self.loop.call_later(PULL_EVERY_S, self._pull)

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

    def power_off(self, number: int) -> None:
        """The supply fails: the meter's last gasp goes out as long as its store of energy holds."""
        if number >= self.roots:
            meter, now = self.meter(number), self.clock.time()
            if not meter.powered:
                return
            meter.power_fail(now)
            self.outages[number - self.roots].append((now, now))
            self.stations[number].pump()
        hold_up_s = self.district.reading.hold_up_ms / 1000 if number >= self.roots else 0.0
        self.loop.call_later(hold_up_s, self._die, number)

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

    def recorder(self, fault: int) -> Recorder:
        """The adversary of the fault with this number."""
        stranger = self._strangers[fault]
        assert isinstance(stranger, Recorder)
        return stranger

    def flood(self, fault: int) -> Flood:
        """The same, who floods."""
        stranger = self._strangers[fault]
        assert isinstance(stranger, Flood)
        return stranger

    def stranger(self, fault: int) -> Station:
        """The same, who runs a mesh station with keys of his own."""
        stranger = self._strangers[fault]
        assert isinstance(stranger, Station)
        return stranger

    def pull(self) -> None:
        """The office takes what the spools hold."""
        for head in self.heads:
            head.flush()
            self.office.pull(head.spool, self.clock.time(), crash=self.crash_next_pull)
            self.crash_next_pull = False

    def close(self) -> None:
        self.office.close()

    def _leads_up(self, number: int, parents: dict[int, int | None]) -> bool:
        at: int | None = number
        for _ in range(64):
            if at is None or not self.stations[at].powered:
                return False
            if at < self.roots:
                return True
            at = parents[at]
        return False

    def _on_the_medium(self) -> list[tuple[int, Fault]]:
        return [(number, fault) for number, fault in enumerate(self.district.faults) if fault.kind in ON_THE_MEDIUM]

    def _beside(self, fault: Fault) -> House:
        houses = {house.name: house for house in self.district.houses}
        return houses.get(fault.target, self.district.houses[0])

    def _stranger(self, fault: int, kind: str) -> Recorder | Station:
        """On the medium strangers come after the houses, in the order of their faults."""
        number = len(self.names) + [one for one, _ in self._on_the_medium()].index(fault)
        if kind == "flood":
            return Flood(number, self.medium, self.loop, ByteStream(f"{self.streams.seed}/flood/{fault}"))
        if kind in {"replayed-frames", "replayed-join"}:
            return Recorder(number, self.medium, self.loop)
        random = self.streams.bytes(f"stranger/{fault}")
        settings = NodeSettings(
            eui64=b"\x02EVE" + fault.to_bytes(4, "big"),
            root=kind == "forged-relay",
            device_key=random(16),
            keys_of=(lambda _eui: bytes(16)) if kind == "forged-relay" else None,
            parameters=self._parameters,
        )
        if kind == "lying-rank":
            self._insiders[settings.eui64] = settings.device_key or b""
            core: MeshNode = Liar(settings, random, self._counters[number])
            return Station(number, kind, core, self.medium, self.loop, self._heard_by_insider, settings.eui64)
        core = MeshNode(settings, random, self._counters[number])
        return Station(number, kind, core, self.medium, self.loop, self._heard_by_stranger, settings.eui64)

    def _heard_by_insider(self, station: Station, event: Any) -> None:
        if isinstance(event, Persist):
            self._counters[station.number].save(event.name, event.value)
            station.core.persisted(event, self.loop.time())

    def _heard_by_stranger(self, station: Station, event: Any) -> None:
        self.trace.note(self.loop.time(), "stranger", station.number, type(event).__name__)
        if isinstance(event, Joined | DatagramReceived):
            self.strangers.find(f"{self.loop.time():.0f} s: the {station.name} got {type(event).__name__}")

    def _die(self, number: int) -> None:
        if number >= self.roots and self.meter(number).powered:
            return
        if self.stations[number].powered:
            self.trace.note(self.loop.time(), "power off", number)
            self.stations[number].stop()

    def _medium(self) -> tuple[Phy, Medium]:
        district, strangers = self.district, [self._beside(fault) for _, fault in self._on_the_medium()]
        keys = [station_key(name) for name in (*self.names, *(f"stranger {n}" for n in range(len(strangers))))]
        phy: Phy
        links: list[list[Neighbour]]
        if district.medium == "radio":
            places = [(one.x_m * 10, one.y_m * 10) for one in district.stations + strangers]
            phy = district.radio.phy
            links = radio_links(district.radio, levels(district.radio, places, keys), keys)
        else:
            phy = district.power_line.phy
            taps = [Tap(one.transformer, "", 0) for one in district.collectors]
            first = {one.transformer: one.x_m for one in district.collectors}
            houses = (*district.houses, *strangers)
            taps += [Tap(one.transformer, one.street, one.x_m - first[one.transformer]) for one in houses]
            links = power_line_links(district.power_line, taps, keys)
        chance = [key ^ self.streams.key("medium") for key in keys]
        return phy, Medium(self.loop, phy, links, chance, self.trace)

    def _mesh_parameters(self) -> MeshParameters:
        return MeshParameters(
            bit_rate=self.phy.rate_bps,
            phy_overhead=self.phy.overhead_octets,
            duty=self.phy.duty_permille / 1000,
            good_dbm=self.phy.sensitivity_dbm + GOOD_MARGIN_DB,
        )

    def _meter(self, number: int, days: float) -> WatchedMeter:
        meter = make_meter(self.district, number, self.streams, self.start_s, days, MemoryCounters())
        meter.deliveries = self.deliveries
        return meter

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
            return self._insiders.get(eui)
        served = self.district.collectors[root].transformer
        house = self.district.houses[number - self.roots]
        return self.device_key(eui) if served in {"", house.transformer} else None

    def _heard(self, station: Station, event: Any) -> None:
        now = self.loop.time()
        match event:
            case DatagramReceived() if station.number < self.roots:
                self.trace.note(now, "datagram", station.number, event.payload.hex())
                self.heads[station.number].take(event.payload, self.clock.time())
                self.deliveries.came(event.payload, event.hops, self.clock.time())
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
        """Everything that could grow: kind, size and limit."""
        yield from (("spool (bytes)", head.spool.size, SPOOL_BYTES) for head in self.heads)
        limits = self._parameters
        for number in range(len(self.stations)):
            node = self.node(number)
            yield "frame queue", node.queued, limits.queue_max
            yield "table of neighbours", len(node.dodag.neighbours), limits.neighbours_max
            yield "datagrams to be confirmed", node.unconfirmed, limits.confirmed_pending_max

    def _pull(self) -> None:
        self.loop.call_later(PULL_EVERY_S, self._pull)
        self.pull()
