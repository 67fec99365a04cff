"""A tiny medium for mesh stations: links with a probability of loss, airtime, no collisions; time is virtual.

Two frames that would overlap at a sender's ears make its channel busy. Everything follows from one seed.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterable
from itertools import count

from openami.protocols.mesh.events import MeshEvent, Persist
from openami.protocols.mesh.node import MeshNode
from openami.protocols.mesh.parameters import MeshParameters, NodeSettings

ROOT = bytes.fromhex("024f414d49000000")
ROOT_KEY = bytes(range(16))
ACK_TYPE = 2


def name(number: int) -> bytes:
    """The EUI-64 of station `number`; 0 is the root."""
    return ROOT[:6] + number.to_bytes(2, "big")


def device_key(eui64: bytes) -> bytes | None:
    """The key of every station that belongs here."""
    return b"k" * 8 + eui64 if eui64.startswith(ROOT[:6]) else None


class Store:
    """Counters that survive the station."""

    def __init__(self) -> None:
        self.values: dict[str, int] = {}

    def load(self, key: str) -> int:
        return self.values.get(key, 0)

    def save(self, key: str, value: int) -> None:
        self.values[key] = value


class Ether:
    """Stations by their EUI-64, joined by `link`. `log` keeps (time, sender, PSDU) of all frames if `keep` is set."""

    def __init__(self, *, seed: int = 1, parameters: MeshParameters | None = None, secure: bool = True) -> None:
        self.now = 0.0
        self.parameters = parameters or MeshParameters()
        self.secure = secure
        self.chance = random.Random(seed)
        self.nodes: dict[bytes, MeshNode] = {}
        self.stores: dict[bytes, Store] = {}
        self.events: dict[bytes, list[MeshEvent]] = {}
        self.loss: dict[tuple[bytes, bytes], float] = {}
        self.rssi: dict[tuple[bytes, bytes], int] = {}
        self.dead: set[bytes] = set()
        self.log: list[tuple[float, bytes, bytes]] = []
        self.keep = False
        self.frames = 0
        self._hearers: dict[bytes, list[bytes]] = {}
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()
        self._woken: dict[bytes, float] = {}
        self._busy: dict[bytes, float] = {}

    def add(self, number: int, **changes: object) -> MeshNode:
        """Station `number`, not yet started."""
        eui64 = name(number)
        root = number == 0
        key = (ROOT_KEY if root else device_key(eui64)) if self.secure else None
        values = {
            "eui64": eui64,
            "root": root,
            "device_key": key,
            "keys_of": device_key if root else None,
            "parameters": self.parameters,
            **changes,
        }
        return self.put(NodeSettings(**values))

    def put(self, settings: NodeSettings) -> MeshNode:
        """A station with these settings; one of the same name starts anew with the counters it had."""
        eui64 = settings.eui64
        store = self.stores.setdefault(eui64, Store())
        stream = random.Random(self.chance.getrandbits(64))
        node = self.nodes[eui64] = MeshNode(settings, stream.randbytes, store)
        self.events.setdefault(eui64, [])
        self._hearers.setdefault(eui64, [])
        self.dead.discard(eui64)
        self._woken.pop(eui64, None)
        return node

    def link(self, left: int, right: int, *, loss: float = 0.0, rssi_dbm: int = -70) -> None:
        """Both hear each other."""
        for pair in ((name(left), name(right)), (name(right), name(left))):
            self.loss[pair] = loss
            self.rssi[pair] = rssi_dbm
            if pair[1] not in self._hearers.setdefault(pair[0], []):
                self._hearers[pair[0]].append(pair[1])

    def line(self, stations: int, **quality: float) -> None:
        """The root and `stations` - 1 others in a row, all started."""
        for number in range(stations):
            self.add(number)
            if number:
                self.link(number - 1, number, **quality)
        self.start(range(stations))

    def start(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            node = self.nodes[name(number)]
            node.start(self.now)
            self.settle(node)

    def kill(self, number: int) -> None:
        """The station is without power from now on."""
        self.dead.add(name(number))

    def settle(self, node: MeshNode) -> None:
        """Take the station's events, put on the air what it has, and wake it when it wants to be."""
        eui64 = node.eui64
        while (event := node.next_event()) is not None:
            self.events[eui64].append(event)
            if isinstance(event, Persist):
                self.stores[eui64].save(event.name, event.value)
                node.persisted(event, self.now)
        if (psdu := node.next_transmission(self.now)) is not None:
            self._transmit(node, psdu)
        due = node.next_timeout()
        if due is not None and self._woken.get(eui64, float("inf")) > due:
            self._woken[eui64] = due
            self.at(max(due, self.now), lambda: self._wake(node, due))

    def run(self, seconds: float, until: Callable[[], bool] | None = None) -> bool:
        """Let time pass; true as soon as `until` holds."""
        end = self.now + seconds
        while self._queue and self._queue[0][0] <= end:
            self.now, _, action = heapq.heappop(self._queue)
            action()
            if until is not None and until():
                return True
        self.now = end
        return until is not None and until()

    def at(self, when: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (when, next(self._numbers), action))

    def inject(self, psdu: bytes, number: int, *, rssi_dbm: int = -60) -> None:
        """An adversary's frame reaches one station."""
        node = self.nodes[name(number)]
        node.receive(psdu, self.now, rssi_dbm=rssi_dbm)
        self.settle(node)

    def told(self, number: int, kind: type[MeshEvent]) -> list[MeshEvent]:
        """The events of a kind that a station has told."""
        return [event for event in self.events[name(number)] if isinstance(event, kind)]

    def all_joined(self) -> bool:
        return all(node.joined for eui64, node in self.nodes.items() if eui64 not in self.dead)

    def _wake(self, node: MeshNode, due: float) -> None:
        if self._woken.get(node.eui64) == due:
            del self._woken[node.eui64]
        if node is self.nodes[node.eui64] and node.eui64 not in self.dead:
            node.handle_timeout(self.now)
            self.settle(node)

    def _transmit(self, node: MeshNode, psdu: bytes) -> None:
        self.frames += 1
        if psdu[0] & 7 != ACK_TYPE and self._busy.get(node.eui64, 0.0) > self.now:
            node.transmitted(self.now, clear=False)
            self.settle(node)
            return
        if self.keep:
            self.log.append((self.now, node.eui64, psdu))
        end = self.now + self.parameters.airtime_s(len(psdu))
        for hearer in self._hearers[node.eui64]:
            self._busy[hearer] = max(self._busy.get(hearer, 0.0), end)
        self.at(end, lambda: self._sent(node, psdu))

    def _sent(self, node: MeshNode, psdu: bytes) -> None:
        if node.eui64 in self.dead or node is not self.nodes[node.eui64]:
            return
        node.transmitted(self.now, clear=True)
        for hearer in self._hearers[node.eui64]:
            pair = node.eui64, hearer
            if hearer in self.dead or hearer not in self.nodes or self.chance.random() < self.loss[pair]:
                continue
            other = self.nodes[hearer]
            other.receive(psdu, self.now, rssi_dbm=self.rssi[pair])
            self.settle(other)
        self.settle(node)
