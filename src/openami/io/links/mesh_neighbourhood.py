"""The mesh as the collector at its root sees it: meters, their routes, pushes, and circuits to them.

Addresses are EUI-64s in hexadecimal. A circuit to a meter carries wrapped APDUs as confirmed datagrams.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

from openami.io.clock import Clock
from openami.io.links.inbox import Inbox
from openami.io.links.neighbourhood import Heard, MeterGone, MeterSeen, NeighbourhoodEvent, Route
from openami.model.errors import ConnectFailed, LinkError, LinkLost, LocalProtocolError
from openami.protocols.mesh.address import address_of, eui64_of
from openami.protocols.mesh.events import (
    DatagramReceived,
    Failed,
    JoinRefused,
    Left,
    MeshEvent,
    Persist,
    StationGone,
    StationKnown,
)
from openami.protocols.mesh.node import PORT, TRIGGER_PORT, MeshNode

LOG = logging.getLogger(__name__)
EVENTS_MAX: Final = 4096
HOPS_MAX: Final = 64
_TRIGGER: Final = b"\x01"
_SOURCE_PORT: Final = slice(2, 4)
_DESTINATION_PORT: Final = slice(4, 6)


class Counters(Protocol):
    """Where frame counters are made durable."""

    def save(self, name: str, value: int) -> None:
        """Keep `value` under `name`; it is durable when this returns."""
        ...


class MeshLink:
    """A circuit to one meter: whole wrapped APDUs, each way confirmed."""

    datagrams = True

    def __init__(self, station: MeshNeighbourhood, eui64: bytes) -> None:
        self.peer = f"mesh:{eui64.hex()}"
        self.eui64 = eui64
        self._station = station
        self._inbox = Inbox(datagrams=True)
        self._ports: set[bytes] = set()
        self._closed = False

    async def receive(self) -> bytes:
        return await self._inbox.take()

    async def send(self, data: bytes) -> None:
        if self._closed:
            raise LinkLost(f"the way to {self.peer} was closed")
        self._ports.add(data[_SOURCE_PORT])
        self._station.send(self, data)

    async def close(self) -> None:
        self._closed = True
        self._inbox.end()
        self._station.closed(self)

    def wants(self, datagram: bytes) -> bool:
        """Whether a datagram of the meter answers this circuit; otherwise it is a push."""
        return datagram[_DESTINATION_PORT] in self._ports

    def arrive(self, datagram: bytes) -> None:
        if not self._inbox.full:
            self._inbox.put(datagram)

    def lost(self, reason: str) -> None:
        """A datagram did not reach the meter."""
        self._inbox.end(LinkLost(f"{self.peer}: {reason}"))


class _Last(NamedTuple):
    """When a station was heard last, and what it told of itself last."""

    heard_at: float | None
    rank: int | None
    latency_s: float | None


_NEVER: Final = _Last(None, None, None)


class MeshNeighbourhood:
    """What a collector sees of the mesh whose root is `node`. `wake` is called when the node has something to send.

    Whoever drives the node hands its events to `take`.
    """

    def __init__(self, node: MeshNode, clock: Clock, counters: Counters, wake: Callable[[], None]) -> None:
        self._node = node
        self._clock = clock
        self._counters = counters
        self._wake = wake
        self._events: asyncio.Queue[NeighbourhoodEvent | None] = asyncio.Queue(EVENTS_MAX)
        self._links: dict[bytes, MeshLink] = {}
        self._sent: dict[int, MeshLink] = {}
        self._heard: dict[bytes, _Last] = {}
        self.dropped = 0
        if node.settings.root:
            node.hold_confirmations()
            ahead_s = clock.time() - clock.monotonic()
            node.link_time.lead(lambda now: now + ahead_s)

    async def next_event(self) -> NeighbourhoodEvent:
        event = await self._events.get()
        if event is None:
            raise LinkLost("the mesh station has stopped")
        return event

    async def open(self, address: str) -> MeshLink:
        eui64 = _eui64(address)
        if not self._node.knows(eui64):
            raise ConnectFailed(f"no route to meter {address} in the mesh")
        if eui64 in self._links:
            raise ConnectFailed(f"meter {address} has a circuit already")
        link = self._links[eui64] = MeshLink(self, eui64)
        return link

    async def trigger(self, address: str) -> None:
        eui64 = _eui64(address)
        if not self._node.knows(eui64):
            raise LinkError(f"no route to meter {address} in the mesh")
        self._node.send(self._address(eui64), _TRIGGER, self._clock.monotonic(), port=TRIGGER_PORT, confirmed=True)
        self._wake()

    def send(self, link: MeshLink, data: bytes) -> None:
        """Send a datagram of a circuit; raises `LinkLost` for one that the mesh cannot carry."""
        try:
            now = self._clock.monotonic()
            number = self._node.send(self._address(link.eui64), data, now, port=PORT, confirmed=True)
        except LocalProtocolError as error:
            raise LinkLost(f"{link.peer}: {error}; agree on a smaller PDU") from error
        self._sent[number] = link
        self._wake()

    def closed(self, link: MeshLink) -> None:
        if self._links.get(link.eui64) is link:
            del self._links[link.eui64]
        self._sent = {number: other for number, other in self._sent.items() if other is not link}

    def routes(self) -> list[Route]:
        """The way of each station whose announced parents lead to the root."""
        parents, etx = self._node.routes(), self._node.neighbours
        found = []
        for station, parent in parents.items():
            hops, at = 1, parent
            while at != self._node.eui64 and at in parents and hops < HOPS_MAX:
                hops, at = hops + 1, parents[at]
            if at == self._node.eui64:
                near = parent == self._node.eui64
                found.append(
                    Route(
                        station.hex(),
                        "" if near else parent.hex(),
                        hops,
                        etx.get(station) if near else None,
                        *self._heard.get(station, _NEVER),
                    )
                )
        return found

    def ended(self) -> None:
        """The station has stopped: circuits are lost, and nothing more happens."""
        for link in list(self._links.values()):
            link.lost("the station has stopped")
        self._tell(None)

    def take(self, event: MeshEvent, now: float) -> None:
        """What the node says at `now`."""
        match event:
            case Persist():
                self._counters.save(event.name, event.value)
                self._node.persisted(event, now)
            case StationKnown():
                self._tell(MeterSeen(event.eui64.hex()))
            case StationGone():
                self._heard.pop(event.eui64, None)
                self._tell(MeterGone(event.eui64.hex()))
            case DatagramReceived():
                self._receive(event, now)
            case Failed():
                if (link := self._sent.pop(event.number, None)) is not None:
                    link.lost(event.reason)
            case Left() | JoinRefused():
                LOG.warning("mesh station %s: %s", self._node.eui64.hex(), event.reason)
            case _:
                self._sent.pop(getattr(event, "number", -1), None)

    def _receive(self, event: DatagramReceived, now: float) -> None:
        eui64 = eui64_of(event.source)
        if self._node.knows(eui64):
            before = self._heard.get(eui64, _NEVER)
            rank = before.rank if event.rank is None else event.rank
            latency_s = before.latency_s if event.latency_s is None else event.latency_s
            self._heard[eui64] = _Last(self._clock.time(), rank, latency_s)
        link = self._links.get(eui64)
        if event.port == PORT and not (link is not None and link.wants(event.payload)):
            self._tell(Heard(eui64.hex(), event.payload, lambda durable: self._settled(event, durable=durable)))
            return
        self._node.confirm(event, now)
        if link is not None and event.port == PORT:
            link.arrive(event.payload)
        else:
            self.dropped += 1

    def _settled(self, event: DatagramReceived, *, durable: bool) -> None:
        """A push is on the disk, and its meter is told; or it is not, and the meter will repeat it."""
        if durable:
            self._node.confirm(event, self._clock.monotonic())
            self._wake()
        else:
            self._node.refuse(event)

    def _tell(self, event: NeighbourhoodEvent | None) -> None:
        """Whoever runs the collector takes events; the oldest of more than 4096 that wait are lost and counted."""
        if self._events.full():
            lost = self._events.get_nowait()
            if isinstance(lost, Heard):
                lost.settled(False)
            self.dropped += 1
        self._events.put_nowait(event)

    def _address(self, eui64: bytes) -> bytes:
        return address_of(eui64, self._node.address[:8])


def _eui64(address: str) -> bytes:
    try:
        eui64 = bytes.fromhex(address)
    except ValueError:
        eui64 = b""
    if len(eui64) != 8:
        raise ConnectFailed(f"mesh address {address!r} must be an EUI-64 of 16 hexadecimal digits")
    return eui64
