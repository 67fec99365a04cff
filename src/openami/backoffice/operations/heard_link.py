"""What came over a link, word by word."""

from __future__ import annotations

from openami.io.links.link import Link


class HeardLink:
    """A link that keeps what it received, as evidence."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self.peer, self.datagrams = link.peer, link.datagrams
        self.heard: list[bytes] = []

    async def receive(self) -> bytes:
        data = await self._link.receive()
        if data:
            self.heard.append(data)
        return data

    async def send(self, data: bytes) -> None:
        await self._link.send(data)

    async def close(self) -> None:
        await self._link.close()
