"""Time as a parameter: the system's, or a faster one for demonstrations."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """What the time is and how to wait for it.

    `time` is UTC in seconds since 1970-01-01 and is what meters and campaigns live by; `monotonic` counts real
    seconds and is what time-outs of links are measured with.
    """

    def time(self) -> float:
        """UTC, seconds since 1970-01-01."""
        ...

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait until `time` has moved on by `seconds`."""
        ...


class SystemClock:
    """The machine's clock."""

    def time(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class ScaledClock:
    """Starts at `start` (UTC seconds) and runs `speed` times as fast as the machine's clock."""

    def __init__(self, start: float, speed: float) -> None:
        self._start = start
        self._speed = speed
        self._zero = time.monotonic()

    def time(self) -> float:
        return self._start + (time.monotonic() - self._zero) * self._speed

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._speed)

    def advance_to(self, at: float) -> None:
        """Jump ahead to `at` (UTC seconds); a time that has passed changes nothing. Sleepers do not notice."""
        self._start += max(0.0, at - self.time())
