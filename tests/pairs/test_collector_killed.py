"""Collector and head-end are killed at every step of their disks, and the power is cut there.

Whatever the point, after they come back every item that the collector had taken is in the head-end's spool or was
released by the back office: once, in its order, with a rising number.
"""

from __future__ import annotations

import asyncio

import pytest

from collector_rig import Site, Zone, heard, numbers, until
from openami.field.collector import CollectorSettings, DirectMeters
from openami.headend.collector_session import Allowance
from openami.headend.upload_positions import UploadPositions
from openami.protocols.zones.message import ReleaseSpool
from openami.simulation.disk import FaultDisk
from virtual_loop import VirtualClock, in_virtual_time

ITEMS = 12
SETTINGS = CollectorSettings(spread_s=0, retry_s=1, retry_max_s=2, upload_items=3)
SLOW = Allowance(bytes_per_s=2_000)


class World:
    """What survives: both disks, and what the back office has taken."""

    def __init__(self, seed=0):
        self.clock = None
        self.below, self.above = FaultDisk(seed=seed), FaultDisk(seed=seed)
        self.office = []
        self.position = 0

    def start(self):
        self.clock = self.clock or VirtualClock(1_800_000_000.0)
        self.zone = Zone(self.clock, self.above, SLOW)
        self.meters = DirectMeters({})
        self.site = Site("c1", self.zone, self.meters, disk=self.below, settings=SETTINGS).start()

    def pull(self):
        """The back office takes what is there and lets it be forgotten, as operations does."""
        items = self.zone.spool.read(self.position, 4096, 1 << 24)
        if items:
            self.office += self.zone.pushes(self.position)
            self.position = items[-1].number
            self.zone.headend._release_spool(ReleaseSpool(self.zone.spool.identity, self.position))

    async def live(self):
        """Items come, are uploaded, and are pulled in between."""
        for payload in heard(range(ITEMS), 200):
            await self.meters.take("udp", "udp:10.0.0.1:9", payload)
            await asyncio.sleep(0.05)
            self.pull()
        while len(self.office) < ITEMS:
            await asyncio.sleep(0.05)
            self.pull()

    async def die(self):
        for task in (self.site.task, *self.zone.tasks):
            task.cancel()
        await asyncio.gather(self.site.task, *self.zone.tasks, return_exceptions=True)


async def dead(disk):
    while not disk._dying:
        await asyncio.sleep(0.01)


async def run_until_dead(world, disk):
    world.start()
    work = asyncio.get_running_loop().create_task(world.live())
    death = asyncio.get_running_loop().create_task(dead(disk))
    await asyncio.wait((work, death), return_when=asyncio.FIRST_COMPLETED, timeout=600)
    for task in (work, death):
        task.cancel()
    await asyncio.gather(work, death, return_exceptions=True)
    await world.die()


async def check_after(world, taken_before):
    """Let both live again and compare."""
    world.start()
    await until(lambda: world.site.collector.uplink.connected)
    lanes = world.site.collector.lanes
    waiting = lambda: sum(lanes.lane(lane).spool.waiting for lane in lanes._lanes)  # noqa: E731 - read at each look
    async with asyncio.timeout(3600):
        while waiting():
            await asyncio.sleep(0.05)
            world.pull()
    world.pull()
    got = numbers(world.office)
    origins = [push.origin.number for push in world.office]
    await world.die()
    assert len(got) == len(dict.fromkeys(got)), f"doubled: {got}"
    assert origins == sorted(dict.fromkeys(origins))
    missing = [number for number in taken_before if number not in got]
    assert not missing, f"taken and lost: {missing} of {got}"


@in_virtual_time
async def count():
    world = World()
    world.start()
    start_below, start_above = world.below.steps, world.above.steps
    await world.live()
    steps = (start_below, world.below.steps), (start_above, world.above.steps)
    await world.die()
    return steps


BELOW, ABOVE = count()
POINTS = [("collector", at) for at in range(BELOW[0] + 1, BELOW[1] + 1)]
POINTS += [("head-end", at) for at in range(ABOVE[0] + 1, ABOVE[1] + 1)]
CASES = [
    pytest.param(who, at, how, marks=[pytest.mark.long] if (at + len(how)) % 3 else [])
    for who, at in POINTS
    for how in ("kill", "power cut")
]


async def kill_and_check(who, at, how, seed=0):
    world = World(seed)
    disk = world.below if who == "collector" else world.above
    disk.dies_at = at
    await run_until_dead(world, disk)
    assert disk._dying
    taken = range(world.site.collector.lanes.heard)  # what the collector had told to be on its disk, in its order
    after = {"kill": FaultDisk.after_kill, "power cut": FaultDisk.after_power_cut}[how]
    if who == "collector":
        world.below = after(disk)
    else:
        world.above = after(disk)
    await check_after(world, taken)


@pytest.mark.parametrize(("who", "at", "how"), CASES)
@in_virtual_time
async def test_killed_at_any_step_nothing_taken_is_lost_or_doubled(who, at, how):
    await kill_and_check(who, at, how)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1, 12))
@in_virtual_time
async def test_power_cut_at_a_thousand_points_nothing_taken_is_lost_or_doubled(seed):
    """What a disk keeps of that which was not synced is another part each time."""
    for who, at in POINTS:
        await kill_and_check(who, at, "power cut", seed)


def test_there_are_enough_kill_points():
    assert len(POINTS) >= 91
    assert sum(not case.marks for case in CASES) >= 50


def release_alone(positions, through):
    positions._spool.release(through)


@pytest.mark.parametrize(
    ("guard", "without"), [("release", release_alone), ("_scan", lambda _positions: None)], ids=["journal", "scan"]
)
def test_without_its_guard_a_kill_doubles_items(guard, without, monkeypatch):
    """The twins: positions that are not written before the release, or not read from the spool, are found out."""
    monkeypatch.setattr(UploadPositions, guard, without)
    failed = 0
    for who, at in POINTS:
        try:
            in_virtual_time(kill_and_check)(who, at, "kill")
        except AssertionError:
            failed += 1
    assert failed
