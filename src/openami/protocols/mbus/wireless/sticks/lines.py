"""Receivers that write lines: CUL sticks, rtl-wmbus, and plain hexadecimal.

CUL: `b`, then the frame with its checksums in hexadecimal (`bY` for frame format B of mode C), perhaps two more bytes.
rtl-wmbus: columns between semicolons: mode, whether the checksums were right, …, the frame as `0x…` in the last one.
(From the programs' own descriptions.)
"""

from __future__ import annotations

from openami.protocols.mbus.wireless.sticks.heard import Event, Heard, Noise

LINE_MAX = 2048
_RTL_MODES = ("T1", "C1", "S1", "T2", "C2", "S2", "N1")


class LineParser:
    """Knows each line by its shape; keeps at most one unfinished line of `LINE_MAX` bytes."""

    def __init__(self) -> None:
        self._line = bytearray()
        self._too_long = False

    def feed(self, data: bytes) -> list[Event]:
        """Take bytes; give an event per whole line that is not empty."""
        events: list[Event] = []
        for piece in data.splitlines(keepends=True):
            whole = piece[-1:] in {b"\n", b"\r"}
            self._line += piece.rstrip(b"\r\n")
            if len(self._line) > LINE_MAX:
                self._too_long = True
                del self._line[LINE_MAX:]
            if whole and self._line:
                events.append(self._take())
        return events

    def _take(self) -> Event:
        line, too_long = bytes(self._line), self._too_long
        self._line.clear()
        self._too_long = False
        return Noise(line, f"a line of more than {LINE_MAX} bytes") if too_long else read_line(line)


def read_line(line: bytes) -> Event:
    """What one line says."""
    text = line.decode("latin-1").strip()
    if ";" in text:
        return _rtl(line, text)
    mode, digits = "", text
    if text[:2] in {"bY", "by"}:
        mode, digits = "C1", text[2:]
    elif text[:1] == "b" and len(text) % 2:
        digits = text[1:]
    frame = _octets(digits.removeprefix("0x"))
    return Noise(line, "no frame in hexadecimal") if frame is None else Heard(frame, None, mode)


def _rtl(line: bytes, text: str) -> Event:
    columns = text.split(";")
    frame = _octets(columns[-1].removeprefix("0x")) if columns[-1].startswith("0x") else None
    if columns[0] not in _RTL_MODES or frame is None:
        return Noise(line, "no line of rtl-wmbus")
    if len(columns) > 2 and columns[1] == "0":
        return Noise(line, "the receiver says that the frame's checksums are wrong")
    rssi = int(columns[4]) if len(columns) > 5 and columns[4].isdecimal() and len(columns[4]) < 9 else None
    return Heard(frame, rssi, columns[0])


def _octets(digits: str) -> bytes | None:
    try:
        return bytes.fromhex(digits) or None
    except ValueError:
        return None
