"""The machine of one collector: the root of its mesh as a neighbourhood, the collector, and a disk that can fail."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from openami.field.collector.collector import Collector
from openami.field.collector.settings import CollectorSettings
from openami.io.clock import Clock
from openami.io.links.link import Link
from openami.io.links.mesh_neighbourhood import Counters, MeshLink, MeshNeighbourhood
from openami.io.spool.file_spool import FileSpool
from openami.protocols.mesh.node import MeshNode
from openami.simulation.disk import FaultDisk
from openami.simulation.ip import Network
from openami.simulation.relay import COLLECTOR_PORT, HEAD
from openami.simulation.station import Station
from openami.simulation.streams import Streams

SPOOL_BYTES = 64 << 20
SEGMENT_BYTES = 1 << 18
BULK = Path("bulk")
DIAL_S = 30.0


class _Overheard(MeshNeighbourhood):
    """The root of a mesh; `told` hears what the collector sends to meters over circuits."""

    told: Callable[[bytes, bytes], None]

    def send(self, link: MeshLink, data: bytes) -> None:
        self.told(link.eui64, data)
        super().send(link, data)


class Site:
    """`start` gives it supply, `lose_power` takes it; of the collector only what its disk kept is left then."""

    def __init__(
        self, name: str, network: Network, clock: Clock, streams: Streams, told: Callable[[bytes, bytes], None]
    ) -> None:
        self.name = name
        self._told = told
        self.disk = FaultDisk(seed=streams.key(f"disk/{name}"))
        self._network = network
        self._clock = clock
        self._random = streams.bytes(f"collector/{name}")
        self._dial = network.dial(name)
        self._settings = CollectorSettings()
        self.collector: Collector | None = None
        self.neighbourhood: _Overheard | None = None
        self.refused = 0
        """How many items the disk did not take, in all lives."""
        self._task: asyncio.Task[None] | None = None

    @property
    def running(self) -> Collector | None:
        """The collector, if it runs."""
        return None if self._task is None or self._task.done() else self.collector

    def start(self, node: MeshNode, station: Station, counters: Counters, loop: asyncio.AbstractEventLoop) -> None:
        """A new process on the disk, with a new root of the mesh."""

        def wake() -> None:
            loop.call_soon(station.pump)

        self.neighbourhood = _Overheard(node, self._clock, counters, wake)
        self.neighbourhood.told = self._told
        alarms, bulk = (
            FileSpool(
                folder,
                disk=self.disk,
                random=self._random,
                limit_bytes=SPOOL_BYTES,
                segment_bytes=SEGMENT_BYTES,
            )
            for folder in (Path("alarms"), BULK)
        )
        self.collector = Collector(
            [self.neighbourhood],
            [self._call],
            alarms,
            bulk,
            self._clock,
            self._random,
            settings=self._settings,
        )
        self._task = loop.create_task(self.collector.run())

    def lose_power(self, half: bytes = b"") -> None:
        """The machine dies, perhaps in the middle of writing the record `half`; the next one finds its disk."""
        if half:
            segments = [name for name in self.disk.names(BULK) if name.endswith(".items")]
            self.disk.append(BULK / segments[-1]).write(half)
        room = self.disk.room
        self.disk = self.disk.after_kill() if half else self.disk.after_power_cut()
        self.disk.room = room
        self._network.crash(self.name)
        self.stop()

    def stop(self) -> None:
        """End the process; what it still writes goes to a disk that is gone."""
        if self.collector is not None:
            self.refused += self.collector.lanes.refused
        if self._task is not None:
            self._task.cancel()

    async def ended(self) -> None:
        """Return when nothing of the process runs any more; raises what it ended by."""
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    async def _call(self) -> Link:
        return await self._dial(HEAD, COLLECTOR_PORT, DIAL_S)
