"""The machine of the head-end: its spool and its journal on a disk that can fail."""

from __future__ import annotations

from pathlib import Path

from openami.headend.collector_session import CollectorName
from openami.headend.headend import Headend
from openami.headend.settings import HeadendSettings
from openami.io.clock import Clock
from openami.io.keystore.counter_file import CounterFile
from openami.io.links.link import Link
from openami.io.spool.file_spool import FileSpool
from openami.simulation.disk import FaultDisk
from openami.simulation.ip import Network
from openami.simulation.streams import Streams

HEAD = "head-end"
OFFICE_PORT, COLLECTOR_PORT = 4058, 4060
SPOOL_BYTES = 256 << 20
SEGMENT_BYTES = 1 << 18


class Relay:
    """Who calls is known by the name of its host, as elsewhere by its certificate. `groups` tells neighbourhoods."""

    def __init__(self, groups: dict[str, str], network: Network, clock: Clock, streams: Streams) -> None:
        self.disk = FaultDisk(seed=streams.key(f"disk/{HEAD}"))
        self._groups = groups
        self._network = network
        self._clock = clock
        self._random = streams.bytes(HEAD)
        self.spool = self._start()

    def restart(self) -> None:
        """The machine loses its supply and comes back: only what its disk kept is left."""
        self.disk = self.disk.after_power_cut()
        self._network.crash(HEAD)
        self.spool = self._start()

    def _start(self) -> FileSpool:
        spool = FileSpool(
            Path("spool"),
            disk=self.disk,
            random=self._random,
            limit_bytes=SPOOL_BYTES,
            segment_bytes=SEGMENT_BYTES,
        )
        headend = Headend(
            HeadendSettings(),
            self._clock,
            spool,
            dial=self._network.dial(HEAD),
            uploads=CounterFile(Path("uploads/journal"), disk=self.disk),
            identify=self._identify,
        )
        self._network.listen(HEAD, COLLECTOR_PORT, headend.serve_collector)
        self._network.listen(HEAD, OFFICE_PORT, headend.serve_office)
        return spool

    def _identify(self, link: Link) -> CollectorName:
        return CollectorName(link.peer, self._groups[link.peer])
