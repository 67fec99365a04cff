"""A collector is killed at every step of its disk: what a mesh has confirmed to its meters is on that disk."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from collector_rig import Site, Zone, heard
from mesh_air import Air
from mesh_ether import ROOT_KEY, device_key, name
from meter_bench import seeded
from openami.io.links.mesh import MeshStation
from openami.io.spool import FileSpool
from openami.protocols.dlms.counters import MemoryCounters
from openami.protocols.mesh.events import Delivered
from openami.protocols.mesh.node import PORT, MeshNode
from openami.protocols.mesh.parameters import MeshParameters, NodeSettings
from openami.protocols.zones.collector_message import decode_collected
from openami.simulation.disk import FaultDisk
from operations_rig import Chance
from virtual_loop import VirtualClock, in_virtual_time

ITEMS = 8
QUICK = MeshParameters(dio_interval_min_s=1.0, scan_interval_min_s=1.0, confirmed_wait_s=1.0)


class Sender(MeshStation):
    """A meter's station that remembers what the collector has confirmed."""

    def __init__(self, node, radio, clock):
        super().__init__(node, node, radio, clock, MemoryCounters())
        self.node, self.sent, self.confirmed = node, {}, []

    def take(self, event, now):
        if isinstance(event, Delivered):
            self.confirmed.append(self.sent[event.number])
        super().take(event, now)

    def push(self, payload):
        now = self._clock.monotonic()
        self.sent[self.node.send(self.node.root_address, payload, now, port=PORT, confirmed=True)] = payload
        self._wake()


class Room:
    """A collector whose WAN is lost, and one meter's station."""

    def __init__(self, disk):
        clock, air, self.disk = VirtualClock(1_800_000_000.0), Air(QUICK), disk
        root = NodeSettings(name(0), root=True, device_key=ROOT_KEY, keys_of=device_key, parameters=QUICK)
        meter = NodeSettings(name(1), device_key=device_key(name(1)), parameters=QUICK)
        self.root = MeshNode(root, seeded(1), MemoryCounters())
        self.above = MeshStation(self.root, self.root, air.radio(), clock, MemoryCounters())
        self.below = Sender(MeshNode(meter, seeded(2), MemoryCounters()), air.radio(), clock)
        self.site = Site("c1", Zone(clock), self.above, disk=disk)
        self.site.wan = False

    async def live(self):
        """The meter joins and pushes; each push is sent when the one before was confirmed."""
        loop = asyncio.get_running_loop()
        self.tasks = [self.site.start().task, *(loop.create_task(each.run()) for each in (self.above, self.below))]
        payloads = heard(range(ITEMS), 100)
        for count, payload in enumerate(payloads):
            await self.until(lambda count=count: self.below.node.joined and len(self.below.confirmed) == count)
            if not self.disk._dying:
                self.below.push(payload)
        await self.until(lambda: len(self.below.confirmed) == ITEMS)

    async def until(self, condition):
        """Or until the disk is dead."""
        while not (self.disk._dying or condition()):
            await asyncio.sleep(0.05)

    async def die(self):
        """Nobody acts any more; what was on the air has come."""
        self.tasks[0].cancel()
        await asyncio.gather(self.tasks[0], return_exceptions=True)
        await asyncio.sleep(3)
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


def kept(disk):
    """What is in both spools after the collector has come back."""
    found = []
    for lane in ("alarms", "bulk"):
        spool = FileSpool(Path(lane), disk=disk, random=Chance("after"), limit_bytes=1 << 20, segment_bytes=1 << 14)
        found += [decode_collected(item.content).content for item in spool.read(0, 1000, 1 << 20)]
        spool.close()
    return found


async def lost(at, how, *, on_arrival=False):
    """Kill the collector at step `at`; the payloads that were confirmed and are not there, and how many steps ran."""
    disk = FaultDisk()
    disk.dies_at = at
    room = Room(disk)
    if on_arrival:
        room.root._confirmed.holds = False
    async with asyncio.timeout(600):
        await room.live()
        await room.die()
    there = kept(how(disk))
    return [payload for payload in room.below.confirmed if payload not in there], disk.steps


@in_virtual_time
async def steps():
    """From the first after the start on."""
    disk = FaultDisk()
    Room(disk).site.start().task.cancel()
    missing, last = await lost(0, FaultDisk.after_kill)
    assert not missing
    return range(disk.steps + 1, last + 1)


HOWS = (FaultDisk.after_kill, FaultDisk.after_power_cut)


@pytest.mark.parametrize("how", HOWS, ids=["kill", "power cut"])
@in_virtual_time
async def test_what_was_confirmed_is_on_the_disk_wherever_the_collector_dies(how):
    for at in POINTS:
        missing, _ = await lost(at, how)
        assert not missing, f"step {at}: confirmed and lost"


@in_virtual_time
async def test_confirmed_on_arrival_is_lost():
    """The twin."""
    assert any([(await lost(at, FaultDisk.after_power_cut, on_arrival=True))[0] for at in POINTS])


POINTS = steps()


def test_there_are_kill_points():
    assert len(POINTS) >= 2 * ITEMS
