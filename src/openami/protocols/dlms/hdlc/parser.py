"""HDLC frames out of a byte stream with garbage between and inside them.

The end of a frame comes from its length field, never from the next flag: 7E stands inside data and checksums.
A candidate is given up as early as its bytes allow (format, addresses, HCS), the search goes on behind its flag,
and every candidate reads at most one frame's length: time is linear in the bytes, whatever they are. A header that
was read before is known by its bytes; of such a frame only the FCS is computed.
"""

from __future__ import annotations

from binascii import crc_hqx

from openami.model.errors import DecodeError, FrameCheckError
from openami.protocols.dlms.framing import Garbage
from openami.protocols.dlms.hdlc.frame import (
    FLAG,
    FORMAT_TYPE,
    HEADERS,
    LENGTH_MIN,
    Frame,
    check_header,
    header_size,
    read_frame,
)
from openami.protocols.wire.crc import MIRRORED, X25_GOOD

GARBAGE_MAX = 4096
_FLAG = b"\x7e"
_HEADER_MAX = 2 + 4 + 4 + 1
_NO_FRAME = "no HDLC frame"
_TOO_SHORT = "the frame ended too early"
_FLAGS = b"\x7e\x7e"
_new = tuple.__new__


class HdlcParser:
    """Bytes in, frames and garbage out; the same events however the stream is cut.

    Garbage is reported once the next frame has come, when 4096 bytes of it have gathered, or at `flush`.
    """

    def __init__(self) -> None:
        self._buffer = b""
        self._need = 0
        self._closing = False  # whether the buffer begins with the closing flag of a frame
        self._header = 0  # how long the header of the last frame was, HCS included
        self._noise = bytearray()
        self._reason = _NO_FRAME

    @property
    def pending(self) -> bool:
        """Whether bytes are held that `flush` would report: half a frame or unreported garbage, not flags alone."""
        return bool(self._noise) or bool(self._buffer.strip(_FLAG))

    def feed(self, data: bytes) -> list[Frame | Garbage]:
        """Take bytes from the stream and give what they complete."""
        self._buffer = buffer = self._buffer + data if self._buffer else bytes(data)
        events: list[Frame | Garbage] = []
        if len(buffer) >= self._need:
            self._take(self._scan(buffer, events))
        return events

    def flush(self) -> list[Frame | Garbage]:
        """Nothing more will come for now: give up half a frame, give what lies inside it, report all garbage."""
        events: list[Frame | Garbage] = []
        self._take(self._scan(self._buffer, events))
        while self._buffer.strip(_FLAG):
            self._discard(self._buffer[:1], _TOO_SHORT, events)
            self._take(1)
            self._closing = False
            self._take(self._scan(self._buffer, events))
        self._report(events)
        return events

    def _take(self, count: int) -> None:
        self._buffer = self._buffer[count:]
        self._need = max(0, self._need - count)

    def _scan(self, data: bytes, events: list[Frame | Garbage]) -> int:
        """Read frames from the start of `data`; the number of bytes that are done with."""
        at, size, mirrored = 0, len(data), data.translate(MIRRORED)
        closing = 0 if self._closing else -1
        self._need = 0
        while at < size:
            if data[at] != FLAG:
                at = self._skip(data, at, events)
                continue
            start = at + 1
            if start < size and data[start] == FLAG:  # flags between frames mean nothing, within garbage they are kept
                if self._noise:
                    self._discard(_FLAG, _NO_FRAME, events)
                at = start
                continue
            at, closing = self._take_known(data, mirrored, at, closing, events)
            if at >= start:  # what is there now may be flags, or no flag
                continue
            try:
                end = _end(data, start, size)
                if end > size:
                    self._need = end
                    break
                frame = read_frame(data, start, end)
            except DecodeError as error:
                if at != closing:
                    self._discard(data[at:start], _reason(error), events)
                at = start
                continue
            self._report(events)
            events.append(frame)
            self._header = header_size(data, start, end) + 2
            at = closing = end
        self._closing = at == closing
        return at

    def _take_known(
        self, data: bytes, mirrored: bytes, at: int, closing: int, events: list[Frame | Garbage]
    ) -> tuple[int, int]:
        """Frames behind the flag at `at` whose headers were read before; the flag behind them, the last closing one."""
        known, size, width, first = HEADERS.get, len(data), self._header, at
        frames: list[Frame | Garbage] = []
        append = frames.append
        while (header := known(data[at + 1 : (body := at + 1 + width)])) is not None:
            length, fields, control = header
            end = at + 1 + length
            if end > size or crc_hqx(mirrored[at + 1 : end], 0xFFFF) != X25_GOOD:
                break
            append(_new(Frame, (*fields, data[body : end - 2], control)))
            closing = at = end
            if (flags := data[end : end + 2]) == _FLAGS:
                at += 1
            elif flags[:1] != _FLAG:
                break
        if at > first:
            self._report(events)
            events += frames
        return at, closing

    def _skip(self, data: bytes, at: int, events: list[Frame | Garbage]) -> int:
        found = data.find(_FLAG, at)
        stop = len(data) if found < 0 else found
        self._discard(data[at:stop], _NO_FRAME, events)
        return stop

    def _discard(self, data: bytes, reason: str, events: list[Frame | Garbage]) -> None:
        if self._reason == _NO_FRAME:
            self._reason = reason
        self._noise += data
        while len(self._noise) >= GARBAGE_MAX:
            events.append(Garbage(bytes(self._noise[:GARBAGE_MAX]), self._reason))
            del self._noise[:GARBAGE_MAX]

    def _report(self, events: list[Frame | Garbage]) -> None:
        if self._noise:
            events.append(Garbage(bytes(self._noise), self._reason))
            self._noise.clear()
        self._reason = _NO_FRAME


def _reason(error: DecodeError) -> str:
    return error.reason if isinstance(error, FrameCheckError) else _NO_FRAME


def _end(data: bytes, start: int, size: int) -> int:
    """Where the frame whose format field is at `start` ends; beyond `size`: how many bytes tell more.

    Raises `DecodeError` as soon as the bytes up to `size` show that there is no frame.
    """
    if start + 2 > size:
        if start < size and data[start] & 0xF0 != FORMAT_TYPE:
            raise DecodeError(_NO_FRAME, start)
        return start + 2
    length = (data[start] & 7) << 8 | data[start + 1]
    if data[start] & 0xF0 != FORMAT_TYPE or length < LENGTH_MIN:
        raise DecodeError(_NO_FRAME, start)
    end = start + length
    if end <= size:
        return end
    header = header_size(data, start, size)
    if not header:
        if size - start >= _HEADER_MAX:
            raise DecodeError(_NO_FRAME, start)
        return min(end, start + _HEADER_MAX)
    if header + 2 >= length or size < start + header + 2:
        return min(end, start + header + 2)
    check_header(data, start, header)
    return end
