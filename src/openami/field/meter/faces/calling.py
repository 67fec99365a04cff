"""A meter that calls in when it is woken: it connects, and then waits for the client on that connection."""

from __future__ import annotations

import asyncio
import logging

from openami.field.meter.faces.tcp import Serving
from openami.io.links.tcp import connect_tcp
from openami.model.errors import LinkError, SettingError

LOG = logging.getLogger(__name__)


class CallingMeter:
    """`woken` is what a wake-up port calls; one call at a time is made, to `destination` (`host:port`) alone."""

    def __init__(self, service: Serving, destination: str) -> None:
        host, _, port = destination.rpartition(":")
        if not host or not port.isdigit():
            raise SettingError(f"where the meter calls in is {destination!r}; it must be host:port")
        self._service = service
        self._host = host.strip("[]")
        self._port = int(port)
        self._call: asyncio.Task[None] | None = None

    def woken(self) -> None:
        """Call in, unless a call is being made already."""
        if self._call is None or self._call.done():
            self._call = asyncio.get_running_loop().create_task(self._call_in())

    async def close(self) -> None:
        """End the call."""
        if self._call is not None:
            self._call.cancel()
            await asyncio.gather(self._call, return_exceptions=True)

    async def _call_in(self) -> None:
        try:
            link = await connect_tcp(self._host, self._port)
        except LinkError as error:
            LOG.info("the meter was woken and cannot call in: %s", error)
            return
        await self._service.serve(link)
