"""The meter on a TCP port, framed by the wrapper or by HDLC."""

from __future__ import annotations

import ssl
from typing import Protocol

from openami.io.links.link import Link
from openami.io.links.tcp import Server, serve_tcp

CONNECTIONS_MAX = 16


class Serving(Protocol):
    """Who answers on a connection: a `MeterService`, or a `ClonedMeter`."""

    async def serve(self, link: Link) -> None:
        """One conversation; the link is closed when it ends."""


async def serve_meter_tcp(
    service: Serving, host: str = "127.0.0.1", port: int = 0, *, tls: ssl.SSLContext | None = None
) -> Server:
    """Listen; `port` of the result is the one that was bound. Raises `ConnectFailed` if it cannot be bound."""
    return await serve_tcp(service.serve, host, port, tls=tls, connections_max=CONNECTIONS_MAX)
