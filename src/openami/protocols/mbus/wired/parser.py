"""Frames out of a byte stream with garbage between and inside them.

A candidate is given up as early as its bytes allow. A frame whose length and stop byte fit but whose checksum does
not is dropped whole, so that nothing inside it is taken for an acknowledgement; anything else loses one byte.
"""

from __future__ import annotations

from dataclasses import dataclass

from openami.model.errors import DecodeError, FrameCheckError
from openami.protocols.mbus.wired.frame import WiredFrame, frame_size, read_frame

GARBAGE_MAX = 4096
NO_FRAME = "no M-Bus frame"
TOO_SHORT = "the frame ended too early"


@dataclass(frozen=True, slots=True)
class Garbage:
    """Bytes that mean nothing here, kept as they came, and why."""

    data: bytes
    reason: str


class WiredParser:
    """Bytes in, frames and garbage out; the same events however the stream is cut.

    Garbage is reported once the next frame has come, when 4096 bytes of it have gathered, or at `flush`.
    """

    def __init__(self) -> None:
        self._buffer = b""
        self._noise = bytearray()
        self._reason = NO_FRAME

    @property
    def pending(self) -> bool:
        """Whether bytes are held that `flush` would report."""
        return bool(self._buffer or self._noise)

    def feed(self, data: bytes) -> list[WiredFrame | Garbage]:
        """Take bytes from the stream and give what they complete."""
        events: list[WiredFrame | Garbage] = []
        self._buffer += data
        self._scan(events)
        return events

    def flush(self) -> list[WiredFrame | Garbage]:
        """Nothing more will come for now: give up half a frame, give what lies inside it, report all garbage."""
        events: list[WiredFrame | Garbage] = []
        while self._buffer:
            self._discard(self._buffer[:1], TOO_SHORT, events)
            self._buffer = self._buffer[1:]
            self._scan(events)
        self._report(events)
        return events

    def _scan(self, events: list[WiredFrame | Garbage]) -> None:
        data = self._buffer
        at = 0
        while at < len(data):
            try:
                size = frame_size(data, at)
                if size is None or at + size > len(data):
                    break
                frame = read_frame(data, at, size)
            except FrameCheckError as error:
                self._discard(data[at : at + (size or 1)], error.reason, events)
                at += size or 1
            except DecodeError as error:
                self._discard(data[at : at + 1], NO_FRAME if len(self._noise) else error.reason, events)
                at += 1
            else:
                self._report(events)
                events.append(frame)
                at += size
        self._buffer = data[at:]

    def _discard(self, data: bytes, reason: str, events: list[WiredFrame | Garbage]) -> None:
        if not self._noise:
            self._reason = reason
        self._noise += data
        while len(self._noise) >= GARBAGE_MAX:
            events.append(Garbage(bytes(self._noise[:GARBAGE_MAX]), self._reason))
            del self._noise[:GARBAGE_MAX]

    def _report(self, events: list[WiredFrame | Garbage]) -> None:
        if self._noise:
            events.append(Garbage(bytes(self._noise), self._reason))
            self._noise.clear()
