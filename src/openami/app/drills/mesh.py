"""Strangers and insiders in the mesh of a neighbourhood: who joins, repeats, lies about his place, and floods."""

from __future__ import annotations

from contextlib import closing, suppress
from typing import Any

from openami.app.drills.drill import Removal, drill, stands
from openami.app.drills.world import octets_of
from openami.model.errors import DecodeError, SecurityError
from openami.protocols.dlms.counters import MemoryCounters
from openami.protocols.mesh import dodag, join_messages
from openami.protocols.mesh.address import link_local
from openami.protocols.mesh.allowance import Allowance
from openami.protocols.mesh.events import DatagramReceived, JoinRefused, Persist, StationKnown
from openami.protocols.mesh.frame import DATA, decode_frame, encode_header
from openami.protocols.mesh.iphc import compress
from openami.protocols.mesh.ipv6 import UDP, Packet, encode_packet, encode_udp
from openami.protocols.mesh.join_messages import (
    ANSWER,
    JOIN_PORT,
    GroupKey,
    decode_sealed,
    make_request,
    open_key,
    seal_key,
)
from openami.protocols.mesh.link_security import LinkSecurity
from openami.protocols.mesh.node import MeshNode
from openami.protocols.mesh.parameters import MeshParameters, NodeSettings
from openami.protocols.mesh.registrar import Registrar
from openami.protocols.mesh.rpl_messages import GROUNDED_NON_STORING, DioHead, encode_dio
from openami.simulation.loop import VirtualLoop
from openami.simulation.medium import Medium, Neighbour, Phy
from openami.simulation.station import Station
from openami.simulation.streams import ByteStream
from openami.simulation.trace import Trace

RADIO = "NAN radio"
ROGUE = "rogue meter"
PHY = Phy(150_000, 12, -100, -104, 1000)
NEAR_DBM = -60
FORMED_S = 120.0
PARAMETERS = MeshParameters()
STRANGER = bytes.fromhex("0a0b0c0d0e0f1011")
WRONG_KEY = bytes(16)


def name(number: int) -> bytes:
    """The EUI-64 of a station; 0 is the collector's."""
    return b"\x02OAM" + number.to_bytes(4, "big")


def device_key(eui64: bytes) -> bytes | None:
    """The key of a station that is ours."""
    return octets_of(f"mesh {eui64.hex()}", 16) if eui64.startswith(b"\x02OAM") else None


