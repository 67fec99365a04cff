"""The head-end: a postman. It answers the back office, dials meters, and never opens a letter."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from openami.headend.collectors import SCHEME, Collectors, CollectorTarget, Identify, certified, collector_target
from openami.headend.dialling import Dialling
from openami.headend.push_intake import PushIntake
from openami.headend.settings import HeadendSettings
from openami.headend.targets import AllowList, Refused, Resolve, Target, resolve_by_system
from openami.headend.upload_positions import Journal, NoJournal, UploadPositions
from openami.io.blocking import Blocking, inline
from openami.io.clock import Clock
from openami.io.links.driver import Driver
from openami.io.links.link import Link
from openami.io.links.pipe import pipe
from openami.io.links.push_ports import listen_datagrams, take_stream
from openami.io.links.tcp import Server, connect_tcp, serve_tcp
from openami.io.spool.spool import Spool
from openami.model.errors import ConnectFailed, LinkError, StoreError
from openami.protocols.zones.connection import CircuitData, Ended, Role, ZoneConnection
from openami.protocols.zones.message import (
    Answer,
    AskCollectors,
    AskMeters,
    AskRoutes,
    AskStatus,
    CircuitOpened,
    CircuitRefused,
    HeadendStatus,
    OpenCircuit,
    ReadSpool,
    RefusalCause,
    ReleaseSpool,
    RequestRefused,
    SpoolItem,
    SpoolItems,
    SpoolReleased,
    TriggerPush,
)

LOG = logging.getLogger(__name__)
Dial = Callable[[str, int, float], Awaitable[Link]]
SPOOL_ANSWER_BYTES = 2 << 20
_DETAIL_MAX = 500


async def _dial_tcp(host: str, port: int, timeout_s: float) -> Link:
    return await connect_tcp(host, port, timeout_s=timeout_s)


class Headend:
    """One relay. `dial` and `resolve` are the network's; `blocking` carries the spool's disk work.

    `uploads` keeps how far each collector's spools were taken: a `CounterFile` wherever collectors call in. `identify`
    tells who a collector is, `denied` whether the certificate with this serial number was called back.
    """

    def __init__(
        self,
        settings: HeadendSettings,
        clock: Clock,
        spool: Spool,
        *,
        blocking: Blocking = inline,
        dial: Dial = _dial_tcp,
        resolve: Resolve = resolve_by_system,
        uploads: Journal | None = None,
        identify: Identify = certified,
        denied: Callable[[int], bool] = lambda _serial: False,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._spool = spool
        self._blocking = blocking
        self._dial = dial
        self._allowed = AllowList(settings.networks, resolve)
        self._dialling = Dialling(
            settings.dial_windows, settings.dial_interval_s, settings.circuits_max, settings.cells
        )
        self._taking = UploadPositions(spool, uploads or NoJournal())
        self._intake = PushIntake(self._taking.append_many, clock, blocking, settings.push_waiting_bytes_max)
        self._collectors = Collectors(
            clock, self._intake, self._taking, settings.allowance, identify=identify, denied=denied
        )
        self._office: Server | None = None
        self._callers: Server | None = None
        self._pushes: Server | None = None
        self._datagrams: asyncio.DatagramTransport | None = None
        self._opened = 0
        self._refused = 0

    @property
    def port(self) -> int:
        """Where the back office connects; valid after `start`."""
        assert self._office is not None
        return self._office.port

    @property
    def push_port(self) -> int:
        """Where meters push to; valid after `start`."""
        assert self._pushes is not None
        return self._pushes.port

    @property
    def collector_port(self) -> int:
        """Where collectors call in; valid after `start` if they may."""
        assert self._callers is not None
        return self._callers.port

    async def start(self) -> None:
        """Bind all ports; raise `ConnectFailed` if one cannot be bound."""
        settings = self._settings
        try:
            self._office = await serve_tcp(
                self.serve_office,
                settings.host,
                settings.port,
                tls=settings.tls,
                connections_max=settings.connections_max,
            )
            if settings.push_port is not None:
                await self._listen_for_pushes(settings.push_port)
            if settings.collector_tls is not None:
                self._callers = await serve_tcp(
                    self.serve_collector,
                    settings.collector_host,
                    settings.collector_port,
                    tls=settings.collector_tls,
                    connections_max=settings.collectors_max,
                )
        except ConnectFailed:
            await self.close()
            raise

    async def serve(self) -> None:
        """Bind all ports and serve until cancelled."""
        await self.start()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            await self.close()

    async def close(self) -> None:
        """Stop listening, end all circuits, and put what was taken on the disk; may be called twice."""
        for server in (self._office, self._pushes, self._callers):
            if server is not None:
                await server.close()
        if self._datagrams is not None:
            self._datagrams.close()
        await self._intake.close()

    async def serve_office(self, link: Link) -> None:
        """Answer one connection of the back office until it ends or becomes a circuit that ends."""
        core = ZoneConnection(Role.HEADEND)
        core.begin(self._clock.monotonic())
        driver = Driver(core, link, self._clock)
        try:
            while not isinstance(request := await driver.next_event(), Ended):
                if isinstance(request, OpenCircuit):
                    if await self._circuit(request, core, driver, link):
                        return
                else:
                    core.send(await self._answer(request), self._clock.monotonic())
            if request.error is not None:
                LOG.warning("%s sent what the back office never sends: %s", link.peer, request.error)
        except LinkError as error:
            LOG.info("%s", error)
        finally:
            await driver.close()

    async def serve_collector(self, link: Link) -> None:
        """Serve one connection of a collector until it ends."""
        await self._collectors.serve(link)

    async def shed_denied(self) -> None:
        """End the connections of collectors whose certificates were called back since they began."""
        await self._collectors.shed_denied()

    async def take_pushes(self, link: Link) -> None:
        """Spool what one connection of a meter brings."""
        settings = self._settings
        await take_stream(link, self._intake, bytes_max=settings.push_bytes_max, silence_s=settings.push_silence_s)

    async def _listen_for_pushes(self, port: int) -> None:
        settings = self._settings
        self._pushes = await serve_tcp(
            self.take_pushes, settings.push_host, port, connections_max=settings.push_connections_max
        )
        self._datagrams = await listen_datagrams(
            self._intake, settings.push_host, self._pushes.port, settings.push_connections_max
        )

    async def _circuit(self, request: OpenCircuit, core: ZoneConnection, driver: Driver[object], link: Link) -> bool:
        """Dial and carry; False if that was refused and the connection can go on asking."""
        try:
            target = await self._target(request.link)
            with self._dialling.slot(target, self._clock.time()):
                meter = await self._connect(target, request.timeout_s)
                self._opened += 1
                try:
                    core.send(CircuitOpened(), self._clock.monotonic())
                    await driver.flush()
                    while isinstance(early := core.next_event(), CircuitData):
                        await meter.send(early.data)
                    await pipe(link, meter, silence_s=self._settings.circuit_silence_s)
                finally:
                    await meter.close()
                return True
        except Refused as error:
            self._refused += 1
            core.send(CircuitRefused(error.cause, str(error)[:_DETAIL_MAX]), self._clock.monotonic())
            return False

    async def _target(self, link: str) -> Target | CollectorTarget:
        return collector_target(link) if link.startswith(SCHEME) else await self._allowed.target(link)

    async def _connect(self, target: Target | CollectorTarget, timeout_s: float) -> Link:
        limit = min(timeout_s, self._settings.dial_timeout_s)
        try:
            async with asyncio.timeout(limit):
                if isinstance(target, CollectorTarget):
                    return await self._collectors.open(target, limit)
                return await self._dial(target.host, target.port, limit)
        except TimeoutError:
            detail = f"{target} did not answer the dial within {limit:g} s"
            raise Refused(RefusalCause.TIMEOUT, detail) from None
        except LinkError as error:
            raise Refused(RefusalCause.CONNECT_FAILED, str(error)) from error

    async def _answer(self, request: object) -> Answer:
        try:
            match request:
                case ReadSpool():
                    return await self._blocking(self._read_spool, request)
                case ReleaseSpool():
                    return await self._blocking(self._release_spool, request)
                case AskStatus():
                    return self._status()
                case AskCollectors() | AskMeters() | AskRoutes() | TriggerPush():
                    return await self._collectors.answer(request)
            detail = f"{type(request).__name__} is not understood"
        except LinkError as error:
            detail = str(error)
        except (StoreError, OSError) as error:
            LOG.error("the spool failed: %s", error)
            detail = str(error)
        return RequestRefused(detail[:_DETAIL_MAX])

    def _read_spool(self, request: ReadSpool) -> SpoolItems:
        items = self._spool.read(request.after, request.limit, SPOOL_ANSWER_BYTES)
        return SpoolItems(self._spool.identity, [SpoolItem(number, content) for number, content in items])

    def _release_spool(self, request: ReleaseSpool) -> Answer:
        if request.spool != self._spool.identity:
            return RequestRefused(f"this is spool {self._spool.identity}, not {request.spool}")
        self._taking.release(request.through)
        return SpoolReleased()

    def _status(self) -> HeadendStatus:
        return HeadendStatus(
            at=self._clock.time(),
            circuits_open=self._dialling.open,
            circuits_opened=self._opened,
            circuits_refused=self._refused,
            pushes_taken=self._intake.taken,
            pushes_refused=self._intake.refused,
            spool_waiting=self._spool.waiting,
            spool_bytes=self._spool.size,
        )
