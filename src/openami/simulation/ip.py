"""The wide area network: hosts with names, ways with delay and loss between them, partitions, half-open connections.

A stream loses nothing and changes no order, as TCP does not: a lost segment is late by the time of its repetition.
Behind a partition everything waits; if it lasts longer than `GIVE_UP_S`, whoever had something to send finds the
connection broken, and the other end notices nothing until it has something to say itself: it is half open.
Datagrams are lost, doubled and overtake one another. Every chance comes from the stream of the way.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from random import Random

import msgspec

from openami.io.links.inbox import Inbox
from openami.io.links.link import Link
from openami.model.errors import ConnectFailed, LinkLost
from openami.simulation.streams import Streams
from openami.simulation.trace import Trace

GIVE_UP_S = 60.0
REPEAT_S = 0.5
Serve = Callable[[Link], Awaitable[None]]


class Way(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What lies between two hosts. Milliseconds and percent."""

    delay_ms: int = 40
    jitter_ms: int = 30
    loss_percent: int = 1
    doubled_percent: int = 0


class End:
    """One end of a connection, a `Link`."""

    def __init__(self, network: Network, own: str, peer: str, chance: Random, *, datagrams: bool) -> None:
        self.peer = f"{peer}"
        self.datagrams = datagrams
        self.other: End | None = None
        self._network = network
        self._own = own
        self._chance = chance
        self._inbox = Inbox(datagrams=datagrams)
        self._closed = False
        self._broken = False
        self._clear_at = 0.0
        self._under_way: deque[bytes] = deque()
        self.gone = False
        """Its host died: nothing leaves it any more, and nobody is there to take what comes."""

    async def receive(self) -> bytes:
        return await self._inbox.take()

    async def send(self, data: bytes) -> None:
        if self._closed or self._broken:
            raise LinkLost(f"the link to {self.peer} is closed")
        self._network.carry(self, data)
        await asyncio.sleep(0)

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._inbox.end()
            if not self._broken:
                self._network.carry(self, b"")

    @property
    def pair(self) -> tuple[str, str]:
        """The two hosts."""
        return self._own, self.peer

    def leave(self, data: bytes) -> Callable[[], None]:
        """What to call when `data` arrives; of a stream always the oldest piece that is under way."""
        other = self.other
        assert other is not None
        if self.datagrams:
            return partial(other.arrive, data)
        self._under_way.append(data)
        return lambda: other.arrive(self._under_way.popleft())

    def arrive(self, data: bytes) -> None:
        """Bytes from the other end; none at its end."""
        if not data:
            self._inbox.end()
        elif not self._closed:
            self._inbox.put(data)

    @property
    def closed(self) -> bool:
        return self._closed or self._broken

    def give_up(self) -> None:
        """Nobody confirmed what was sent."""
        self._broken = True
        self._inbox.end(LinkLost(f"{self.peer} does not answer any more"))

    def delay_s(self, way: Way, now: float) -> float:
        """How long what is sent now is on its way; a stream's bytes never overtake one another."""
        delay_s = (way.delay_ms + self._chance.randint(0, way.jitter_ms)) / 1000
        if self.datagrams:
            return delay_s
        while self._chance.randrange(100) < way.loss_percent:
            delay_s += REPEAT_S
        self._clear_at = max(self._clear_at, now + delay_s)
        return self._clear_at - now

    def copies(self, way: Way) -> int:
        """How many of a datagram arrive."""
        if self._chance.randrange(100) < way.loss_percent:
            return 0
        return 2 if self._chance.randrange(100) < way.doubled_percent else 1


