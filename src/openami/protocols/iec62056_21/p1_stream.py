"""P1 telegrams in a stream of octets, whatever lies between them; encrypted ones too, which stay closed here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, TypeAlias

from openami.model.errors import DecodeError
from openami.protocols.iec62056_21.p1 import TELEGRAM_MAX, Telegram, decode_p1
from openami.protocols.iec62056_21.p1_encrypted import (
    EncryptedTelegram,
    decode_encrypted,
    find_encrypted,
    size_of_encrypted,
)

_END: Final = re.compile(rb"!(?:[0-9A-Fa-f]{4}|[0-9A-Fa-f]{0,3}\r?\n)")
_END_SIZE: Final = 6
_BLANK: Final = b" \t\r\n\x00"
_HEAD: Final = slice(0, 10)
"""Tag and system title: the beginning of each encrypted telegram of one meter."""
_HEAD_SIZE: Final = 14


@dataclass(frozen=True, slots=True)
class Received:
    """A telegram that arrived whole, and its octets."""

    telegram: Telegram
    raw: bytes


@dataclass(frozen=True, slots=True)
class SealedReceived:
    """An encrypted telegram that arrived whole, and its octets. Only a key can say whether they are in order."""

    telegram: EncryptedTelegram
    raw: bytes


@dataclass(frozen=True, slots=True)
class Garbage:
    """Octets that belong to no whole telegram, and why."""

    data: bytes
    reason: str


P1Event: TypeAlias = Received | SealedReceived | Garbage


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
        (sealed, size), text = find_encrypted(self._buffer), self._buffer.find(b"/")
        if not text:
            return self._text(sealed, events, sure=size is not None)
        if size is None and not 0 < text < sealed:
            return False  # the next octets tell whether one begins there
        if not sealed:
            return self._closed(size or 0, events)
        return self._before(_first(text, sealed), events)

    def _closed(self, size: int, events: list[P1Event]) -> bool:
        """The encrypted telegram in front, unless another of the same meter begins within it."""
        again = self._buffer.find(self._buffer[_HEAD], 1, size - (_HEAD_SIZE - _HEAD.stop))
        if again >= 0 and size_of_encrypted(self._buffer, again):
            self._drop(again, "cut off by the next telegram", events)
            return True
        if len(self._buffer) < size:
            return False
        raw = bytes(self._buffer[:size])
        del self._buffer[:size]
        events.append(SealedReceived(decode_encrypted(raw), raw))
        return True

    def _text(self, sealed: int, events: list[P1Event], *, sure: bool) -> bool:
        buffer = self._buffer
        end, line = buffer.find(b"!"), buffer.find(b"\n/", 1)
        cut = _first(line + 1 or -1, sealed)
        if 0 <= cut <= TELEGRAM_MAX and (cut < end or end < 0):
            if cut == sealed and not sure:
                return False
            self._drop(cut, "cut off by the next telegram", events)
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


def _first(*positions: int) -> int:
    """The first of those that are there; -1 if none is."""
    return min((at for at in positions if at >= 0), default=-1)
