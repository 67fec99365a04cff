"""The back office's side of the zone border: it opens every connection and asks; the head-end answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeVar

from openami.io.clock import Clock
from openami.io.links.driver import Driver
from openami.io.links.link import Link
from openami.model.errors import ConnectFailed, LinkError, LinkTimeout, RemoteProtocolError, StoreError
from openami.protocols.zones.connection import CircuitData, Ended, Event, Role, ZoneConnection
from openami.protocols.zones.message import (
    AskCollectors,
    AskMeters,
    AskRoutes,
    AskStatus,
    CircuitOpened,
    CircuitRefused,
    ConnectedCollectors,
    HeadendStatus,
    Meters,
    OpenCircuit,
    ReadSpool,
    RefusalCause,
    ReleaseSpool,
    Request,
    RequestRefused,
    Routes,
    SpoolItems,
    SpoolReleased,
    Triggered,
    TriggerPush,
)

_T = TypeVar("_T")
Connect = Callable[[], Awaitable[Link]]
ANSWER_TIMEOUT_S = 30.0


class HeadendUnreachable(LinkError):
    """The back office has no connection with the head-end."""


class HeadendRefused(LinkError):
    """The head-end opened no circuit; `refusal` is its reason."""

    def __init__(self, refusal: RefusalCause, detail: str) -> None:
        super().__init__(f"the head-end opened no circuit: {detail}")
        self.refusal = refusal


class SpoolFailed(StoreError):
    """The head-end could not do what it was asked (read or release its spool, tell a collector)."""


class CircuitLink:
    """A circuit as a `Link`: what came right behind the answer first, then whatever comes."""

    datagrams = False

    def __init__(self, link: Link, peer: str, early: bytes) -> None:
        self.peer = peer
        self._link = link
        self._early = early

    async def receive(self) -> bytes:
        if self._early:
            early, self._early = self._early, b""
            return early
        return await self._link.receive()

    async def send(self, data: bytes) -> None:
        await self._link.send(data)

    async def close(self) -> None:
        await self._link.close()


class _Asked(NamedTuple):
    answer: Event
    core: ZoneConnection
    link: Link


class HeadendClient:
    """One head-end, reached by `connect`. Every request has a connection of its own; nothing is kept between them."""

    def __init__(self, connect: Connect, clock: Clock, *, answer_timeout_s: float = ANSWER_TIMEOUT_S) -> None:
        self._connect = connect
        self._clock = clock
        self._answer_timeout_s = answer_timeout_s

    async def open_circuit(self, link: str, timeout_s: float) -> Link:
        """A circuit to the meter at `link` (`tcp://host:port`, `collector://NAME/ADDRESS`).

        Raises `HeadendRefused` with the head-end's reason, `HeadendUnreachable`, or `LinkTimeout`.
        """
        asked = await self._ask(OpenCircuit(link, timeout_s), timeout_s + self._answer_timeout_s)
        if isinstance(asked.answer, CircuitOpened):
            return CircuitLink(asked.link, link, _early(asked.core))
        await asked.link.close()
        if isinstance(asked.answer, CircuitRefused):
            raise HeadendRefused(asked.answer.cause, asked.answer.detail)
        raise _unexpected(asked.answer)

    async def read_spool(self, after: int, limit: int) -> SpoolItems:
        """The oldest items above `after`; raise `SpoolFailed` if the head-end cannot read them."""
        return await self._answer(ReadSpool(after, limit), SpoolItems)

    async def release_spool(self, spool: str, through: int) -> None:
        """Let the head-end forget what is safe here."""
        await self._answer(ReleaseSpool(spool, through), SpoolReleased)

    async def collectors(self) -> ConnectedCollectors:
        """Which collectors have called in."""
        return await self._answer(AskCollectors(), ConnectedCollectors)

    async def meters(self, collector: str) -> Meters:
        """Which meters a collector knows; raise `SpoolFailed` if it is not connected."""
        return await self._answer(AskMeters(collector), Meters)

    async def routes(self, collector: str) -> Routes:
        """How the stations of a collector's mesh reach it; raise `SpoolFailed` if it is not connected."""
        return await self._answer(AskRoutes(collector), Routes)

    async def trigger_push(self, link: str) -> None:
        """Let the meter at `link` (`collector://NAME/ADDRESS`) push now."""
        await self._answer(TriggerPush(link), Triggered)

    async def status(self) -> HeadendStatus:
        """How the head-end is."""
        return await self._answer(AskStatus(), HeadendStatus)

    async def _answer(self, request: Request, expected: type[_T]) -> _T:
        asked = await self._ask(request, self._answer_timeout_s)
        await asked.link.close()
        if isinstance(asked.answer, expected):
            return asked.answer
        if isinstance(asked.answer, RequestRefused):
            raise SpoolFailed(f"the head-end refused {type(request).__name__}: {asked.answer.detail}")
        raise _unexpected(asked.answer)

    async def _ask(self, request: Request, timeout_s: float) -> _Asked:
        try:
            link = await self._connect()
        except ConnectFailed as error:
            raise HeadendUnreachable(f"the head-end cannot be reached: {error}") from error
        core = ZoneConnection(Role.BACK_OFFICE)
        core.send(request, self._clock.monotonic())
        try:
            async with asyncio.timeout(timeout_s):
                driver: Driver[Event] = Driver(core, link, self._clock)
                return _Asked(await driver.next_event(), core, link)
        except TimeoutError:
            await link.close()
            raise LinkTimeout(f"the head-end did not answer {type(request).__name__} in {timeout_s:g} s") from None
        except LinkError as error:
            await link.close()
            raise HeadendUnreachable(f"the connection with the head-end broke: {error}") from error
        except BaseException:
            await link.close()
            raise


def _early(core: ZoneConnection) -> bytes:
    data = b""
    while isinstance(event := core.next_event(), CircuitData):
        data += event.data
    return data


def _unexpected(answer: Event) -> Exception:
    if isinstance(answer, Ended):
        if answer.error is None:
            return HeadendUnreachable("the head-end ended the connection without an answer")
        return RemoteProtocolError(f"the head-end answered with bytes that mean nothing: {answer.error}")
    return RemoteProtocolError(f"the head-end answered with {type(answer).__name__}, which was not asked for")
