"""Uploading over one connection: alarms first, each item until the head-end says that it has it."""

from __future__ import annotations

import asyncio
from collections import deque

from openami.field.collector.lanes import Lanes
from openami.field.collector.settings import CollectorSettings
from openami.io.links.channels import Channels
from openami.io.spool.spool import SpooledItem
from openami.protocols.zones.collector_message import Lane, SpoolPosition, Taken, Upload, UploadItem


class Uploading:
    """What is under way fits into the head-end's window; bulk uses half of it, so that an alarm finds room."""

    def __init__(self, lanes: Lanes, channels: Channels, window_bytes: int, settings: CollectorSettings) -> None:
        self._lanes = lanes
        self._channels = channels
        self._settings = settings
        self._limits = {Lane.ALARM: window_bytes, Lane.BULK: window_bytes // 2}
        self._sent = dict.fromkeys(Lane, 0)
        self._under_way: dict[Lane, deque[tuple[int, int]]] = {lane: deque() for lane in Lane}
        self._bytes = 0
        self._acknowledged = asyncio.Event()

    async def go_on(self, taken: list[SpoolPosition]) -> None:
        """Begin behind what the head-end has."""
        for position in taken:
            await self.taken(Taken(position.spool, position.through))

    async def taken(self, taken: Taken) -> None:
        """The head-end has everything up to a number: forget it."""
        for lane in Lane:
            spool = self._lanes.lane(lane)
            if spool.spool.identity == taken.spool:
                await spool.release(taken.through)
                self._sent[lane] = max(self._sent[lane], taken.through)
                self._settle(self._under_way[lane], taken.through)
        self._acknowledged.set()

    async def run(self) -> None:
        """Upload until cancelled."""
        while True:
            self._lanes.came.clear()
            self._acknowledged.clear()
            while await self._upload_some():
                pass
            waits = [
                asyncio.get_running_loop().create_task(event.wait()) for event in (self._lanes.came, self._acknowledged)
            ]
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()
                await asyncio.gather(*waits, return_exceptions=True)

    async def _upload_some(self) -> bool:
        """Send the next items of the first lane that has any and room; whether there were some."""
        for lane in (Lane.ALARM, Lane.BULK):
            room = min(self._limits[lane] - self._bytes, self._settings.upload_bytes)
            if room < self._settings.upload_bytes and self._bytes:
                continue
            spool = self._lanes.lane(lane)
            items = await spool.read(self._sent[lane], self._settings.upload_items, max(room, 1))
            if items:
                await self._send(lane, spool.spool.identity, items)
                return True
        return False

    async def _send(self, lane: Lane, spool: str, items: list[SpooledItem]) -> None:
        size = sum(len(item.content) for item in items)
        last = items[-1].number
        self._bytes += size
        self._sent[lane] = last
        self._under_way[lane].append((last, size))
        await self._channels.send(Upload(spool, [UploadItem(item.number, item.content) for item in items]))

    def _settle(self, under_way: deque[tuple[int, int]], through: int) -> None:
        while under_way and under_way[0][0] <= through:
            self._bytes -= under_way.popleft()[1]
