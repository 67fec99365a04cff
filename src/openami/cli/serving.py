"""A simulated meter where its caller wants it: on a TCP port, or on a pseudo terminal."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from openami.app.settings import address
from openami.field.meter.faces import serial_line, tcp


class Service(tcp.Serving, serial_line.Serving, Protocol):
    """Who answers, on connections as on a line."""


@asynccontextmanager
async def served(service: Service, listen: str | None, *, optical: bool = False) -> AsyncIterator[str]:
    """The link by which `service` is reached: `listen` is host:port (0 takes a free one); `None` opens a pty, on
    which HDLC may begin by a sign-on in mode E if `optical`.
    """
    if listen is None:
        face = await serial_line.serve_meter_pty(service, optical=optical)
        close, link = face.close, f"serial://{face.path}"
    else:
        host, port = address(listen, "--listen")
        server = await tcp.serve_meter_tcp(service, host, port)
        close, link = server.close, f"tcp://{host}:{server.port}"
    try:
        yield link
    finally:
        await close()
