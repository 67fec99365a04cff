"""A meter that plays the records of another one, or those that a companion profile asks for, on any number of links."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from openami.io.clock import Clock
from openami.io.links.dlms import serve_dlms
from openami.io.links.link import Link
from openami.protocols.dlms.association import AssociationSettings
from openami.protocols.dlms.companion.meter_record import MeterRecord
from openami.protocols.dlms.companion.recorded_device import RecordedDevice
from openami.protocols.dlms.counters import Counters, MemoryCounters
from openami.protocols.dlms.framing import Framing
from openami.protocols.dlms.server import ServerConnection
from openami.protocols.dlms.server_settings import ServerSettings, ServerState


class ClonedMeter:
    """Answers the clients that the records were made for, who associate as `access` says by client SAP.

    `make_framing` frames each link; `random` gives the bytes of challenges. Without `counters` the keys must not
    outlive the process.
    """

    def __init__(
        self,
        records: Sequence[MeterRecord],
        access: Mapping[int, AssociationSettings],
        system_title: bytes,
        clock: Clock,
        make_framing: Callable[[], Framing],
        *,
        random: Callable[[int], bytes],
        counters: Counters | None = None,
    ) -> None:
        self._counters = MemoryCounters() if counters is None else counters
        self._state = ServerState(system_title, self._counters)
        device = RecordedDevice(*records)
        self._settings = ServerSettings(system_title, {one.server_sap: device for one in records}, access)
        self._clock = clock
        self._make_framing = make_framing
        self._random = random

    async def serve(self, link: Link) -> None:
        """One conversation; the link is closed when it ends."""
        await self._serve(link, self._settings)

    async def serve_line(self, link: Link) -> None:
        """Conversations on a line that is always there, until it ends."""
        await self._serve(link, replace(self._settings, close_when_idle=False))

    async def _serve(self, link: Link, settings: ServerSettings) -> None:
        def connection() -> ServerConnection:
            return ServerConnection(
                self._make_framing(),
                settings,
                self._state,
                random=self._random,
                utc=lambda _now: self._clock.time(),
                now=self._clock.monotonic(),
            )

        await serve_dlms(link, connection, self._clock, counters=self._counters)
