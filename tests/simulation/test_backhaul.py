"""A collector and its head-end over a wide area network that fails: what was heard arrives once, and in time."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

from collector_rig import START, Site, Zone, heard, numbers, until
from openami.app.field_sections import Collector
from openami.field.collector.direct import DirectMeters
from openami.headend.collector_session import CollectorName
from openami.io.links.neighbourhood import Heard
from openami.protocols.zones.message import decode_push
from openami.simulation.ip import Network
from openami.simulation.streams import Streams
from openami.simulation.trace import Trace
from virtual_loop import VirtualClock, in_virtual_time

HOUR_S, DAY_S = 3600, 86_400
METERS = 5


class _Hourly(DirectMeters):
    """Meters that push every hour; each push has a number of its own."""

    def __init__(self, meters):
        super().__init__({})
        self.said = 0
        self._count = meters

    async def speak(self, hours, every_s=0.0):
        """All meters once an hour, one after the other."""
        for _ in range(hours):
            await asyncio.sleep(HOUR_S - every_s * self._count)
            for meter in range(self._count):
                await asyncio.sleep(every_s)
                await self._events.put(Heard(f"m{meter}", heard([self.said])[0]))
                self.said += 1


class _RemoteSite(Site):
    """The collector is a host of the network."""

    def __init__(self, network, *rest, **named):
        super().__init__("c-1", *rest, **named)
        self.dial = network.dial("c-1")

    async def way(self):
        return await self.dial("head", 4060, 10.0)


class _Backhaul:
    def __init__(self, seed, meters=METERS, limit_bytes=1 << 20):
        loop = asyncio.get_running_loop()
        self.zone = Zone(VirtualClock(START))
        self.network = Network(loop, Streams(seed), Trace())
        self.network.listen("head", 4060, self._serve)
        self.meters = _Hourly(meters)
        self.site = _RemoteSite(self.network, self.zone, self.meters, limit_bytes=limit_bytes).start()
        self.arrived, self._read = [], 0

    async def _serve(self, link):
        self.zone.names[id(link)] = CollectorName("c-1", "")
        await self.zone.headend.serve_collector(link)

    def complete(self):
        """Whether everything that was said is there, once."""
        while items := self.zone.spool.read(self._read, 10_000, 1 << 24):
            self.arrived += numbers([decode_push(item.content) for item in items])
            self._read = items[-1].number
        return len(self.arrived) >= self.meters.said and sorted(self.arrived) == list(range(self.meters.said))

    async def end(self):
        await self.site.stop()
        await self.network.close()
        await self.zone.stop()


@pytest.mark.parametrize("seed", [1, 2])
@in_virtual_time
async def test_a_week_without_wan_is_there_two_hours_after_it(seed):
    world = _Backhaul(seed)
    await world.meters.speak(2)
    await until(world.complete)
    world.network.part("c-1", "head")
    await world.meters.speak(7 * 24)
    assert not world.complete()
    world.network.join("c-1", "head")
    async with asyncio.timeout(2 * HOUR_S):
        await until(world.complete)
    assert world.meters.said == (2 + 7 * 24) * METERS
    await world.end()


@pytest.mark.long
@pytest.mark.timeout(3_600)
@in_virtual_time
async def test_a_week_of_a_thousand_meters_without_wan_is_there_two_hours_after_it():
    """From the collector's ear to the head-end's disk; what the collector may keep is what it keeps by default."""
    begun, loop = time.process_time(), asyncio.get_running_loop()
    world = _Backhaul(5, 1000, Collector().spool_bytes)
    await world.meters.speak(2, 1.0)
    await until(world.complete)
    world.network.part("c-1", "head")
    await world.meters.speak(7 * 24, 1.0)
    waiting, joined = world.site.collector.uplink.status(), loop.time()
    world.network.join("c-1", "head")
    async with asyncio.timeout(2 * HOUR_S):
        await until(world.complete)
    told = {
        "pushes": world.meters.said,
        "waited": world.meters.said - 2_000,
        "spool_bytes": waiting.spool_bytes,
        "complete_after_s": loop.time() - joined,
        "cpu_s": time.process_time() - begun,
    }
    print(json.dumps(told))
    assert world.meters.said == (2 + 7 * 24) * 1000
    await world.end()


@in_virtual_time
async def test_a_collector_that_loses_power_brings_what_was_on_its_disk_once():
    world = _Backhaul(3)
    await world.meters.speak(2)
    world.network.part("c-1", "head")
    await world.meters.speak(24)
    await world.site.stop()
    world.site.disk = world.site.disk.after_power_cut()
    world.network.join("c-1", "head")
    world.site.start()
    async with asyncio.timeout(2 * HOUR_S):
        await until(world.complete)
    await world.end()


@in_virtual_time
async def test_a_head_end_that_loses_power_takes_everything_once():
    world = _Backhaul(4)
    speaking = asyncio.create_task(world.meters.speak(6))
    await asyncio.sleep(2 * HOUR_S)
    await world.network.close()
    world.zone.disk = world.zone.disk.after_power_cut()
    world.zone.start()
    await speaking
    async with asyncio.timeout(2 * HOUR_S):
        await until(world.complete)
    await world.end()
