"""The collector: hears a neighbourhood, stores and forwards what it says, lets circuits through. It holds no key."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from openami.field.collector.lanes import Lanes
from openami.field.collector.meters import MeterTable
from openami.field.collector.settings import CollectorSettings
from openami.field.collector.uplink import Uplink, Way
from openami.io.blocking import Blocking, inline
from openami.io.clock import Clock
from openami.io.links.neighbourhood import Heard, MeterGone, MeterSeen, Neighbourhood, Route, Routed
from openami.io.spool.spool import Spool
from openami.model.errors import LinkError

LOG = logging.getLogger(__name__)


class Collector:
    """One collector over any number of neighbourhoods. `ways` lead to the head-end: see `Uplink`.

    `alarms` and `bulk` are its spools; `blocking` carries their disk work, in one worker thread or inline.
    """

    def __init__(
        self,
        neighbourhoods: Sequence[Neighbourhood],
        ways: Sequence[Way],
        alarms: Spool,
        bulk: Spool,
        clock: Clock,
        random: Callable[[int], bytes],
        *,
        blocking: Blocking = inline,
        settings: CollectorSettings | None = None,
    ) -> None:
        settings = settings or CollectorSettings()
        self._neighbourhoods = neighbourhoods
        self.lanes = Lanes(alarms, bulk, clock, blocking, settings)
        self.meters = MeterTable(settings.meters_max)
        self.uplink = Uplink(ways, self.lanes, self.meters, clock, random, settings, self.routes)

    def routes(self) -> list[Route]:
        """How the stations of all meshes below reach us."""
        return [route for each in self._neighbourhoods if isinstance(each, Routed) for route in each.routes()]

    async def run(self) -> None:
        """Work until cancelled; then everything that was taken is on the disk."""
        loop = asyncio.get_running_loop()
        tasks = [loop.create_task(self._hear(each)) for each in self._neighbourhoods]
        tasks.append(loop.create_task(self.uplink.run()))
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.lanes.close()

    async def _hear(self, neighbourhood: Neighbourhood) -> None:
        """Take what happens in a neighbourhood; one that has ended leaves the others working."""
        try:
            while True:
                match await neighbourhood.next_event():
                    case Heard() as heard:
                        self.meters.hear(heard.address, neighbourhood)
                        await self.lanes.take(heard)
                    case MeterSeen() as seen:
                        self.meters.see(seen, neighbourhood)
                    case MeterGone(address):
                        self.meters.forget(address)
        except LinkError as error:
            LOG.error("a neighbourhood ended: %s", error)
