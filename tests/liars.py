"""Whoever has root on a head-end or a collector, and lies: what he does to the circuits and pushes that he carries."""

from __future__ import annotations

import asyncio
from random import Random

from msgspec.structs import replace

from collector_rig import Site, Zone, meters_of, until
from openami.field.collector.lanes import Lanes
from openami.field.meter.faces.memory import MemoryFace
from openami.io.links.neighbourhood import Heard
from openami.io.spool import FileSpool
from openami.io.spool.spool import SpooledItem
from openami.protocols.zones.message import decode_push, encode_push
from operations_rig import Rig

LIES = ("drops", "duplicates", "reorders", "replays", "flips", "invents", "delays", "answers for others")
SHARE = 0.2
LATE_S = 90.0


class Liar:
    """Lies about every fifth unit that passes, in one way. `told` are the lies; `lost` what he kept for ever."""

    def __init__(self, lie: str, seed: int = 1) -> None:
        self.lie = lie
        self.told = self.lost = 0
        self._draw = Random(f"{lie} {seed}")
        self._heard: list[bytes] = []
        self._kept: list[bytes] = []

    def pass_on(self, unit: bytes) -> list[bytes]:
        """What arrives instead of `unit`."""
        out = self._lied(unit) if self._draw.random() < SHARE else [unit]
        self._heard.append(unit)
        if self._kept and out == [unit]:
            out, self._kept = [unit, *self._kept], []
        return out

    def _lied(self, unit: bytes) -> list[bytes]:
        self.told += 1
        if self.lie == "reorders":
            self._kept.append(unit)
        self.lost += self.lie == "drops"
        instead = {
            "drops": list,
            "duplicates": lambda: [unit, unit],
            "reorders": list,
            "replays": lambda: [self._draw.choice(self._heard or [unit]), unit],
            "flips": lambda: [self._flipped(unit)],
            "invents": lambda: [self._invented(unit), unit],
        }
        return instead.get(self.lie, lambda: [unit])()

    def late(self) -> bool:
        """Whether to keep somebody waiting now."""
        return self.lie == "delays" and self._says()

    def another(self, number: int, count: int) -> int:
        """Whose answer is given in place of that of `number`, of `count`."""
        return self._draw.randrange(count) if self.lie == "answers for others" and self._says() else number

    def _says(self) -> bool:
        lies = self._draw.random() < SHARE
        self.told += lies
        return lies

    def _flipped(self, unit: bytes) -> bytes:
        changed = bytearray(unit)
        changed[self._draw.randrange(len(unit))] ^= 1 << self._draw.randrange(8)
        return bytes(changed)

    def _invented(self, unit: bytes) -> bytes:
        """The same head, so that it is looked at, and a body of his own."""
        return unit[:20] + self._draw.randbytes(max(0, len(unit) - 20))


class LyingLink:
    """The DMZ's end of a circuit."""

    def __init__(self, link, liar: Liar, sleep) -> None:
        self._link, self._liar, self._sleep = link, liar, sleep
        self._waiting: list[bytes] = []
        self.peer, self.datagrams = link.peer, link.datagrams

    async def receive(self) -> bytes:
        while not self._waiting:
            unit = await self._link.receive()
            if not unit:
                return b""
            if self._liar.late():
                await self._sleep(LATE_S)
            self._waiting = self._liar.pass_on(unit)
        return self._waiting.pop(0)

    async def send(self, data: bytes) -> None:
        if self._liar.late():
            await self._sleep(LATE_S)
        for unit in self._liar.pass_on(data):
            await self._link.send(unit)

    async def close(self) -> None:
        await self._link.close()


class LyingSpool(FileSpool):
    """A head-end's spool as it tells it: each item is told once, as a lie or not, under numbers of its own."""

    liar: Liar
    titles: list[bytes]

    def read(self, after: int, limit: int, limit_bytes: int = 1 << 20) -> list[SpooledItem]:
        real, told = self.__dict__.setdefault("_real", 0), self.__dict__.setdefault("_told", [])
        for item in super().read(real, limit, limit_bytes):
            self._real = item.number
            told += lied_pushes(self.liar, item.content, self.titles)
        return [SpooledItem(number, raw) for number, raw in enumerate(told, 1) if number > after][:limit]

    def release(self, through: int) -> None:
        """He keeps what he likes."""

    @property
    def waiting(self) -> int:
        return len(super().read(self.__dict__.get("_real", 0), 1))


def lied_pushes(liar: Liar, raw: bytes, titles: list[bytes]) -> list[bytes]:
    """What is told of one push of a spool."""
    push = decode_push(raw)
    content, own = push.content, [title for title in titles if title in push.content]
    if own and (other := titles[liar.another(titles.index(own[0]), len(titles))]) != own[0]:
        content = content.replace(own[0], other)
    return [encode_push(replace(push, content=unit)) for unit in liar.pass_on(content)]


class LyingFace(MemoryFace):
    """The meters' links as the DMZ lets others reach them."""

    liar: Liar
    made: list[LyingFace]

    def __init__(self, service) -> None:
        super().__init__(service)
        self.made.append(self)

    def connect(self, **how):
        other = self.made[self.liar.another(self.made.index(self), len(self.made))]
        return LyingLink(MemoryFace.connect(other, **how), self.liar, asyncio.sleep)


class BehindCollector(Rig):
    """The rig of operations, with a collector between the meters and the head-end."""

    def __init__(self, *arguments, **named) -> None:
        super().__init__(*arguments, **named)
        self.zone = None
        for number, identity in enumerate(self.ids):
            self.registry.change_link(identity, f"collector://c1/m{number}")

    async def reach(self):
        await self._begin()
        return await super().reach()

    async def push(self, content):
        """Meters push to the collector; done when it landed in the head-end's spool, or a minute later."""
        await self._begin()
        before = self.spool.waiting
        await self.site.neighbourhood.take("tcp", "tcp:10.0.0.1:1", content)
        for _ in range(120):
            if self.spool.waiting > before:
                return
            await asyncio.sleep(0.5)

    async def _begin(self):
        if self.zone is None:
            self.zone = Zone(clock=self.clock)
            self.headend, self.spool = self.zone.headend, self.zone.spool
            self.site = Site("c1", self.zone, meters_of(self.field)).start()
            await until(lambda: self.site.collector.uplink.connected)


def lying_take(liar: Liar, titles: list[bytes]):
    """In place of a collector's `Lanes.take`."""
    take = Lanes.take

    async def lied(self, heard):
        content = heard.payload
        if liar.late():
            await asyncio.sleep(LATE_S)
        own = [title for title in titles if title in content]
        if own:
            content = content.replace(own[0], titles[liar.another(titles.index(own[0]), len(titles))])
        for unit in liar.pass_on(content):
            await take(self, Heard(heard.address, unit, heard.settled))

    return lied
