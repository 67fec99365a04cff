"""A simulated meter where its caller wants it: on a TCP or UDP port, or on a pseudo terminal."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, Protocol

from openami.app.settings import address
from openami.cli.session import FramingName
from openami.field.meter.faces import serial_line, tcp
from openami.io.links.udp import serve_udp
from openami.model.errors import SettingError

UDP: Final = "udp://"


class Service(tcp.Serving, serial_line.Serving, Protocol):
    """Who answers, on connections as on a line."""


@asynccontextmanager
async def served(service: Service, listen: str | None, *, optical: bool = False) -> AsyncIterator[str]:
    """The link by which `service` is reached: `listen` is host:port (0 takes a free one), of UDP if `udp://` stands
    before it; `None` opens a pty, on which HDLC may begin by a sign-on in mode E if `optical`.
    """
    if listen is None:
        face = await serial_line.serve_meter_pty(service, optical=optical)
        close, link = face.close, f"serial://{face.path}"
    elif listen.startswith(UDP):
        host, port = address(listen.removeprefix(UDP), "--listen")
        datagrams = await serve_udp(service.serve, host, port)
        close, link = datagrams.close, f"{UDP}{host}:{datagrams.port}"
    else:
        host, port = address(listen, "--listen")
        server = await tcp.serve_meter_tcp(service, host, port)
        close, link = server.close, f"tcp://{host}:{server.port}"
    try:
        yield link
    finally:
        await close()


def framing_of(listen: str | None, asked: FramingName) -> FramingName:
    """How APDUs are framed there: HDLC on a pty, the wrapper in datagrams, else as was asked for."""
    if listen is None:
        return FramingName.HDLC
    if listen.startswith(UDP) and asked is FramingName.HDLC:
        raise SettingError(f"--framing hdlc with --listen {listen}: datagrams carry the wrapper; leave --framing out")
    return asked