class Line:
    """The collector, a meter that it hears, and a meter behind that one. `heard` is what was on the air."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self.events: dict[int, list[Any]] = {0: [], 1: [], 2: []}
        self.heard: list[bytes] = []
        links = [[Neighbour(one, NEAR_DBM, 0) for one in (at - 1, at + 1) if 0 <= one <= 2] for at in range(3)]
        medium = Medium(loop, PHY, links, [1, 2, 3], Trace())
        medium.watchers.append(lambda _now, _sender, psdu: self.heard.append(psdu))
        self.nodes = [self._node(number) for number in range(3)]
        self._stations = [
            Station(number, str(number), node, medium, loop, self._note, name(number))
            for number, node in enumerate(self.nodes)
        ]
        for station in self._stations:
            station.start()
        self.live(FORMED_S)
        stands(all(node.joined for node in self.nodes), "the mesh has not formed")

    def live(self, seconds: float) -> None:
        """Let so much time pass."""
        self._loop.call_later(seconds, self._loop.stop)
        self._loop.run_forever()

    def put(self, psdu: bytes, to: int) -> None:
        """A station hears a frame that nobody of the line has sent."""
        self._stations[to].heard(psdu, NEAR_DBM)

    def say(self, payload: bytes) -> None:
        """The outermost meter sends a datagram to the collector."""
        self.nodes[2].send(self.nodes[2].root_address, payload, self._loop.time())
        self._stations[2].pump()
        self.live(5)

    def start_anew(self, number: int) -> None:
        """A station starts with the memory that it had when it was made."""
        self.nodes[number] = self._stations[number].core = self._node(number)
        self._stations[number].start()

    def counters_of(self, number: int) -> list[int]:
        """The counters of the protected frames that a station has sent, as everybody hears them."""
        frames = [decode_frame(psdu) for psdu in self.heard if psdu[0] & 7 == DATA]
        own = [frame for frame in frames if frame.secured and frame.source == name(number)]
        return [int.from_bytes(frame.content[1:5], "little") for frame in own]

    def told(self, number: int, kind: type) -> list[Any]:
        """What a station has told its owner."""
        return [event for event in self.events[number] if isinstance(event, kind)]

    def _node(self, number: int) -> MeshNode:
        root = number == 0
        settings = NodeSettings(
            eui64=name(number),
            root=root,
            device_key=device_key(name(number)),
            keys_of=device_key if root else None,
            parameters=PARAMETERS,
        )
        return MeshNode(settings, ByteStream(f"drill/{number}").take, MemoryCounters())

    def _note(self, station: Station, event: Any) -> None:
        self.events[station.number].append(event)
        if isinstance(event, Persist):
            station.core.persisted(event, self._loop.time())


def _request_frame(source: bytes, proxy: bytes, request: bytes, sequence: int) -> bytes:
    """A join request as anybody can send it."""
    ends = link_local(source), link_local(proxy)
    packet = encode_packet(Packet(*ends, 255, b"", b"", UDP, encode_udp(*ends, (JOIN_PORT, JOIN_PORT), request)))
    headers, used = compress(packet, source, proxy, PARAMETERS.prefix)
    header = encode_header(DATA, sequence, PARAMETERS.pan_id, proxy, source, secured=False, ack_request=True)
    return header + headers + packet[used:]


def _nothing(*_arguments: object, **_named: object) -> None:
    return None


@drill("A108", ROGUE, Removal(join_messages, "compare_digest", lambda *_both: True))
def a_meter_without_a_key_of_ours_joins() -> None:
    """It has a name of ours and no key: the collector names it to the operator and gives it no route."""
    with closing(VirtualLoop()) as loop:
        line, rogue = Line(loop), name(7)
        line.put(_request_frame(rogue, name(1), make_request(WRONG_KEY, rogue, bytes(8), 0), 1), 1)
        line.live(20)
        stands([one.eui64 for one in line.told(0, JoinRefused)] == [rogue], "nobody is told of it")
        stands(all(one.eui64 != rogue for one in line.told(0, StationKnown)), "it has a route")


@drill("A109", RADIO, Removal(LinkSecurity, "_take", _nothing))
def a_frame_of_the_mesh_is_sent_again() -> None:
    with closing(VirtualLoop()) as loop:
        line = Line(loop)
        line.heard.clear()
        line.say(b"once")
        for psdu in [psdu for psdu in line.heard if psdu[0] & 7 == DATA]:
            line.put(psdu, 0)
            line.put(psdu, 1)
        line.live(5)
        got = [one.payload for one in line.told(0, DatagramReceived)]
        stands(got == [b"once"], f"the collector got it {len(got)} times")


@drill("A110", RADIO, Removal(join_messages, "_associated", lambda kind, eui64, _nonce: bytes((kind,)) + eui64))
def an_old_answer_to_a_join_is_played_again() -> None:
    """An old group key, to a station that asks anew."""
    key = octets_of("one station", 16)
    old, new = octets_of("first nonce", 8), octets_of("second nonce", 8)
    answer = seal_key(key, ANSWER, name(1), old, octets_of("salt", 12), GroupKey(1, bytes(16), 0))
    try:
        open_key(key, decode_sealed(answer), new)
    except SecurityError:
        return
    stands(condition=False, what="the station has taken an old key")


@drill("A111", ROGUE, Removal(dodag, "check_rank", _nothing))
def a_member_says_that_it_is_the_root() -> None:
    """It has the group key and the root's rank in its mouth; neighbours believe of nobody but the root that it is."""
    with closing(VirtualLoop()) as loop:
        line = Line(loop)
        line.live(PARAMETERS.parent_hold_s)
        victim = line.nodes[2].dodag
        before = victim.parent
        head = DioHead(0, victim.graph.version, 1, GROUNDED_NON_STORING, 0, 0, 0, victim.graph.dodag_id)
        with suppress(DecodeError):
            victim.receive_dio(STRANGER, encode_dio(head, b""), NEAR_DBM, loop.time())
        stands(victim.parent is before, "its neighbour has left its parent for it")


@drill("A112", RADIO, Removal(Allowance, "take", lambda *_anything: True))
def very_many_ask_to_join() -> None:
    """Two hundred requests in twenty seconds reach the collector at the pace of one in two seconds."""
    with closing(VirtualLoop()) as loop:
        line = Line(loop)
        for number in range(200):
            request = make_request(WRONG_KEY, STRANGER, bytes(8), 0)
            line.put(_request_frame(STRANGER, name(1), request, number), 1)
            line.live(0.1)
        stands(len(line.told(0, JoinRefused)) <= 20, "all of them came to the collector")


@drill("A113", ROGUE, Removal(Registrar, "_floor", lambda _self, relayed: relayed.request.frame_counter))
def a_station_comes_back_with_an_old_memory() -> None:
    """Its frame counter was set back: the collector puts it ahead of all that was heard, so that none comes twice."""
    with closing(VirtualLoop()) as loop:
        line = Line(loop)
        for _ in range(10):
            line.say(b"x")
        used = max(line.counters_of(1))
        line.heard.clear()
        line.start_anew(1)
        line.live(400)
        stands(line.nodes[1].joined, "it has not come back")
        stands(min(line.counters_of(1)) > used, "it uses numbers that were used")
