"""Captures as they lie in folders: what stands in a file, message by message, whatever kind of file it is.

Lines of hexadecimal, of rtl-wmbus or of a CUL stick; texts of read-outs and consumer ports; bytes as a port gave them.
Files are read piece by piece: one of any length takes no more memory than its longest message.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from openami.cli.consumer_port import ConsumerPortStream
from openami.protocols.dlms.hdlc.frame import FLAG
from openami.protocols.mbus.wired.frame import START_LONG, WiredFrame, encode_frame
from openami.protocols.mbus.wired.parser import Garbage, WiredParser
from openami.protocols.mbus.wireless.sticks.heard import Noise, StickMessage
from openami.protocols.mbus.wireless.sticks.lines import read_line

LINE_MAX = 1 << 22
PIECE = 1 << 16
LOOK = 4096
"""Bytes at a file's beginning that say which kind it is."""
MESSAGE_MAX = 1 << 20
"""A file of no known stream is one message, up to this size."""
TEXT = bytes((*b"\t\n\r\x1b", *range(0x20, 0x7F)))
_LETTERED = re.compile(rb"\s*/[A-Za-z]{3}[^\r\n]*\r?\n")
_BARS = re.compile(r"telegram=\|([0-9A-Fa-f_|]+)\|")


class Piece(NamedTuple):
    """`data` stood at `place` of a file: `line 7` or `message 3`. `reason` tells why it is no message."""

    place: str
    data: bytes
    reason: str = ""


def capture_files(folder: Path) -> Iterator[Path]:
    """All files below `folder`, by name; hidden ones are left out."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts):
            yield path


def pieces(path: Path) -> Iterator[Piece]:
    """The messages of one file, and what in it is none; raises `OSError`."""
    with path.open("rb") as source:
        head = source.read(LOOK)
        source.seek(0)
        if _LETTERED.match(head):
            yield from _numbered(_texts(source))
        elif head.translate(None, TEXT):
            yield from _numbered(_streamed(source, head))
        else:
            yield from _lines(source, head)


def _numbered(messages: Iterable[bytes]) -> Iterator[Piece]:
    for number, message in enumerate(messages, 1):
        yield Piece(f"message {number}", message)


def _texts(source: BinaryIO) -> Iterator[bytes]:
    """Read-outs and P1 telegrams: each begins with a line `/AAA…`."""
    held: list[bytes] = []
    while line := source.readline(LINE_MAX):
        if _LETTERED.match(line) and held:
            yield b"".join(held)
            held = []
        if held or line.strip():
            held.append(line)
        if sum(map(len, held)) > MESSAGE_MAX:
            break
    if held:
        yield b"".join(held)


def _streamed(source: BinaryIO, head: bytes) -> Iterator[bytes]:
    if head[:1] == bytes((START_LONG,)) and head[3:4] == head[:1] and head[1:2] == head[2:3]:
        yield from _wired(source)
        return
    stream = ConsumerPortStream()
    cut = False
    while data := source.read(PIECE):
        for message in stream.feed(data):
            cut = True
            yield message
    left = stream.flush()
    if left:
        yield from left
    elif not cut:
        source.seek(0)
        yield source.read(MESSAGE_MAX)


def _wired(source: BinaryIO) -> Iterator[bytes]:
    parser = WiredParser()
    while data := source.read(PIECE):
        yield from map(_wired_bytes, parser.feed(data))
    yield from map(_wired_bytes, parser.flush())


def _wired_bytes(event: WiredFrame | Garbage) -> bytes:
    return event.data if isinstance(event, Garbage) else encode_frame(event)


def _lines(source: BinaryIO, head: bytes) -> Iterator[Piece]:
    if len(head) < LOOK and (whole := _one_message(head)) is not None:
        yield Piece("line 1", whole)
        return
    number = 0
    while line := source.readline(LINE_MAX):
        number += 1
        text = line.decode("latin-1").split("#")[0].strip()
        if text:
            yield _line(f"line {number}", text)


def _line(place: str, text: str) -> Piece:
    barred = _BARS.search(text)
    if barred is not None:
        text = re.sub("[_|]", "", barred[1])
    compact = "".join(text.replace(":", " ").split()) if ";" not in text else text
    event = read_line(compact.encode("latin-1"))
    if isinstance(event, Noise):
        return Piece(place, text.encode("latin-1"), event.reason)
    return Piece(place, event.data if isinstance(event, StickMessage) else event.frame)


def _one_message(head: bytes) -> bytes | None:
    """The frame that a small file folds over several lines of hexadecimal, if that is what it is."""
    lines = head.split(b"\n", 1)
    try:
        first, data = bytes.fromhex(lines[0].decode("ascii")), bytes.fromhex(head.decode("ascii"))
    except ValueError:
        return None
    size = _frame_size(data)
    return data if size is not None and len(first) < size == len(data) else None


def _frame_size(data: bytes) -> int | None:
    """How long a wired M-Bus or HDLC frame says that it is."""
    if len(data) > 5 and data[0] == data[3] == START_LONG and data[1] == data[2]:
        return data[1] + 6
    if len(data) > 2 and data[0] == FLAG and data[1] >> 4 == 0xA:
        return ((data[1] & 7) << 8 | data[2]) + 2
    return None
