"""A mesh station on a real radio; the root is a neighbourhood for a collector."""

from __future__ import annotations

import asyncio
from typing import Protocol

from openami.io.clock import Clock
from openami.io.links.mesh_neighbourhood import Counters, MeshNeighbourhood
from openami.io.links.zep import Radio
from openami.protocols.mesh.events import MeshEvent, Persist
from openami.protocols.mesh.node import MeshNode


class MeshCore(Protocol):
    """`MeshNode`, or a face around it."""

    def start(self, now: float) -> None: ...

    def stop(self, now: float) -> None: ...

    def receive(self, psdu: bytes, now: float, *, rssi_dbm: int) -> None: ...

    def next_transmission(self, now: float) -> bytes | None: ...

    def transmitted(self, now: float, *, clear: bool) -> None: ...

    def next_event(self) -> MeshEvent | None: ...

    def persisted(self, event: Persist, now: float) -> None: ...

    def next_timeout(self) -> float | None: ...

    def handle_timeout(self, now: float) -> None: ...


class MeshStation(MeshNeighbourhood):
    """Runs `core` on `radio`; `node` is the core itself or inside of it. `run` has to run for anything to happen."""

    def __init__(self, core: MeshCore, node: MeshNode, radio: Radio, clock: Clock, counters: Counters) -> None:
        self._changed = asyncio.Event()
        super().__init__(node, clock, counters, self._changed.set)
        self._core = core
        self._radio = radio

    async def run(self) -> None:
        """Be a station until cancelled; raises `LinkError` when the radio fails."""
        self._core.start(self._clock.monotonic())
        hearing = asyncio.get_running_loop().create_task(self._hear())
        try:
            while not hearing.done():
                await self._speak()
                await self._wait()
            hearing.result()
        finally:
            hearing.cancel()
            await asyncio.gather(hearing, return_exceptions=True)
            self._core.stop(self._clock.monotonic())
            self.ended()

    async def _hear(self) -> None:
        try:
            while True:
                psdu, rssi_dbm = await self._radio.receive()
                self._core.receive(psdu, self._clock.monotonic(), rssi_dbm=rssi_dbm)
                self._changed.set()
        finally:
            self._changed.set()

    async def _speak(self) -> None:
        """Do what is due, take events, and send frames until there is none whose turn has come."""
        while True:
            now = self._clock.monotonic()
            due = self._core.next_timeout()
            if due is not None and due <= now:
                self._core.handle_timeout(now)
            while (event := self._core.next_event()) is not None:
                self.take(event, now)
            psdu = self._core.next_transmission(self._clock.monotonic())
            if psdu is None:
                return
            clear = await self._radio.transmit(psdu)
            self._core.transmitted(self._clock.monotonic(), clear=clear)

    async def _wait(self) -> None:
        due = self._core.next_timeout()
        wait_s = None if due is None else max(due - self._clock.monotonic(), 0.0)
        try:
            async with asyncio.timeout(wait_s):
                await self._changed.wait()
        except TimeoutError:
            return
        self._changed.clear()
