"""Strangers on the medium: who listens and repeats, who floods, who pretends. They keep no law of the band."""

from __future__ import annotations

import asyncio
from collections import deque

from openami.simulation.medium import Medium
from openami.simulation.streams import ByteStream

HEARD_MAX = 4096


class Recorder:
    """Hears all that its place hears, and puts frames on the air as they came."""

    def __init__(self, number: int, medium: Medium, loop: asyncio.AbstractEventLoop) -> None:
        self.heard_frames: deque[bytes] = deque(maxlen=HEARD_MAX)
        self.sent_frames = 0
        self._number = number
        self._medium = medium
        self._loop = loop
        medium.attach(number, self)
        medium.lawless.add(number)

    def heard(self, psdu: bytes, level_dbm: int) -> None:  # noqa: ARG002 - whatever the level
        self.heard_frames.append(psdu)

    def sent(self, *, clear: bool) -> None:
        self.sent_frames += clear

    def repeat(self, frames: list[bytes], every_s: float) -> None:
        """Send `frames`, one after the other."""
        for number, psdu in enumerate(frames):
            self._loop.call_later(number * every_s, self._medium.transmit, self._number, psdu)


class Flood(Recorder):
    """Frames of noise and of nonsense with right headers, as fast as `every_s` says."""

    def __init__(self, number: int, medium: Medium, loop: asyncio.AbstractEventLoop, random: ByteStream) -> None:
        super().__init__(number, medium, loop)
        self._random = random

    def begin(self, frames: int, every_s: float) -> None:
        """Send so many frames: random octets, or a frame that was heard with some of its octets changed."""
        self._loop.call_later(every_s, self._next, frames, every_s)

    def _next(self, frames: int, every_s: float) -> None:
        self._medium.transmit(self._number, self._made())
        if frames > 1:
            self._loop.call_later(every_s, self._next, frames - 1, every_s)

    def _made(self) -> bytes:
        choice = self._random.take(4)
        if choice[0] < 128 or not self.heard_frames:
            return b"\x41\x98" + self._random.take(8 + choice[1] % 100)
        frame = bytearray(self.heard_frames[choice[1] % len(self.heard_frames)])
        frame[choice[2] % len(frame)] ^= choice[3] or 1
        return bytes(frame)
