"""Asking and answering over a link: see `openami.protocols.zones.asking`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from msgspec import Struct

from openami.io.clock import Clock
from openami.io.links.driver import Driver
from openami.io.links.link import Link
from openami.model.errors import LinkError, LinkLost, LinkTimeout, SecurityError
from openami.protocols.zones.asking import AskingConnection
from openami.protocols.zones.connection import Ended
from openami.protocols.zones.inner_message import decode_inner_answer, encode_inner
from openami.protocols.zones.log_message import Refused

LOG = logging.getLogger(__name__)
ANSWER_TIMEOUT_S = 30.0
_Request = TypeVar("_Request", bound=Struct)
_Answer = TypeVar("_Answer")


async def serve_asking(
    link: Link,
    decode: Callable[[bytes], _Request],
    answer: Callable[[_Request], Awaitable[Struct]],
    clock: Clock,
) -> None:
    """Answer one connection until it ends."""
    core: AskingConnection[_Request, Struct] = AskingConnection(asks=False, decode=decode, encode=encode_inner)
    core.begin(clock.monotonic())
    driver: Driver[_Request | Ended] = Driver(core, link, clock)
    try:
        while not isinstance(request := await driver.next_event(), Ended):
            core.send(await answer(request), clock.monotonic())
        if request.error is not None:
            LOG.warning("%s sent what is no request: %s", link.peer, request.error)
    except LinkError as error:
        LOG.info("%s", error)
    finally:
        await driver.close()


async def ask(
    connect: Callable[[], Awaitable[Link]],
    request: Struct,
    expected: type[_Answer] | tuple[type[_Answer], ...],
    clock: Clock,
    timeout_s: float = ANSWER_TIMEOUT_S,
    decode: Callable[[bytes], Struct] = decode_inner_answer,
) -> _Answer:
    """One question over a connection of its own; `decode` reads what the other side may answer.

    Raises `SecurityError` with the other side's words if it refuses, `LinkError` if there is no answer.
    """
    link = await connect()
    core: AskingConnection[Struct, Struct] = AskingConnection(asks=True, decode=decode, encode=encode_inner)
    driver: Driver[Struct | Ended] = Driver(core, link, clock)
    try:
        core.send(request, clock.monotonic())
        async with asyncio.timeout(timeout_s):
            answer = await driver.next_event()
    except TimeoutError:
        raise LinkTimeout(f"{link.peer} did not answer {type(request).__name__} in {timeout_s:g} s") from None
    finally:
        await driver.close()
    if isinstance(answer, expected):
        return answer
    if isinstance(answer, Refused):
        raise SecurityError(answer.detail)
    if isinstance(answer, Ended):
        raise LinkLost(f"{link.peer} ended the connection: {answer.error or 'no answer'}")
    raise LinkLost(f"{link.peer} answered {type(request).__name__} with {type(answer).__name__}")
