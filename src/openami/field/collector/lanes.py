"""What meters said, kept until the head-end has it: two spools, alarms and bulk.

When a spool is full its oldest items are given up first: what is oldest the meters still hold in their profiles, and
the back office asks them for what it misses. What was given up is counted, and shows as a hole in the numbers.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from openami.field.collector.settings import CollectorSettings
from openami.io.blocking import Blocking
from openami.io.clock import Clock
from openami.io.links.neighbourhood import Heard
from openami.io.spool.spool import Spool, SpooledItem, SpoolFull
from openami.io.spool.writer import SpoolWriter
from openami.protocols.zones.collector_message import Collected, Lane, encode_collector_message

LOG = logging.getLogger(__name__)
_HOUR_S = 3600.0
_GIVE_UP_AT_ONCE = 256


class LaneSpool:
    """One lane: a spool that makes room by giving up its oldest items."""

    def __init__(self, spool: Spool, blocking: Blocking, waiting_bytes_max: int) -> None:
        self.spool = spool
        self.given_up = 0
        self._blocking = blocking
        self.writer = SpoolWriter(self._append, blocking, waiting_bytes_max)

    async def read(self, after: int, limit: int, limit_bytes: int) -> list[SpooledItem]:
        """The oldest items above `after`."""
        return await self._blocking(self.spool.read, after, limit, limit_bytes)

    async def release(self, through: int) -> None:
        """The head-end has everything up to `through`."""
        await self._blocking(self.spool.release, through)

    def _append(self, items: Sequence[bytes]) -> None:
        while True:
            try:
                self.spool.append_many(items)
                return
            except SpoolFull:
                if not self._give_up():
                    break
        if len(items) == 1:
            raise SpoolFull(f"an item of {len(items[0])} bytes does not fit the whole spool")
        self._append(items[: len(items) // 2])
        self._append(items[len(items) // 2 :])

    def _give_up(self) -> bool:
        """Release the oldest items; whether there were any."""
        oldest = self.spool.read(0, _GIVE_UP_AT_ONCE)
        if not oldest:
            return False
        before = self.spool.waiting
        self.spool.release(oldest[-1].number)
        self.given_up += before - self.spool.waiting
        return True


class Lanes:
    """Takes what is heard, and returns when it is on the disk."""

    def __init__(
        self, alarms: Spool, bulk: Spool, clock: Clock, blocking: Blocking, settings: CollectorSettings
    ) -> None:
        self._clock = clock
        self._settings = settings
        self._lanes = {
            Lane.ALARM: LaneSpool(alarms, blocking, settings.waiting_bytes_max),
            Lane.BULK: LaneSpool(bulk, blocking, settings.waiting_bytes_max),
        }
        self._alarms: dict[str, int] = {}
        self._hour = 0
        self.came = asyncio.Event()
        """Set whenever something has come to the disk."""
        self.heard = 0
        self.refused = 0

    def lane(self, lane: Lane) -> LaneSpool:
        """One of the two."""
        return self._lanes[lane]

    @property
    def given_up(self) -> int:
        """How many items were given up for want of room."""
        return sum(lane.given_up for lane in self._lanes.values())

    async def take(self, heard: Heard) -> None:
        """Queue for the disk, at the speed of the disk; what is refused is counted and logged."""
        item = encode_collector_message(Collected(self._clock.time(), heard.address, heard.payload))
        writer = self._lanes[self._lane_of(heard.address, heard.payload)].writer
        while True:
            try:
                writer.begin(item).add_done_callback(lambda done: self._settled(heard, done))
                return
            except SpoolFull:  # too much waits for the disk: the neighbourhood waits as well
                if not writer.busy:
                    self.refused += 1
                    heard.settled(False)
                    return
                await writer.settled()

    def _settled(self, heard: Heard, done: asyncio.Future[None]) -> None:
        durable = not done.cancelled() and done.exception() is None
        if durable:
            self.heard += 1
        else:
            self.refused += 1
            LOG.error("an item was not taken: %s", "it was cancelled" if done.cancelled() else done.exception())
        heard.settled(durable)
        self.came.set()

    async def close(self) -> None:
        """Wait until all that was taken is on the disk."""
        for lane in self._lanes.values():
            await lane.writer.close()

    def _lane_of(self, address: str, content: bytes) -> Lane:
        """By size, since what is inside is sealed; a meter that floods keeps no other's alarm waiting."""
        if len(content) > self._settings.alarm_bytes:
            return Lane.BULK
        hour = int(self._clock.monotonic() // _HOUR_S)
        if hour != self._hour or len(self._alarms) > self._settings.meters_max:
            self._hour = hour
            self._alarms.clear()
        count = self._alarms[address] = self._alarms.get(address, 0) + 1
        return Lane.ALARM if count <= self._settings.alarms_per_hour else Lane.BULK
