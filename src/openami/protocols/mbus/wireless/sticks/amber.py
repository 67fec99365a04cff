"""The command mode of Amber's (Würth's) wireless M-Bus modules.

FF, command, length, payload, and the exclusive or of all bytes before. Command 03 is a heard telegram: it begins with
its C field, the length byte is its L; with an RSSI byte behind it where the module is
set so. (From the maker's manual.)
"""

from __future__ import annotations

from functools import reduce
from operator import xor

from openami.protocols.mbus.wireless.sticks.heard import Event, Heard, StickMessage, ToSend, complete_events, drop_noise

START = 0xFF
SEND_TELEGRAM, TELEGRAM_HEARD = 0x00, 0x03
_OVERHEAD = 4


class AmberParser:
    """Keeps at most one unfinished message. `rssi`: the module is set to tell the signal strength."""

    def __init__(self, *, rssi: bool = False) -> None:
        self._buffer = bytearray()
        self._rssi = rssi

    def feed(self, data: bytes) -> list[Event]:
        """Take bytes; give what is complete."""
        self._buffer += data
        return complete_events(self._next)

    def _next(self) -> Event | None:
        buffer = self._buffer
        if buffer and buffer[0] != START:
            return drop_noise(buffer, START, "no FF begins a message")
        if len(buffer) < 3:
            return None
        heard = buffer[1] == TELEGRAM_HEARD
        extra = 1 if heard and self._rssi else 0
        size = buffer[2] + _OVERHEAD + extra
        if len(buffer) < size:
            return None
        if reduce(xor, buffer[: size - 1]) != buffer[size - 1]:
            return drop_noise(buffer, START, "wrong checksum of the stick's message")
        message = bytes(buffer[:size])
        del buffer[:size]
        return _read(message, extra)


def _read(message: bytes, extra: int) -> Event:
    payload = message[3 : len(message) - 1 - extra]
    if message[1] == SEND_TELEGRAM:
        return ToSend(message[2:3] + payload)
    if message[1] != TELEGRAM_HEARD:
        return StickMessage(f"command {message[1]:02X}", payload)
    return Heard(message[2:3] + payload, message[-2] if extra else None)


def encode_heard(frame: bytes, rssi: int | None = None) -> bytes:
    """The message of a module that heard `frame` (L first, stripped): for a stick that is played."""
    return _message(TELEGRAM_HEARD, frame, b"" if rssi is None else bytes((rssi,)))


def encode_send(frame: bytes) -> bytes:
    """The message that asks a module to send `frame` (L first, stripped)."""
    return _message(SEND_TELEGRAM, frame, b"")


def _message(command: int, frame: bytes, behind: bytes) -> bytes:
    body = bytes((START, command, len(frame) - 1)) + frame[1:] + behind
    return body + bytes((reduce(xor, body),))
