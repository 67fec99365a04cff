"""The connection with the head-end: the collector calls in, by the first way that works, again and again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from openami.field.collector.gateway import MeterWay
from openami.field.collector.lanes import Lanes
from openami.field.collector.meters import MeterTable
from openami.field.collector.settings import CollectorSettings
from openami.field.collector.upload import Uploading
from openami.io.clock import Clock
from openami.io.links.channels import Channels
from openami.io.links.link import Link
from openami.io.links.neighbourhood import Route
from openami.io.links.patience import PatientLink
from openami.io.links.pipe import pipe
from openami.model.errors import LinkError, OpenAmiError, SettingError
from openami.protocols.zones.collector_connection import CollectorConnection, CollectorRole
from openami.protocols.zones.collector_message import (
    VERSION,
    CollectorStatus,
    Hello,
    Lane,
    LaneSpool,
    OpenChannel,
    RoutesKnown,
    Taken,
    Trigger,
    Welcome,
)
from openami.protocols.zones.message import STATIONS_MAX, RefusalCause, StationView

LOG = logging.getLogger(__name__)
Way = Callable[[], Awaitable[Link]]
CIRCUIT_SILENCE_S = 180.0
_REPORT_PAUSE_S = 5.0
"""A mesh that forms changes with every meter; the routes of all are told no more often than this."""


class Uplink:
    """Calls in by `ways`, in this order: its own WAN first, then neighbours that forward.

    Nothing is lost between connections: what was uploaded and not acknowledged is uploaded again, and the head-end
    passes over what it has. `random` spreads the calls of many collectors.
    """

    def __init__(
        self,
        ways: Sequence[Way],
        lanes: Lanes,
        meters: MeterTable,
        clock: Clock,
        random: Callable[[int], bytes],
        settings: CollectorSettings,
        routes: Callable[[], list[Route]],
    ) -> None:
        self._routes = routes
        self._ways = ways
        self._lanes = lanes
        self._meters = meters
        self._clock = clock
        self._random = random
        self._settings = settings
        self._channels: Channels | None = None
        self._called = asyncio.Event()
        self._circuits: dict[int, asyncio.Task[None]] = {}
        self.offset_s: float | None = None
        """How far the collector's clock stood behind the head-end's when it called in last."""
        self.last_error = ""

    @property
    def connected(self) -> bool:
        """Whether the head-end is there now."""
        return self._channels is not None

    def call_in(self) -> None:
        """Do not wait any longer: somebody entitled has asked (a wake-up)."""
        self._called.set()

    async def run(self) -> None:
        """Be connected, as far as possible, until cancelled."""
        pause = self._chance(self._settings.spread_s)
        while True:
            await self._wait(pause)
            began = self._clock.monotonic()
            await self._one_round()
            lasted = self._clock.monotonic() - began
            longest = self._settings.retry_max_s
            pause = self._settings.retry_s if lasted > longest else min(max(pause, self._settings.retry_s) * 2, longest)
            pause = pause / 2 + self._chance(pause / 2)

    async def _one_round(self) -> None:
        for number, way in enumerate(self._ways):
            try:
                link = await way()
            except (LinkError, SettingError) as error:  # without a certificate it still stores
                self.last_error = str(error)
                LOG.info("way %d to the head-end: %s", number + 1, error)
                continue
            try:
                await self._serve(link)
            except OpenAmiError as error:
                self.last_error = str(error)
                LOG.info("the head-end: %s", error)
            return

    async def _wait(self, pause: float) -> None:
        self._called.clear()
        try:
            async with asyncio.timeout(pause):
                await self._called.wait()
        except TimeoutError:
            return

    def _chance(self, most_s: float) -> float:
        return most_s * int.from_bytes(self._random(4), "big") / (1 << 32)

    async def _serve(self, link: Link) -> None:
        """One connection, until it ends."""
        core = CollectorConnection(CollectorRole.COLLECTOR, self._clock.monotonic())
        channels = Channels(core, PatientLink(link, self._settings.send_timeout_s), self._clock)
        try:
            spools = [LaneSpool(lane, self._lanes.lane(lane).spool.identity) for lane in Lane]
            await channels.send(Hello(VERSION, self._settings.software, spools))
            welcome = await channels.next_event()
            assert isinstance(welcome, Welcome)  # the core lets nothing else pass
            self.offset_s = welcome.at - self._clock.time()
            uploading = Uploading(self._lanes, channels, welcome.window_bytes, self._settings)
            await uploading.go_on(welcome.taken)
            self._channels, self.last_error = channels, ""
            await _first_end(self._listen(channels, uploading), uploading.run(), self._report(channels))
        finally:
            self._channels = None
            await channels.close()
            for circuit in list(self._circuits.values()):
                circuit.cancel()
            await asyncio.gather(*self._circuits.values(), return_exceptions=True)

    async def _listen(self, channels: Channels, uploading: Uploading) -> None:
        while True:
            match await channels.next_event():
                case Taken() as taken:
                    await uploading.taken(taken)
                case OpenChannel() as request:
                    self._begin_circuit(channels, request)
                case Trigger(address=address):
                    await self._trigger(address)

    async def _report(self, channels: Channels) -> None:
        """Which meters there are, at once and whenever it changes; how the collector is, and routes, now and then."""
        self._meters.take_changes()
        for message in self._meters.tell(self._meters.everything()):
            await channels.send(message)
        loop, reported, due = asyncio.get_running_loop(), 0.0, 0.0
        while True:
            if loop.time() >= due:
                await self._report_state(channels)
                reported = loop.time()
                due = reported + self._settings.status_every_s
            try:
                async with asyncio.timeout_at(due):
                    await self._meters.changes.wait()
            except TimeoutError:
                continue
            for message in self._meters.tell(self._meters.take_changes()):
                await channels.send(message)
            due = min(due, reported + _REPORT_PAUSE_S)

    async def _report_state(self, channels: Channels) -> None:
        await channels.send(self.status())
        if routes := self._routes():
            await channels.send(RoutesKnown([self._station(route) for route in routes[:STATIONS_MAX]]))

    def status(self) -> CollectorStatus:
        """How the collector is."""
        alarms, bulk = (self._lanes.lane(lane).spool for lane in (Lane.ALARM, Lane.BULK))
        return CollectorStatus(
            at=self._clock.time(),
            meters=len(self._meters),
            heard=self._lanes.heard,
            refused=self._lanes.refused,
            given_up=self._lanes.given_up,
            waiting_alarms=alarms.waiting,
            waiting_bulk=bulk.waiting,
            spool_bytes=alarms.size + bulk.size,
        )

    def _station(self, route: Route) -> StationView:
        heard_at = route.heard_at or 0.0
        return StationView(route.address, route.parent, route.hops, route.etx, heard_at, route.rank, route.latency_s)

    async def _trigger(self, address: str) -> None:
        try:
            await self._meters.way(address).trigger(address)
        except LinkError as error:
            LOG.info("a push was asked for in vain: %s", error)

    def _begin_circuit(self, channels: Channels, request: OpenChannel) -> None:
        task = asyncio.get_running_loop().create_task(self._circuit(channels, request))
        self._circuits[request.channel] = task
        task.add_done_callback(lambda _: self._circuits.pop(request.channel, None))

    async def _circuit(self, channels: Channels, request: OpenChannel) -> None:
        """Carry one circuit to a meter and back."""
        circuit = channels.accept(request)
        if len(self._circuits) > self._settings.circuits_max:
            limit = self._settings.circuits_max
            await circuit.refuse(RefusalCause.TOO_MANY, f"{limit} circuits are open: the limit")
            return
        try:
            async with asyncio.timeout(request.timeout_s):
                meter = await self._meters.way(request.address).open(request.address)
        except TimeoutError:
            await circuit.refuse(RefusalCause.TIMEOUT, f"{request.address} did not answer in {request.timeout_s:g} s")
            return
        except LinkError as error:
            await circuit.refuse(RefusalCause.CONNECT_FAILED, str(error))
            return
        try:
            await channels.opened(circuit)
            await pipe(circuit, MeterWay(meter, request.address), silence_s=CIRCUIT_SILENCE_S)
        except LinkError as error:
            LOG.info("a circuit to %s ended: %s", request.address, error)
        finally:
            await meter.close()
            await circuit.close()


async def _first_end(*works: Coroutine[Any, Any, None]) -> None:
    """Run all until one ends; then end the others and raise what went wrong."""
    tasks = [asyncio.get_running_loop().create_task(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    for error in ended:
        if isinstance(error, Exception):
            raise error
