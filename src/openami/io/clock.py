"""Time as a parameter: the system's, or a faster one for demonstrations."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
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


class Timescale(Protocol):
    """How UTC follows from `Clock.monotonic`, for cores that are told only the latter."""

    def utc(self, monotonic: float) -> float:
        """UTC when `Clock.monotonic` shows `monotonic`."""
        ...

    def monotonic_at(self, utc: float) -> float:
        """What `Clock.monotonic` shows when it is `utc`."""
        ...


@dataclass(frozen=True, slots=True)
class OffsetTimescale:
    """UTC is so many seconds ahead of `Clock.monotonic`, for ever."""

    offset_s: float

    def utc(self, monotonic: float) -> float:
        return monotonic + self.offset_s

    def monotonic_at(self, utc: float) -> float:
        return utc - self.offset_s


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
        return self.utc(time.monotonic())

    def utc(self, monotonic: float) -> float:
        return self._start + (monotonic - self._zero) * self._speed

    def monotonic_at(self, utc: float) -> float:
        return self._zero + (utc - self._start) / self._speed

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._speed)

    def advance_to(self, at: float) -> None:
        """Jump ahead to `at` (UTC seconds); a time that has passed changes nothing. Sleepers do not notice."""
        self._start += max(0.0, at - self.time())
