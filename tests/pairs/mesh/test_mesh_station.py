"""A collector's station and a meter's on radios: the meter is seen, pushes, is asked to push, and is read."""

from __future__ import annotations

import asyncio

import pytest

from mesh_air import Air
from mesh_ether import ROOT_KEY, device_key, name
from meter_bench import DAY_S, START, BenchClock, make_client, make_meter, seeded
from openami.field.meter import codes
from openami.field.meter.faces.mesh import MeshFace
from openami.io.clock import OffsetTimescale
from openami.io.links import mesh_neighbourhood
from openami.io.links.mesh import MeshStation
from openami.io.links.neighbourhood import Heard, MeterGone, MeterSeen, NeighbourhoodEvent
from openami.model.errors import ConnectFailed, LinkError, LinkLost
from openami.protocols.dlms.cosem.profile_generic import ProfileGeneric
from openami.protocols.dlms.counters import MemoryCounters
from openami.protocols.dlms.wrapper import decode_wrapper
from openami.protocols.mesh.address import address_of
from openami.protocols.mesh.events import DatagramReceived
from openami.protocols.mesh.node import PAYLOAD_MAX, PORT, MeshNode
from openami.protocols.mesh.parameters import MeshParameters, NodeSettings
from virtual_loop import in_virtual_time

METER = name(1).hex()


class Room:
    """Collector and meter, running."""

    def __init__(self) -> None:
        parameters = MeshParameters()
        self.clock = BenchClock(START + DAY_S)
        air = Air(parameters)
        counters = MemoryCounters(), MemoryCounters()
        root = NodeSettings(name(0), root=True, device_key=ROOT_KEY, keys_of=device_key, parameters=parameters)
        self.root = MeshNode(root, seeded(1), counters[0])
        self.node = MeshNode(
            NodeSettings(name(1), device_key=device_key(name(1)), parameters=parameters), seeded(2), counters[1]
        )
        self.meter = make_meter(push_rows=4)
        self.face = MeshFace(self.node, self.meter, random=seeded(3), times=OffsetTimescale(START + DAY_S))
        self.collector = MeshStation(self.root, self.root, air.radio(), self.clock, counters[0])
        self.station = MeshStation(self.face, self.node, air.radio(), self.clock, counters[1])
        loop = asyncio.get_running_loop()
        self.tasks = [loop.create_task(self.collector.run()), loop.create_task(self.station.run())]

    async def seen(self) -> None:
        """The meter has announced its route. What it pushes before, at midnight, is not waited for."""
        async with asyncio.timeout(60):
            while await self.take() != MeterSeen(METER):
                pass
        await asyncio.sleep(10)
        while not self.collector._events.empty():
            await self.take()

    async def take(self, *, durable: bool = True) -> NeighbourhoodEvent:
        """What happens next; a push is on the disk at once, or is refused there."""
        event = await self.collector.next_event()
        if isinstance(event, Heard):
            event.settled(durable)
        return event

    async def end(self, number: int) -> None:
        self.tasks[number].cancel()
        await asyncio.gather(self.tasks[number], return_exceptions=True)


@in_virtual_time
async def test_a_meter_is_seen_and_read_over_a_circuit():
    room = Room()
    await room.seen()
    async with make_client(await room.collector.open(METER), room.clock) as client:
        rows = await client.get(ProfileGeneric.buffer, codes.LOAD_PROFILE)
        assert len(rows) == 97, "longer than a datagram: transferred in blocks"
    await asyncio.sleep(1)
    assert not len(room.root._confirmed), "the meter has confirmed each request"
    with pytest.raises(ConnectFailed, match="no route"):
        await room.collector.open(name(9).hex())
    with pytest.raises(ConnectFailed, match="EUI-64"):
        await room.collector.open("meter one")


@in_virtual_time
async def test_a_meter_pushes_when_it_is_asked_to_but_not_without_end():
    room = Room()
    await room.seen()
    for _ in range(4):
        await room.collector.trigger(METER)
    async with asyncio.timeout(60):
        heard = [await room.take() for _ in range(2)]
    assert all(isinstance(event, Heard) and event.address == METER for event in heard)
    assert decode_wrapper(heard[0].payload).destination == 103
    (route,) = room.collector.routes()
    assert room.clock.time() - 60 < route.heard_at <= room.clock.time()
    await asyncio.sleep(20)
    assert room.collector._events.empty(), "two at once, then one a minute"


@in_virtual_time
async def test_a_push_is_confirmed_when_it_is_durable_and_comes_again_when_it_was_refused():
    room = Room()
    await room.seen()
    await room.collector.trigger(METER)
    async with asyncio.timeout(600):
        refused = await room.take(durable=False)
        again = await room.collector.next_event()
        assert isinstance(refused, Heard)
        assert again == refused
        await asyncio.sleep(60)
        assert not room.face.quiet, "repeated and not answered: nobody has said that it is safe"
        assert room.collector._events.empty(), "what waits for the disk is not told twice"
        again.settled(True)
        while not room.face.quiet:
            await asyncio.sleep(1)


@in_virtual_time
async def test_a_push_that_waited_too_long_for_the_collector_is_refused_so_that_it_comes_again(monkeypatch):
    monkeypatch.setattr(mesh_neighbourhood, "EVENTS_MAX", 1)
    settings = NodeSettings(name(0), root=True, device_key=ROOT_KEY, keys_of=device_key)
    node, told = MeshNode(settings, seeded(1), MemoryCounters()), []
    monkeypatch.setattr(node, "refuse", lambda event: told.append(("refused", event.number)))
    monkeypatch.setattr(node, "confirm", lambda event, _now: told.append(("confirmed", event.number)))
    root = mesh_neighbourhood.MeshNeighbourhood(node, BenchClock(START), MemoryCounters(), lambda: told.append("woken"))
    source = address_of(name(1), node.address[:8])
    for number in (5, 6):
        root.take(DatagramReceived(source, PORT, b"push", 1, number), 0.0)
    assert told == [("refused", 5)]
    assert root.dropped == 1
    heard = await root.next_event()
    assert isinstance(heard, Heard)
    heard.settled(True)
    assert told[1:] == [("confirmed", 6), "woken"]
    root.take(DatagramReceived(source, PORT + 1, b"nobody's", 1, 7), 0.0)
    assert told[3:] == [("confirmed", 7)], "nobody here wants it, and a repetition would not help"


@in_virtual_time
async def test_one_circuit_at_a_time_and_its_end():
    room = Room()
    await room.seen()
    link = await room.collector.open(METER)
    with pytest.raises(ConnectFailed, match="circuit already"):
        await room.collector.open(METER)
    with pytest.raises(LinkLost, match="smaller PDU"):
        await link.send(bytes(PAYLOAD_MAX + 1))
    await link.close()
    with pytest.raises(LinkLost, match="closed"):
        await link.send(b"late")
    link = await room.collector.open(METER)
    await room.end(1)
    assert await room.collector.next_event() == MeterGone(METER)
    await link.send(bytes(8))
    with pytest.raises(LinkError, match="no confirmation"):
        await link.receive()
    await room.end(0)
    with pytest.raises(LinkLost, match="stopped"):
        await room.collector.next_event()
