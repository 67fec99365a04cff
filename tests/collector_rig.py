"""A collector between meters and a head-end, joined in memory, in virtual time; both can die and come back."""

from __future__ import annotations

import asyncio
from pathlib import Path

from openami.field.collector import Collector, CollectorSettings, DirectMeters
from openami.headend import Headend, HeadendSettings
from openami.headend.collector_session import Allowance, CollectorName
from openami.io.keystore import CounterFile
from openami.io.links.memory import memory_pair
from openami.io.spool import FileSpool
from openami.model.errors import ConnectFailed
from openami.protocols.zones.message import decode_push
from openami.simulation.disk import FaultDisk
from operations_rig import Chance
from virtual_loop import VirtualClock

START = 1_800_000_000.0
QUICK = CollectorSettings(spread_s=0.0, retry_s=1.0, retry_max_s=4.0)


class Site:
    """One collector and what survives it: its disk. `wan` False: the head-end cannot be reached."""

    def __init__(self, name, zone, neighbourhood, *, group="", disk=None, settings=QUICK, limit_bytes=1 << 20):
        self.name, self.zone, self.neighbourhood, self.group = name, zone, neighbourhood, group
        self.disk = disk or FaultDisk()
        self.settings, self.limit_bytes = settings, limit_bytes
        self.wan = True
        self.task = self.collector = None
        self.links = []

    def start(self):
        alarms, bulk = (
            FileSpool(
                Path(lane),
                disk=self.disk,
                random=Chance(f"{self.name} {lane}"),
                limit_bytes=self.limit_bytes,
                segment_bytes=1 << 14,
            )
            for lane in ("alarms", "bulk")
        )
        self.collector = Collector(
            [self.neighbourhood], [self.way], alarms, bulk, self.zone.clock, Chance(self.name), settings=self.settings
        )
        self.task = asyncio.get_running_loop().create_task(self.collector.run())
        return self

    async def way(self):
        if not self.wan:
            raise ConnectFailed("no way: the WAN is down")
        near, far = memory_pair()
        self.links.append(near)
        self.zone.call(far, CollectorName(self.name, self.group))
        return near

    async def cut(self):
        """The WAN fails."""
        self.wan = False
        for link in self.links:
            await link.close()

    async def stop(self):
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


class Zone:
    """The head-end and what survives it: its disk."""

    def __init__(self, clock=None, disk=None, allowance=None):
        self.clock = clock or VirtualClock(START)
        self.disk = disk or FaultDisk()
        self.allowance = allowance or Allowance()
        self.names, self.tasks = {}, []
        self.denied = {}
        self.start()

    def start(self):
        self.spool = FileSpool(Path("spool"), disk=self.disk, random=Chance("spool"))
        self.journal = CounterFile(Path("uploads/journal"), disk=self.disk)
        self.headend = Headend(
            HeadendSettings(networks=("10.0.0.0/8",), allowance=self.allowance),
            self.clock,
            self.spool,
            uploads=self.journal,
            identify=lambda link: self.names[id(link)],
            denied=lambda serial: serial in self.denied,
        )

    def call(self, link, who):
        self.names[id(link)] = who
        self.tasks = [task for task in self.tasks if not task.done()]
        self.tasks.append(asyncio.get_running_loop().create_task(self.headend.serve_collector(link)))

    async def reach(self):
        """How the back office connects."""
        near, far = memory_pair()
        self.tasks.append(asyncio.get_running_loop().create_task(self.headend.serve_office(far)))
        return near

    def pushes(self, after=0):
        return [decode_push(item.content) for item in self.spool.read(after, 100_000, 1 << 30)]

    async def stop(self):
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


def heard(numbers, size=200):
    """Payloads that can be told apart."""
    return [number.to_bytes(4, "big") + bytes(size - 4) for number in numbers]


def numbers(pushes):
    return [int.from_bytes(push.content[:4], "big") for push in pushes]


def meters_of(field):
    """The meters of an operations rig as a neighbourhood."""

    async def dial(_host, port):
        if port in field.unreachable:
            raise ConnectFailed(f"meter {port} does not answer")
        return field.faces[port - 1].connect()

    meters = {f"m{number}": ("10.0.0.1", number + 1) for number in range(len(field.meters))}
    return DirectMeters(meters, dial=dial)


async def until(condition):
    """Wait in virtual time, a day at most."""
    async with asyncio.timeout(86_400):
        while not condition():
            await asyncio.sleep(0.5)
