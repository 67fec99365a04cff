"""All that lies behind the roots of the meshes: collectors, a wide area network, the head-end, the back office.

Every part is the one that runs in production; what is simulated are the machines and the network between them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping

from openami.field.collector.settings import CollectorSettings
from openami.io.clock import Clock
from openami.protocols.dlms.wrapper import HEADER_SIZE
from openami.protocols.mesh.address import eui64_of
from openami.protocols.mesh.events import DatagramReceived, MeshEvent
from openami.protocols.mesh.node import PORT
from openami.simulation.checkers import InvocationCounters
from openami.simulation.conversations import Conversations
from openami.simulation.deliveries import Deliveries, WatchedMeter
from openami.simulation.desk import Desk
from openami.simulation.district import District
from openami.simulation.ip import Network
from openami.simulation.job_watch import JobsEndOnce
from openami.simulation.office import NAME as OFFICE
from openami.simulation.office import SETTINGS, Office
from openami.simulation.relay import HEAD, Relay
from openami.simulation.relay import SPOOL_BYTES as RELAY_BYTES
from openami.simulation.site import SPOOL_BYTES, Site
from openami.simulation.streams import Streams
from openami.simulation.trace import Trace

ALONE = "district"
"""The neighbourhood of collectors that serve no transformer of their own."""


class Installation:
    """`meters` are those of the district by EUI-64, in its order."""

    def __init__(
        self,
        district: District,
        meters: Mapping[bytes, WatchedMeter],
        streams: Streams,
        clock: Clock,
        loop: asyncio.AbstractEventLoop,
        trace: Trace,
    ) -> None:
        self._meters = meters
        self._clock = clock
        self._loop = loop
        self.network = Network(loop, streams, trace)
        groups = {one.name: one.transformer or ALONE for one in district.collectors}
        self.relay = Relay(groups, self.network, clock, streams)
        self.sites = [Site(one.name, self.network, clock, streams, self.asked) for one in district.collectors]
        self.office = Office(self.network, clock, streams, loop)
        counters = InvocationCounters()
        self.deliveries = Deliveries(counters)
        self.conversations = Conversations(counters, SETTINGS.system_title)
        self.jobs = JobsEndOnce(self.office.store)
        self.desk = Desk(self.office, district.operations, clock, loop, streams.random("desk"))
        served = set(groups.values())
        transformers = [house.transformer for house in district.houses]
        links = [
            f"collector://{transformer if transformer in served else ALONE}/{eui64.hex()}"
            for eui64, transformer in zip(meters, transformers, strict=True)
        ]
        self.office.register(dict(zip(links, meters.values(), strict=True)), clock.time())

    def begin(self) -> None:
        """The office works, and is asked for things."""
        self.office.start()
        self.desk.begin()

    def heal(self) -> None:
        """The network is whole, and every disk takes what comes."""
        for site in self.sites:
            site.disk.room = None
            self.network.join(site.name, HEAD)
        self.network.join(HEAD, OFFICE)
        self.desk.heal()

    def heard(self, root: int, event: MeshEvent) -> None:
        """Something happened at the root of a collector."""
        now, neighbourhood = self._clock.time(), self.sites[root].neighbourhood
        assert neighbourhood is not None
        if isinstance(event, DatagramReceived) and event.port == PORT:
            meter = self._meters.get(eui64_of(event.source))
            if meter is not None and int.from_bytes(event.payload[4:6], "big") == SETTINGS.client_sap:
                self.conversations.answered(meter.config.system_title, event.payload, now)
            else:
                self.deliveries.came(event.payload, event.hops, now)
        neighbourhood.take(event, self._loop.time())

    def asked(self, eui64: bytes, datagram: bytes) -> None:
        """A collector sends a datagram of a circuit to a meter."""
        if len(datagram) > HEADER_SIZE and eui64 in self._meters:
            self.conversations.asked(self._meters[eui64].config.system_title, datagram, self._clock.time())

    def buffers(self) -> Iterator[tuple[str, int, int]]:
        """Everything that could grow: kind, size and limit."""
        limits = CollectorSettings()
        yield "head-end's spool (bytes)", self.relay.spool.size, RELAY_BYTES
        for site in self.sites:
            collector = site.running
            if collector is not None:
                status = collector.uplink.status()
                yield "collector's spools (bytes)", status.spool_bytes, 2 * SPOOL_BYTES
                yield "collector's table of meters", status.meters, limits.meters_max

    def judge(self) -> None:
        """After everything: what was asked of the office has ended, once."""
        titles = [meter.config.system_title for meter in self._meters.values()]
        by_id = dict(zip(self.office.meters, titles, strict=True))
        self.jobs.judge(
            self._clock.time(), lambda meter, since, until: self.conversations.spoke(by_id[meter], since, until)
        )
        self.desk.judge()

    async def end(self) -> None:
        """Let nothing run any more."""
        self.office.stop()
        for site in self.sites:
            site.stop()
        await asyncio.gather(self.office.ended(), *(site.ended() for site in self.sites))
        await self.network.close()
        self.office.close()
