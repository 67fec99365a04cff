"""One connection of one collector: its uploads, its meters, the circuits through it."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

from openami.headend.push_intake import PushIntake
from openami.headend.upload_positions import UploadPositions
from openami.io.clock import Clock
from openami.io.links.channels import Channels
from openami.io.links.link import Link
from openami.io.links.patience import PatientLink
from openami.model.errors import DecodeError, LimitExceeded
from openami.protocols.zones.collector_connection import CollectorConnection, CollectorRole
from openami.protocols.zones.collector_message import (
    CollectorStatus,
    Hello,
    MetersKnown,
    RoutesKnown,
    SpoolPosition,
    Taken,
    Trigger,
    Upload,
    Welcome,
    decode_collected,
)
from openami.protocols.zones.message import CollectorView, Origin, StationView

METERS_MAX = 20_000
_SOURCE_MAX = 255


class CollectorName(NamedTuple):
    """Who a collector is, as its certificate says. Those of one neighbourhood stand in for one another."""

    name: str
    neighbourhood: str
    serial: int = 0


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one collector may take of the head-end."""

    window_bytes: int = 1 << 18
    bytes_per_s: float = 4 << 20
    circuits_max: int = 64
    send_timeout_s: float = 60.0


class CollectorSession:
    """Uploads are taken in a task of their own, so that a slow disk or the throttle holds up no circuit."""

    def __init__(
        self,
        who: CollectorName,
        link: Link,
        clock: Clock,
        intake: PushIntake,
        positions: UploadPositions,
        allowance: Allowance,
    ) -> None:
        self.who = who
        self.meters: dict[str, bytes | None] = {}
        self.routes: list[StationView] = []
        self.connected_at = clock.time()
        self._link = link
        self._clock = clock
        self._intake = intake
        self._positions = positions
        self._allowance = allowance
        core = CollectorConnection(CollectorRole.HEADEND, clock.monotonic())
        self.channels = Channels(core, PatientLink(link, allowance.send_timeout_s), clock)
        self._tasks: list[asyncio.Task[None]] = []
        self._expected: dict[str, int] = {}
        self._waiting: deque[Upload] = deque()
        self._waiting_bytes = 0
        self._came = asyncio.Event()
        self._told: dict[str, float] = {}
        self._items = self._missing = 0

    async def greeting(self) -> Hello:
        """The first message."""
        hello = await self.channels.next_event()
        assert isinstance(hello, Hello)  # the core lets nothing else pass
        return hello

    async def run(self, hello: Hello) -> None:
        """Serve until the connection ends; raises `LinkError`, `DecodeError` or `StoreError`."""
        for lane in hello.spools:
            self._expected[lane.spool] = self._positions.through(self.who.name, lane.spool)
        taken = [SpoolPosition(spool, through) for spool, through in self._expected.items()]
        await self.channels.send(Welcome(self._clock.time(), taken, self._allowance.window_bytes))
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._take_uploads()), loop.create_task(self._listen())]
        try:
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ended = await self._stop()
        for error in ended:
            if isinstance(error, Exception):
                raise error

    async def settled(self) -> None:
        """End the connection; returns when nothing of it is on its way to the disk any more, nor ever will be."""
        await self.channels.close()
        await self._stop()
        await self._intake.settled()

    async def trigger(self, address: str) -> None:
        """Let the collector ask a meter to push."""
        await self.channels.send(Trigger(address))

    def view(self) -> CollectorView:
        """What is known of the collector."""
        return CollectorView(
            self.who.name,
            self.who.neighbourhood,
            self.connected_at,
            len(self.channels),
            self._items,
            self._missing,
            len(self.meters),
            self._told,
        )

    async def _stop(self) -> list[BaseException | None]:
        for task in self._tasks:
            task.cancel()
        return await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _listen(self) -> None:
        while True:
            match await self.channels.next_event():
                case Upload() as upload:
                    self._queue(upload)
                case MetersKnown() as known:
                    self._know(known)
                case RoutesKnown(stations=stations):
                    self.routes = stations
                case CollectorStatus() as status:
                    self._told = {name: float(getattr(status, name)) for name in status.__struct_fields__}

    def _queue(self, upload: Upload) -> None:
        if upload.spool not in self._expected:
            raise DecodeError("an upload of a spool that the greeting did not name", 0, ("Upload", "spool"))
        self._waiting_bytes += _size(upload)
        if self._waiting_bytes > self._allowance.window_bytes and self._waiting:
            raise LimitExceeded(f"{self._waiting_bytes} bytes under way, {self._allowance.window_bytes} allowed", 0)
        self._waiting.append(upload)
        self._came.set()

    async def _take_uploads(self) -> None:
        while True:
            while not self._waiting:
                self._came.clear()
                await self._came.wait()
            upload = self._waiting[0]
            await self._take(upload)
            self._waiting.popleft()
            self._waiting_bytes -= _size(upload)
            await self._clock.sleep(_size(upload) / self._allowance.bytes_per_s)
            await self.channels.send(Taken(upload.spool, self._expected[upload.spool]))

    async def _take(self, upload: Upload) -> None:
        """What is new goes to the disk; what was taken before is passed over."""
        after = self._expected[upload.spool]
        carried = []
        for number, content in ((item.number, item.content) for item in upload.items):
            if number <= after:
                continue
            item = decode_collected(content)
            source = f"collector://{self.who.name}/{item.address}"[:_SOURCE_MAX]
            self._missing += number - after - 1
            carried.append((source, Origin(self.who.name, upload.spool, number, item.heard_at), item.content))
            after = number
        if carried:
            await self._intake.take_carried(carried)
            self._items += len(carried)
            self._expected[upload.spool] = after

    def _know(self, known: MetersKnown) -> None:
        for address in known.gone:
            self.meters.pop(address, None)
        for meter in known.seen:
            self.meters.pop(meter.address, None)
            self.meters[meter.address] = meter.system_title
        while len(self.meters) > METERS_MAX:
            del self.meters[next(iter(self.meters))]


def _size(upload: Upload) -> int:
    return sum(len(item.content) for item in upload.items)
