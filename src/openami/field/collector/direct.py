"""Meters on TCP as a neighbourhood: a list of those to reach, and a port where they push. No radio is needed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from openami.io.links.link import Link
from openami.io.links.neighbourhood import Heard, MeterSeen, NeighbourhoodEvent
from openami.io.links.push_ports import listen_datagrams, take_stream
from openami.io.links.tcp import Server, connect_tcp, serve_tcp
from openami.model.errors import ConnectFailed, LinkError

Dial = Callable[[str, int], Awaitable[Link]]
_WAITING_MAX = 1024


async def _dial(host: str, port: int) -> Link:
    return await connect_tcp(host, port)


class DirectMeters:
    """`meters` maps the address that the head-end knows to host and port.

    What a listed meter pushes is heard under its address, told by the host it comes from if that is listed once;
    what comes from elsewhere is heard under the sender's own address.
    """

    def __init__(self, meters: Mapping[str, tuple[str, int]], *, dial: Dial = _dial) -> None:
        self.refused = 0
        self._meters = dict(meters)
        self._dial = dial
        self._events: asyncio.Queue[NeighbourhoodEvent] = asyncio.Queue(_WAITING_MAX + len(self._meters))
        self._names = _by_host(self._meters)
        self._server: Server | None = None
        self._datagrams: asyncio.DatagramTransport | None = None
        for address in self._meters:
            self._events.put_nowait(MeterSeen(address))

    @property
    def push_port(self) -> int:
        """Where meters push to, TCP and UDP; valid after `listen`."""
        assert self._server is not None
        return self._server.port

    async def listen(
        self, host: str, port: int, *, bytes_max: int = 65_536, silence_s: float = 5.0, connections_max: int = 4_096
    ) -> None:
        """Take pushes on `host:port`; raises `ConnectFailed` if it cannot be bound."""

        async def take(link: Link) -> None:
            await take_stream(link, self, bytes_max=bytes_max, silence_s=silence_s)

        self._server = await serve_tcp(take, host, port, connections_max=connections_max)
        self._datagrams = await listen_datagrams(self, host, self._server.port, connections_max)

    async def take(self, transport: str, source: str, content: bytes) -> None:
        """What a sender pushed; waits while the collector has much to do. `source` is `transport:host:port`."""
        host = source.removeprefix(f"{transport}:").rpartition(":")[0].strip("[]")
        await self._events.put(Heard(self._names.get(host, host), content))

    async def next_event(self) -> NeighbourhoodEvent:
        return await self._events.get()

    async def open(self, address: str) -> Link:
        if address not in self._meters:
            raise ConnectFailed(f"no meter {address!r} is listed here")
        return await self._dial(*self._meters[address])

    async def trigger(self, address: str) -> None:
        """A meter on TCP pushes by its own schedule: it cannot be asked."""
        raise LinkError(f"meter {address} pushes by its own schedule; read it over a circuit instead")

    async def close(self) -> None:
        """Take no more pushes."""
        if self._server is not None:
            await self._server.close()
        if self._datagrams is not None:
            self._datagrams.close()


def _by_host(meters: Mapping[str, tuple[str, int]]) -> dict[str, str]:
    """Addresses by host, for hosts that stand for one meter."""
    hosts = [host for host, _ in meters.values()]
    return {host: address for address, (host, _) in meters.items() if hosts.count(host) == 1}
