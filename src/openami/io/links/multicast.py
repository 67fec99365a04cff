"""UDP multicast (IPv4): one datagram to all who have joined a group."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from openami.io.links.udp import UdpLink
from openami.model.errors import ConnectFailed

HOPS = 1
"""How many routers a datagram passes, less one: by default it stays on its own network."""


class MulticastListener(asyncio.DatagramProtocol):
    """A joined group; make it with `join_multicast`. `port` is the one that was bound."""

    def __init__(self, hear: Callable[[bytes], None]) -> None:
        self.port = 0
        self._hear = hear
        self._transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._hear(data)

    async def close(self) -> None:
        """Leave the group; may be called twice."""
        if self._transport is not None:
            self._transport.close()


async def join_multicast(hear: Callable[[bytes], None], group: str, port: int, *, interface: str) -> MulticastListener:
    """Let `hear` have each datagram to `group:port`; `interface` is the address of the one to listen on.

    Several listeners of one machine may join the same group and port. Raises `ConnectFailed`.
    """
    listening = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setblocking(False)
        listening.bind((group, port))
        joined = socket.inet_aton(group) + socket.inet_aton(interface)
        listening.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, joined)
    except OSError as error:
        listening.close()
        raise ConnectFailed(f"cannot join {group}:{port} on {interface} (UDP): {error.strerror or error}") from error
    loop = asyncio.get_running_loop()
    _, listener = await loop.create_datagram_endpoint(lambda: MulticastListener(hear), sock=listening)
    return listener


async def open_multicast(group: str, port: int, *, interface: str, hops: int = HOPS) -> UdpLink:
    """A link whose datagrams go to all who have joined `group:port`; nothing comes back. Raises `ConnectFailed`."""
    sending = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sending.setblocking(False)
        sending.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, hops)
        sending.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(interface))
        sending.connect((group, port))
    except OSError as error:
        sending.close()
        raise ConnectFailed(f"no way to {group}:{port} on {interface} (UDP): {error.strerror or error}") from error
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, sock=sending)
    return UdpLink(f"udp:{group}:{port}", transport, None, lambda _: transport.close())
