"""The head-end: a postman. It answers the back office, dials meters, and never opens a letter."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from openami.headend.circuit import pipe
from openami.headend.dialling import Dialling
from openami.headend.push_intake import PushIntake
from openami.headend.settings import HeadendSettings
from openami.headend.targets import AllowList, Refused, Resolve, Target, resolve_by_system
from openami.io.blocking import Blocking, inline
from openami.io.clock import Clock
from openami.io.links.driver import Driver
from openami.io.links.link import Link
from openami.io.links.push_ports import listen_datagrams, take_stream
from openami.io.links.tcp import Server, connect_tcp, serve_tcp
from openami.io.spool.spool import Spool
from openami.model.errors import ConnectFailed, LinkError, StoreError
from openami.protocols.zones.connection import CircuitData, Ended, Role, ZoneConnection
from openami.protocols.zones.message import (
    Answer,
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
)

LOG = logging.getLogger(__name__)
Dial = Callable[[str, int, float], Awaitable[Link]]
SPOOL_ANSWER_BYTES = 2 << 20
_DETAIL_MAX = 500


async def _dial_tcp(host: str, port: int, timeout_s: float) -> Link:
    return await connect_tcp(host, port, timeout_s=timeout_s)


class Headend:
    """One relay. `dial` and `resolve` are the network's; `blocking` carries the spool's disk work."""

    def __init__(
        self,
        settings: HeadendSettings,
        clock: Clock,
        spool: Spool,
        *,
        blocking: Blocking = inline,
        dial: Dial = _dial_tcp,
        resolve: Resolve = resolve_by_system,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._spool = spool
        self._blocking = blocking
        self._dial = dial
        self._allowed = AllowList(settings.networks, resolve)
        self._dialling = Dialling(settings.dial_windows, settings.dial_interval_s, settings.circuits_max)
        self._intake = PushIntake(spool, clock, blocking, settings.push_waiting_bytes_max)
        self._office: Server | None = None
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
        for server in (self._office, self._pushes):
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
            target = await self._allowed.target(request.link)
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

    async def _connect(self, target: Target, timeout_s: float) -> Link:
        limit = min(timeout_s, self._settings.dial_timeout_s)
        try:
            async with asyncio.timeout(limit):
                return await self._dial(target.host, target.port, limit)
        except TimeoutError:
            detail = f"{target.host}:{target.port} did not answer the dial within {limit:g} s"
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
        except (StoreError, OSError) as error:
            LOG.error("the spool failed: %s", error)  # noqa: TRY400 - operators need the message, not the stack
            return RequestRefused(str(error)[:_DETAIL_MAX])
        return RequestRefused(f"{type(request).__name__} is not understood")

    def _read_spool(self, request: ReadSpool) -> SpoolItems:
        items = self._spool.read(request.after, request.limit, SPOOL_ANSWER_BYTES)
        return SpoolItems(self._spool.identity, [SpoolItem(number, content) for number, content in items])

    def _release_spool(self, request: ReleaseSpool) -> Answer:
        if request.spool != self._spool.identity:
            return RequestRefused(f"this is spool {self._spool.identity}, not {request.spool}")
        self._spool.release(request.through)
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
