"""Where meters push to: a TCP and a UDP port with the same number."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Protocol, cast

from openami.io.links.link import Link
from openami.io.links.push_stream import PushStream
from openami.model.errors import ConnectFailed, LinkError, StoreError
from openami.protocols.dlms.receipt import receipt_of

LOG = logging.getLogger(__name__)


class TakesPushes(Protocol):
    """Where pushes go: a head-end's spool, or a collector's."""

    refused: int

    async def take(self, transport: str, source: str, content: bytes) -> None:
        """Return when the push is on the disk; raise `StoreError` if it cannot be taken."""
        ...


async def take_stream(link: Link, intake: TakesPushes, *, bytes_max: int, silence_s: float) -> None:
    """Spool all that `link` brings until it ends. A sender whose push cannot be taken is cut off, so that it knows.

    A plain push that asks for a confirmation gets it when it is on the disk (see `receipt_of`).
    """
    stream = PushStream(bytes_max)
    try:
        while True:
            data = await _receive(link, silence_s if stream.held else None)
            items = stream.feed(data) if data else []
            if not data and (rest := stream.rest()):
                items.append(rest)
            for item in items:
                await intake.take("tcp", link.peer, item)
                if receipt := receipt_of(item):
                    await link.send(receipt)
            if data == b"":
                return
    except LinkError:
        if rest := stream.rest():
            await _try(intake, link.peer, rest)
    except StoreError as error:
        LOG.warning("a push of %s was not taken: %s", link.peer, error)
    finally:
        await link.close()


async def _receive(link: Link, silence_s: float | None) -> bytes | None:
    """The next bytes, `b""` at the end, None after a silence."""
    try:
        async with asyncio.timeout(silence_s):
            return await link.receive()
    except TimeoutError:
        return None


async def _try(intake: TakesPushes, peer: str, content: bytes, transport: str = "tcp") -> bool:
    try:
        await intake.take(transport, peer, content)
    except StoreError as error:
        LOG.warning("a push of %s was not taken: %s", peer, error)
        return False
    return True


class PushDatagrams(asyncio.DatagramProtocol):
    """The UDP port: each datagram is an item, and confirmed as those of a stream are."""

    def __init__(self, intake: TakesPushes, waiting_max: int) -> None:
        self._intake = intake
        self._waiting_max = waiting_max
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._count = 0
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        if not data:
            return
        if len(self._tasks) >= self._waiting_max:
            self._intake.refused += 1
            return
        number = self._count = self._count + 1
        task = asyncio.get_running_loop().create_task(self._take(data, addr))
        self._tasks[number] = task
        task.add_done_callback(lambda _: self._tasks.pop(number, None))

    async def _take(self, data: bytes, addr: tuple[Any, ...]) -> None:
        taken = await _try(self._intake, f"udp:{addr[0]}:{addr[1]}", data, "udp")
        if taken and self._transport is not None and (receipt := receipt_of(data)):
            self._transport.sendto(receipt, addr)

    def error_received(self, exc: Exception) -> None:
        LOG.info("the push port heard of an undelivered datagram: %s", exc)


async def listen_datagrams(intake: TakesPushes, host: str, port: int, waiting_max: int) -> asyncio.DatagramTransport:
    """Bind the UDP port; raise `ConnectFailed` if that fails."""
    loop = asyncio.get_running_loop()
    try:
        transport, _ = await loop.create_datagram_endpoint(
            lambda: PushDatagrams(intake, waiting_max), local_addr=(host, port)
        )
    except OSError as error:
        raise ConnectFailed(f"cannot listen on {host}:{port} (UDP): {error.strerror or error}") from error
    return transport
