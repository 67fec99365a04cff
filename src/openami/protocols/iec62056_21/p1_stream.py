"""P1 telegrams in a stream of octets, whatever lies between them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, TypeAlias

from openami.model.errors import DecodeError
from openami.protocols.iec62056_21.p1 import TELEGRAM_MAX, Telegram, decode_p1

_END: Final = re.compile(rb"!(?:[0-9A-Fa-f]{4}|[0-9A-Fa-f]{0,3}\r?\n)")
_END_SIZE: Final = 6
_BLANK: Final = b" \t\r\n\x00"


@dataclass(frozen=True, slots=True)
class Received:
    """A telegram that arrived whole, and its octets."""

    telegram: Telegram
    raw: bytes


@dataclass(frozen=True, slots=True)
class Garbage:
    """Octets that belong to no whole telegram, and why."""

    data: bytes
    reason: str


P1Event: TypeAlias = Received | Garbage


class P1Parser:
    """Finds telegrams; the events do not depend on how the stream was cut."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[P1Event]:
        """What `data` completes."""
        self._buffer += data
        events: list[P1Event] = []
        while self._step(events):
            pass
        return events

    def flush(self) -> list[P1Event]:
        """The stream has ended: what is left is a telegram without its last line end, or garbage."""
        events: list[P1Event] = []
        if self._buffer:
            self._buffer += b"\n"
            while self._step(events):
                pass
            self._drop(len(self._buffer), "cut off by the end", events)
        return events

    def _step(self, events: list[P1Event]) -> bool:
        buffer = self._buffer
        start = buffer.find(b"/")
        if start:
            return self._before(start, events)
        end, cut = buffer.find(b"!"), buffer.find(b"\n/", 1)
        if 0 <= cut < TELEGRAM_MAX and (cut < end or end < 0):
            self._drop(cut + 1, "cut off by the next telegram", events)
            return True
        if end > TELEGRAM_MAX or (end < 0 and len(buffer) > TELEGRAM_MAX + 1):
            self._drop(TELEGRAM_MAX, f"a telegram of more than {TELEGRAM_MAX} octets", events)
            return True
        return end >= 0 and self._ended(end, events)

    def _ended(self, end: int, events: list[P1Event]) -> bool:
        match = _END.match(self._buffer, end)
        if match is not None:
            self._take(match.end(), events)
            return True
        if len(self._buffer) < end + _END_SIZE and b"\n" not in self._buffer[end:]:
            return False
        self._drop(end + 1, "no end of a telegram behind !", events)
        return True

    def _before(self, start: int, events: list[P1Event]) -> bool:
        size = len(self._buffer) if start < 0 else start
        if start < 0 and size < TELEGRAM_MAX:
            return False
        self._drop(min(size, TELEGRAM_MAX), "no telegram", events)
        return bool(self._buffer)

    def _take(self, end: int, events: list[P1Event]) -> None:
        raw = bytes(self._buffer[:end])
        try:
            telegram = decode_p1(raw)
        except DecodeError as error:
            self._drop(end, str(error), events)
            return
        del self._buffer[:end]
        events.append(Received(telegram, raw))

    def _drop(self, count: int, reason: str, events: list[P1Event]) -> None:
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        if data.strip(_BLANK):
            events.append(Garbage(data, reason))
