"""SML transport, version 1: files between escape sequences, found in any stream of octets.

    1b1b1b1b 01010101  file, filled with zeros to a multiple of four  1b1b1b1b 1a NN CRC CRC

NN counts the filling octets; four octets 1b inside the file are sent twice; the checksum covers everything before
it. (As real telegrams show it.) Version 2 begins with 02020202; how it goes on was not to be found, and no meter was
found that speaks it: it is told for what it is, and not read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from openami.protocols.sml.file import Checksum

ESCAPE: Final = b"\x1b\x1b\x1b\x1b"
START: Final = ESCAPE + b"\x01\x01\x01\x01"
START_2: Final = ESCAPE + b"\x02\x02\x02\x02"
VERSION_2: Final = "a file in transport version 2, which is not read"
END: Final = 0x1A
FILE_MAX: Final = 1 << 16
GARBAGE_MAX: Final = 4096


@dataclass(frozen=True, slots=True)
class TransportedFile:
    """A file that arrived whole: its octets without fill and escapes, and as they came."""

    data: bytes
    checksum: Checksum
    raw: bytes


@dataclass(frozen=True, slots=True)
class Garbage:
    """Octets that belong to no whole file, and why. Long garbage comes in pieces."""

    data: bytes
    reason: str


TransportEvent: TypeAlias = TransportedFile | Garbage


def encode_transport(file: bytes, checksum: Checksum = Checksum.X25) -> bytes:
    """`file` in its transport."""
    fill = -len(file) % 4
    out = START + (file + bytes(fill)).replace(ESCAPE, ESCAPE * 2) + ESCAPE + bytes((END, fill))
    return out + checksum.of(out).to_bytes(2, "big")


class TransportParser:
    """Finds files in a stream; the events do not depend on how the stream was cut."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._at = 0
        """How far the file that begins the buffer was searched for its end; 0 while none begins."""
        self._garbage = bytearray()
        self._reason = ""

    def feed(self, data: bytes) -> list[TransportEvent]:
        """What `data` completes."""
        self._buffer += data
        events: list[TransportEvent] = []
        while self._step(events):
            pass
        return events

    def flush(self) -> list[TransportEvent]:
        """The stream has ended: what is left is garbage."""
        events: list[TransportEvent] = []
        while self._buffer:
            began = bool(self._at)
            self._drop(1 if began else len(self._buffer), "cut off by the end" if began else "no file", events)
            while self._step(events):
                pass
        self._tell(events)
        return events

    def _step(self, events: list[TransportEvent]) -> bool:
        if not self._at:
            return self._find_start(events)
        return self._find_end(events)

    def _find_start(self, events: list[TransportEvent]) -> bool:
        buffer = self._buffer
        found = min((at for at in (buffer.find(START), buffer.find(START_2)) if at >= 0), default=-1)
        if found < 0:
            starts = ((start, size) for size in range(len(START) - 1, 0, -1) for start in (START, START_2))
            keep = next((size for start, size in starts if buffer.endswith(start[:size])), 0)
            self._drop(len(buffer) - keep, "no file", events)
            return False
        self._drop(found, "no file", events)
        self._tell(events)
        if buffer.startswith(START_2):
            self._drop(len(START_2), VERSION_2, events)
        else:
            self._at = len(START)
        return True

    def _find_end(self, events: list[TransportEvent]) -> bool:
        buffer = self._buffer
        found = buffer.find(ESCAPE, self._at)
        if found > FILE_MAX or (found < 0 and len(buffer) > FILE_MAX + len(ESCAPE)):
            self._drop(1, f"a file of more than {FILE_MAX} octets", events)
            return True
        if found < 0:
            self._at = max(len(buffer) - len(ESCAPE) + 1, self._at)
            return False
        self._at = found
        if len(buffer) < found + 8:
            return False
        after = bytes(buffer[found + 4 : found + 8])
        if after == ESCAPE:
            self._at = found + 8
        elif after[0] == END:
            self._end(found + 8, events)
        elif after == START[4:]:
            self._drop(found, "cut off by the next file", events)
        elif after[0] == ESCAPE[0]:
            self._at = found + 1  # the file ends with 1b
        else:
            self._drop(1, f"escape sequence {after.hex()} is not known", events)
        return True

    def _end(self, end: int, events: list[TransportEvent]) -> None:
        raw = bytes(self._buffer[:end])
        fill, stated = raw[-3], int.from_bytes(raw[-2:], "big")
        checksum = next((each for each in Checksum if each.of(raw[:-2]) == stated), None)
        file = raw[len(START) : -8].replace(ESCAPE * 2, ESCAPE)
        if checksum is None:
            expected = " or ".join(f"{each.of(raw[:-2]):04x}" for each in Checksum)
            self._drop(1, f"file checksum {stated:04x}, calculated {expected}", events)
        elif fill > 3 or fill > len(file):
            self._drop(1, f"{fill} octets of fill", events)
        else:
            self._tell(events)
            del self._buffer[:end]
            self._at = 0
            events.append(TransportedFile(file[: len(file) - fill], checksum, raw))

    def _drop(self, count: int, reason: str, events: list[TransportEvent]) -> None:
        if not count:
            return
        if not self._garbage:
            self._reason = reason
        self._garbage += self._buffer[:count]
        del self._buffer[:count]
        self._at = 0
        while len(self._garbage) >= GARBAGE_MAX:
            events.append(Garbage(bytes(self._garbage[:GARBAGE_MAX]), self._reason))
            del self._garbage[:GARBAGE_MAX]

    def _tell(self, events: list[TransportEvent]) -> None:
        if self._garbage:
            events.append(Garbage(bytes(self._garbage), self._reason))
            self._garbage.clear()
