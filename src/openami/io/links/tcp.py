"""TCP and TLS links, cheap enough for ten thousand in one process: an asyncio protocol each, no task of ours."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from asyncio import sslproto
from collections.abc import Awaitable, Callable
from typing import Any

from openami.io.links.handlers import Handlers
from openami.io.links.link import Link
from openami.io.links.stream import StreamLink
from openami.model.errors import ConnectFailed

LOG = logging.getLogger(__name__)
CONNECTIONS_MAX = 50_000
CONNECT_TIMEOUT_S = 10.0
BACKLOG = 4096
TLS_BUFFER_BYTES = 1 << 15
"""What a TLS connection holds to receive into: two whole records. asyncio's own choice, 256 KiB for each connection,
is for a few fast peers, not for thousands that say a little now and then; it can be set for the process only."""
sslproto.SSLProtocol.max_size = TLS_BUFFER_BYTES


class TcpLink(StreamLink):
    """A TCP or TLS connection as a `Link`. `peer` is `tcp:host:port` or `tls:host:port` of the other side.

    `peer_certificate` is what the peer proved over TLS, as `ssl` gives it; None without TLS.
    """

    __slots__ = ("_made", "peer_certificate")

    def __init__(self, made: Callable[[TcpLink], None] | None = None) -> None:
        super().__init__()
        self.peer_certificate: dict[str, Any] | None = None
        self._made = made

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        tls = transport.get_extra_info("ssl_object")
        self.peer = ("tls:" if tls else "tcp:") + host_port(transport.get_extra_info("peername"))
        self.peer_certificate = tls.getpeercert() if tls else None
        if not tls:
            _tune(transport.get_extra_info("socket"))
        if self._made:
            self._made(self)

    def eof_received(self) -> bool | None:
        super().eof_received()
        return self.peer.startswith("tcp:")  # what the peer asked for before its end can still be answered


async def connect_tcp(
    host: str,
    port: int,
    *,
    timeout_s: float = CONNECT_TIMEOUT_S,
    tls: ssl.SSLContext | None = None,
    server_name: str | None = None,
) -> TcpLink:
    """Connect, over TLS when a context is given; raise `ConnectFailed` with the cause, `timeout_s` at the latest."""
    name = (server_name or host) if tls else None
    try:
        async with asyncio.timeout(timeout_s):
            loop = asyncio.get_running_loop()
            _, link = await loop.create_connection(TcpLink, host, port, ssl=tls, server_hostname=name)
            return link
    except TimeoutError as error:
        raise ConnectFailed(f"no connection to {host}:{port} within {timeout_s:g} s") from error
    except ssl.SSLCertVerificationError as error:
        raise ConnectFailed(f"the certificate of {host}:{port} was refused: {error.verify_message}") from error
    except (OSError, ssl.SSLError) as error:
        raise ConnectFailed(f"no connection to {host}:{port}: {error.strerror or error}") from error


class Server:
    """A listening port. `port` is the one that was bound, also when 0 was asked for."""

    def __init__(self, handler: Callable[[Link], Awaitable[None]], connections_max: int) -> None:
        self.port = 0
        self._handlers = Handlers(handler)
        self._connections_max = connections_max
        self._server: asyncio.Server | None = None

    @property
    def connections(self) -> int:
        """How many connections are being served."""
        return len(self._handlers)

    async def listen(self, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        """Bind and accept."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: TcpLink(self._accept), host, port, ssl=tls, backlog=BACKLOG, reuse_address=True
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening, cancel the handlers and wait for them; may be called twice."""
        if self._server is not None:
            self._server.close()
        await self._handlers.close()

    def _accept(self, link: TcpLink) -> None:
        if len(self._handlers) >= self._connections_max:
            LOG.warning("%s refused: %d connections are open", link.peer, len(self._handlers))
            self._handlers.keep(link.close())
        else:
            self._handlers.serve(link)


async def serve_tcp(
    handler: Callable[[Link], Awaitable[None]],
    host: str,
    port: int,
    *,
    tls: ssl.SSLContext | None = None,
    connections_max: int = CONNECTIONS_MAX,
) -> Server:
    """Listen on `host:port` (0: any free port) and run `handler` as one task for each connection.

    The link is closed when the handler ends. Raises `ConnectFailed` if the port cannot be bound.
    """
    server = Server(handler, connections_max)
    try:
        await server.listen(host, port, tls)
    except OSError as error:
        raise ConnectFailed(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
    return server


def host_port(name: Any) -> str:
    """A socket's name as `host:port`, IPv6 in brackets."""
    if not isinstance(name, tuple):
        return "unknown"
    host = f"[{name[0]}]" if ":" in name[0] else name[0]
    return f"{host}:{name[1]}"


def _tune(connection: Any) -> None:
    try:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    except (AttributeError, OSError):  # a peer that has gone already; the loop will say so
        return
