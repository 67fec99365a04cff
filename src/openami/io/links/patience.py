"""A link that gives up a peer who does not take what is sent."""

from __future__ import annotations

import asyncio

from openami.io.links.link import Link
from openami.model.errors import LinkLost


class PatientLink:
    """`link`, but a send that waits longer than `send_timeout_s` ends it: a stuck peer holds nobody up."""

    def __init__(self, link: Link, send_timeout_s: float) -> None:
        self.peer = link.peer
        self.datagrams = link.datagrams
        self._link = link
        self._send_timeout_s = send_timeout_s

    async def receive(self) -> bytes:
        return await self._link.receive()

    async def send(self, data: bytes) -> None:
        try:
            async with asyncio.timeout(self._send_timeout_s):
                await self._link.send(data)
        except TimeoutError:
            await self._link.close()
            raise LinkLost(f"{self.peer} took nothing for {self._send_timeout_s:g} s") from None

    async def close(self) -> None:
        await self._link.close()
