"""UDP links: each `receive` gives one whole datagram. A server gives each source address a link of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, cast

from openami.io.links.handlers import Handlers
from openami.io.links.inbox import Inbox
from openami.io.links.link import Link
from openami.io.links.tcp import host_port
from openami.model.errors import ConnectFailed, LinkError, LinkLost

LOG = logging.getLogger(__name__)
PEERS_MAX = 10_000


class UdpLink:
    """Datagrams to and from one peer, `udp:host:port`. What a slow reader leaves beyond 64 KiB is dropped.

    `closing` hears of each `close`.
    """

    datagrams = True

    def __init__(
        self, peer: str, transport: asyncio.DatagramTransport, address: Any, closing: Callable[[UdpLink], None]
    ) -> None:
        self.peer = peer
        self.dropped = 0
        self._transport = transport
        self._address = address
        self._closing = closing
        self._inbox = Inbox(datagrams=True)
        self._closed = False

    def arrive(self, data: bytes) -> None:
        """A datagram from the peer."""
        if self._inbox.full:
            self.dropped += 1
        elif data:
            self._inbox.put(data)

    def lost(self, error: LinkError | None) -> None:
        """No more datagrams will come."""
        self._closed = True
        self._inbox.end(error)

    async def receive(self) -> bytes:
        return await self._inbox.take()

    async def send(self, data: bytes) -> None:
        if self._closed or self._transport.is_closing():
            raise LinkLost(f"the way to {self.peer} was closed")
        self._transport.sendto(data, self._address)

    async def close(self) -> None:
        self.lost(None)
        self._closing(self)


class _Connected(asyncio.DatagramProtocol):
    """One socket, one peer."""

    def __init__(self) -> None:
        self.link: UdpLink | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        peer = "udp:" + host_port(transport.get_extra_info("peername"))
        self.link = UdpLink(peer, cast("asyncio.DatagramTransport", transport), None, lambda _: transport.close())

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if self.link is not None:
            self.link.arrive(data)

    def error_received(self, exc: Exception) -> None:
        if self.link is not None:
            self.link.lost(LinkLost(f"{self.link.peer} cannot be reached: {exc}"))

    def connection_lost(self, exc: Exception | None) -> None:
        if self.link is not None:
            self.link.lost(None if exc is None else LinkLost(f"the way to {self.link.peer} broke: {exc}"))


class UdpServer(asyncio.DatagramProtocol):
    """A bound port; make it with `serve_udp`. `port` is the one that was bound."""

    def __init__(self, handler: Callable[[Link], Awaitable[None]], peers_max: int) -> None:
        self.port = 0
        self._handlers = Handlers(handler)
        self._peers_max = peers_max
        self._peers: dict[Any, UdpLink] = {}
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: Any) -> None:
        link = self._peers.get(addr) or self._add(addr)
        link.arrive(data)

    def error_received(self, exc: Exception) -> None:
        LOG.info("UDP port %d heard of an undelivered datagram: %s", self.port, exc)

    async def close(self) -> None:
        """Unbind, cancel the handlers and wait for them; may be called twice."""
        if self._transport is not None:
            self._transport.close()
        await self._handlers.close()

    def _add(self, addr: Any) -> UdpLink:
        while len(self._peers) >= self._peers_max:
            self._peers.pop(next(iter(self._peers))).lost(None)
        assert self._transport is not None
        link = UdpLink("udp:" + host_port(addr), self._transport, addr, partial(self._forget, addr))
        self._peers[addr] = link
        self._handlers.serve(link)
        return link

    def _forget(self, addr: Any, link: UdpLink) -> None:
        if self._peers.get(addr) is link:
            del self._peers[addr]


async def connect_udp(host: str, port: int) -> UdpLink:
    """A link to one UDP peer; raise `ConnectFailed` if its name means nothing. Nobody answers yet."""
    loop = asyncio.get_running_loop()
    try:
        _, protocol = await loop.create_datagram_endpoint(_Connected, remote_addr=(host, port))
    except OSError as error:
        raise ConnectFailed(f"no way to {host}:{port} (UDP): {error.strerror or error}") from error
    assert protocol.link is not None
    return protocol.link


async def serve_udp(
    handler: Callable[[Link], Awaitable[None]], host: str, port: int, *, peers_max: int = PEERS_MAX
) -> UdpServer:
    """Bind `host:port` (0: any free port) and run `handler` once for each source address.

    Beyond `peers_max` sources the oldest link ends. Raises `ConnectFailed` if the port cannot be bound.
    """
    loop = asyncio.get_running_loop()
    try:
        _, server = await loop.create_datagram_endpoint(lambda: UdpServer(handler, peers_max), local_addr=(host, port))
    except OSError as error:
        raise ConnectFailed(f"cannot listen on {host}:{port} (UDP): {error.strerror or error}") from error
    return server
