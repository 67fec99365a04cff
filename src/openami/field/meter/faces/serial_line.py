"""The meter on a serial line: a real port, or a pty that another program opens as one. Framed by HDLC."""

from __future__ import annotations

import asyncio
from typing import Protocol

from openami.io.links.link import Link
from openami.io.links.optical_port import OpticalPort
from openami.io.links.pty import open_pty
from openami.io.links.serial import SerialSettings, open_serial


class Serving(Protocol):
    """Who answers on a line: a `MeterService`, or a `ClonedMeter`."""

    async def serve_line(self, link: Link) -> None:
        """Conversations come and go until the line ends."""


class SerialFace:
    """A meter that is being served on a line. `path` is what a program on the other side opens."""

    def __init__(self, service: Serving, link: Link, path: str) -> None:
        self.path = path
        self._task = asyncio.get_running_loop().create_task(service.serve_line(link))

    async def close(self) -> None:
        """Stop serving and close the line."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


async def serve_meter_pty(service: Serving, *, optical: bool = False) -> SerialFace:
    """Serve on a new pty; programs may come and go. With `optical` they may sign on in mode E before HDLC."""
    link, path = await open_pty()
    return SerialFace(service, OpticalPort(link) if optical else link, path)


async def serve_meter_serial(
    service: Serving, path: str, settings: SerialSettings | None = None, *, optical: bool = False
) -> SerialFace:
    """Serve on the serial port `path`, behind an optical head in mode E if `optical`; raises `ConnectFailed` if it
    cannot be opened.
    """
    link = await open_serial(path, settings)
    return SerialFace(service, OpticalPort(link) if optical else link, path)
