"""The host controller interface of IMST's iM871A and iM170A.

A5, control and endpoint, message, length, payload, then a time stamp (4 bytes), an RSSI byte and a CRC-16/X-25 as the
control bits say. A heard telegram's payload begins with its C field: L is left out. (From the maker's manual.)
"""

from __future__ import annotations

from openami.protocols.mbus.wireless.sticks.heard import Event, Heard, StickMessage, ToSend, complete_events, drop_noise
from openami.protocols.wire.crc import crc16_x25

START = 0xA5
_HEADER = 4
_TIME_STAMP, _RSSI, _CRC = 0x20, 0x40, 0x80
RADIO_LINK = 0x02
SEND_TELEGRAM, TELEGRAM_HEARD = 0x01, 0x03


class ImstParser:
    """Keeps at most one unfinished message (4 + 255 + 7 bytes)."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Event]:
        """Take bytes; give what is complete."""
        self._buffer += data
        return complete_events(self._next)

    def _next(self) -> Event | None:
        buffer = self._buffer
        if not buffer:
            return None
        if buffer[0] != START:
            return drop_noise(buffer, START, "no A5 begins a message")
        if len(buffer) < _HEADER:
            return None
        control, length = buffer[1], buffer[3]
        behind = (4 if control & _TIME_STAMP else 0) + (1 if control & _RSSI else 0)
        body = _HEADER + length + behind
        size = body + (2 if control & _CRC else 0)
        if len(buffer) < size:
            return None
        if control & _CRC and crc16_x25(bytes(buffer[1:body])) != int.from_bytes(buffer[body:size], "little"):
            return drop_noise(buffer, START, "wrong CRC of the stick's message")
        message = bytes(buffer[:size])
        del buffer[:size]
        return _read(message, length, behind)


def _read(message: bytes, length: int, behind: int) -> Event:
    payload = message[_HEADER : _HEADER + length]
    if message[1] & 0x0F == RADIO_LINK and message[2] == SEND_TELEGRAM:
        return ToSend(bytes((length,)) + payload)
    if message[1] & 0x0F != RADIO_LINK or message[2] != TELEGRAM_HEARD:
        return StickMessage(f"endpoint {message[1] & 0x0F}, message {message[2]:02X}", payload)
    rssi = message[_HEADER + length + behind - 1] if message[1] & _RSSI else None
    return Heard(bytes((length,)) + payload, rssi)


def encode_send(frame: bytes) -> bytes:
    """The message that asks a stick to send `frame` (L first, stripped)."""
    return _message(SEND_TELEGRAM, frame, b"", 0)


def encode_heard(frame: bytes, rssi: int | None = None) -> bytes:
    """The message of a stick that heard `frame` (L first, stripped): for a stick that is played."""
    return _message(TELEGRAM_HEARD, frame, b"" if rssi is None else bytes((rssi,)), 0 if rssi is None else _RSSI)


def _message(kind: int, frame: bytes, behind: bytes, flags: int) -> bytes:
    body = bytes((RADIO_LINK | _CRC | flags, kind, len(frame) - 1)) + frame[1:] + behind
    return bytes((START,)) + body + crc16_x25(body).to_bytes(2, "little")