class Network:
    """`dial` as a host gives what head-end and collector take as their network; `listen` serves at a host's port."""

    def __init__(self, loop: asyncio.AbstractEventLoop, streams: Streams, trace: Trace, way: Way | None = None) -> None:
        self._loop = loop
        self._streams = streams
        self._trace = trace
        self._way = way or Way()
        self._ways: dict[frozenset[str], Way] = {}
        self._servers: dict[tuple[str, int], tuple[Serve, bool]] = {}
        self._apart: dict[frozenset[str], float] = {}
        self._held: dict[frozenset[str], list[tuple[End, bytes]]] = {}
        self._tasks: list[tuple[str, asyncio.Task[None]]] = []
        self._ends: dict[str, list[End]] = {}
        self._connections = 0

    def put_way(self, one: str, other: str, way: Way) -> None:
        """Another way than the usual one between two hosts."""
        self._ways[frozenset((one, other))] = way

    def listen(self, host: str, port: int, serve: Serve, *, datagrams: bool = False) -> None:
        """Each connection to `host:port` is served by a task of its own."""
        self._servers[host, port] = serve, datagrams

    def silence(self, host: str, port: int) -> None:
        """Nobody listens there any more."""
        self._servers.pop((host, port), None)

    def dial(self, own: str) -> Callable[[str, int, float], Awaitable[Link]]:
        """How the host `own` reaches others; raises `ConnectFailed`."""

        async def dial(host: str, port: int, timeout_s: float) -> Link:
            return await self._connect(own, host, port, timeout_s)

        return dial

    def part(self, one: str, other: str) -> None:
        """From now on nothing passes between two hosts."""
        self._apart.setdefault(frozenset((one, other)), self._loop.time())
        self._trace.note(self._loop.time(), "parted", one, other)

    def join(self, one: str, other: str) -> None:
        """The way is there again; what waited and was not given up goes on."""
        pair = frozenset((one, other))
        since = self._apart.pop(pair, None)
        self._trace.note(self._loop.time(), "joined", one, other)
        for end, data in self._held.pop(pair, []):
            if since is not None and self._loop.time() - since <= GIVE_UP_S:
                self.carry(end, data)

    def crash(self, host: str) -> None:
        """The host dies: it serves nobody, says no farewell, and whoever has a connection with it finds out late."""
        for end in self._ends.pop(host, []):
            end.gone = True
        for port in [port for name, port in self._servers if name == host]:
            self.silence(host, port)
        for name, task in self._tasks:
            if name == host:
                task.cancel()
        self._trace.note(self._loop.time(), "crashed", host)

    def carry(self, end: End, data: bytes) -> None:
        """Take what one end sends to the other."""
        pair, now = frozenset(end.pair), self._loop.time()
        assert end.other is not None
        if end.gone:
            return
        if end.other.gone:
            if not end.datagrams and data:
                self._loop.call_later(GIVE_UP_S, end.give_up)
            return
        if pair in self._apart:
            if not end.datagrams:
                self._held.setdefault(pair, []).append((end, data))
                self._loop.call_at(max(now, self._apart[pair]) + GIVE_UP_S, self._still_apart, pair, end)
            return
        way = self._ways.get(pair, self._way)
        self._trace.note(now, "ip", *sorted(pair), len(data))
        for _ in range(end.copies(way) if end.datagrams and data else 1):
            self._loop.call_at(now + end.delay_s(way, now), end.leave(data))

    async def close(self) -> None:
        """End all that is being served."""
        for _, task in self._tasks:
            task.cancel()
        await asyncio.gather(*(task for _, task in self._tasks), return_exceptions=True)

    def _still_apart(self, pair: frozenset[str], end: End) -> None:
        if pair in self._apart and self._loop.time() - self._apart[pair] >= GIVE_UP_S:
            self._held[pair] = [held for held in self._held.get(pair, []) if held[0] is not end]
            end.give_up()

    async def _connect(self, own: str, host: str, port: int, timeout_s: float) -> Link:
        pair = frozenset((own, host))
        if pair in self._apart:
            await asyncio.sleep(timeout_s)
            raise ConnectFailed(f"no connection to {host}:{port}: no answer within {timeout_s:g} s")
        way = self._ways.get(pair, self._way)
        await asyncio.sleep(3 * way.delay_ms / 1000)
        if (host, port) not in self._servers:
            raise ConnectFailed(f"no connection to {host}:{port}: refused")
        serve, datagrams = self._servers[host, port]
        self._connections += 1
        chance = self._streams.random(f"ip/{own}/{host}/{self._connections}")
        near = End(self, own, host, chance, datagrams=datagrams)
        far = End(self, host, own, chance, datagrams=datagrams)
        near.other, far.other = far, near
        for name, end in ((own, near), (host, far)):
            self._ends[name] = [*(one for one in self._ends.get(name, ()) if not one.closed), end]
        self._tasks = [(name, task) for name, task in self._tasks if not task.done()]
        self._tasks.append((host, self._loop.create_task(_served(serve, far))))
        return near


async def _served(serve: Serve, link: Link) -> None:
    try:
        await serve(link)
    finally:
        await link.close()
