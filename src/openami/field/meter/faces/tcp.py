"""The meter on a TCP port, framed by the wrapper or by HDLC."""

from __future__ import annotations

import ssl

from openami.field.meter.faces.service import MeterService
from openami.io.links.tcp import Server, serve_tcp

CONNECTIONS_MAX = 16


async def serve_meter_tcp(
    service: MeterService, host: str = "127.0.0.1", port: int = 0, *, tls: ssl.SSLContext | None = None
) -> Server:
    """Listen; `port` of the result is the one that was bound. Raises `ConnectFailed` if it cannot be bound."""
    return await serve_tcp(service.serve, host, port, tls=tls, connections_max=CONNECTIONS_MAX)
