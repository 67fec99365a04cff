"""The time of the demo's radio: faster than the machine's, and exact.

Frames of half a millisecond cannot be timed on an ordinary event loop, whose timers round to a whole one. Here they
follow one another on the simulation's loop, which is brought forward again and again to where the radio's time should
be: `SPEED` times as far as the machine's. A machine that does not keep up slows the radio's time down, no more.
"""

from __future__ import annotations

import asyncio
from typing import Final

from openami.io.clock import ScaledClock
from openami.simulation.loop import VirtualLoop

SPEED: Final = 10.0
_TICK_S: Final = 0.001
_LOOK_S: Final = 0.05
"""At least so often the radio's time is brought forward, for whoever looks at it from outside."""
_LATE_S: Final = 0.01
"""What is lost by more than this, because the machine was busy, is not caught up with."""


class RadioTime:
    """A `Clock` whose `monotonic` is the radio's, and the `Timescale` from there to the district's UTC.

    `loop` is for stations and their medium. `run` has to run; `stir` it after anything was done to a station.
    """

    def __init__(self, clock: ScaledClock) -> None:
        self.loop = VirtualLoop()
        self._clock = clock
        self._stirred = asyncio.Event()

    def time(self) -> float:
        return self._clock.time()

    def monotonic(self) -> float:
        return self.loop.time()

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)

    def utc(self, monotonic: float) -> float:
        return self._clock.utc(self._clock.monotonic() + (monotonic - self.loop.time()) / SPEED)

    def monotonic_at(self, utc: float) -> float:
        return self.loop.time() + (self._clock.monotonic_at(utc) - self._clock.monotonic()) * SPEED

    def stir(self) -> None:
        """Something may be due sooner than it was."""
        self._stirred.set()

    async def run(self) -> None:
        """Let time pass until cancelled."""
        before = self._clock.monotonic()
        while True:
            waited_s = await self._wait()
            now = self._clock.monotonic()
            self.loop.live_until(self.loop.time() + min(now - before, waited_s + _LATE_S) * SPEED)
            before = now

    async def _wait(self) -> float:
        """Until the next timer; for how long at most."""
        ahead_s = (self.loop.next_timer() - self.loop.time()) / SPEED
        wait_s = min(max(ahead_s, _TICK_S), _LOOK_S)
        try:
            async with asyncio.timeout(wait_s):
                await self._stirred.wait()
        except TimeoutError:
            return wait_s
        self._stirred.clear()
        return wait_s
