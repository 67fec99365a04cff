"""One file of a spool: records one after the other, each with its length, checksum and number.

    length of content   4 bytes, big-endian
    CRC-32              4 bytes, of number and content
    number              8 bytes
    content

The file's name is the number of its first record; the others follow without a gap.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from openami.io.disk import Disk
from openami.io.spool.spool import SpooledItem

HEAD = struct.Struct(">IIQ")
ENDING = ".items"
_CHUNK = 1 << 18
_MARK_EVERY = 64


def encode_record(number: int, content: bytes) -> bytes:
    """The bytes of one record."""
    check = zlib.crc32(content, zlib.crc32(number.to_bytes(8, "big")))
    return HEAD.pack(len(content), check, number) + content


@dataclass(slots=True)
class Segment:
    """What is known about a segment file: `size` bytes of good records, numbers `first` to `last`.

    `marks` holds (number, offset) of every 64th record, so that reading from the middle need not begin at the front.
    """

    first: int
    path: Path
    size: int = 0
    last: int = 0
    marks: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.last = self.first - 1

    def add(self, length: int) -> None:
        """Account for one more record whose content has `length` bytes."""
        self.last += 1
        if (self.last - self.first) % _MARK_EVERY == 0:
            self.marks.append((self.last, self.size))
        self.size += HEAD.size + length

    def offset_near(self, number: int) -> int:
        """Where to start reading to find `number` soon."""
        at = 0
        for marked, offset in self.marks:
            if marked > number:
                break
            at = offset
        return at


def open_segment(disk: Disk, path: Path, item_bytes_max: int) -> tuple[Segment, bytes]:
    """Read a segment through. Returns what is good and the bytes after it: a record that was never finished."""
    segment = Segment(int(path.name.removesuffix(ENDING)), path)
    for item in _records(disk, path, 0, item_bytes_max):
        if item.number != segment.last + 1:
            break
        segment.add(len(item.content))
    return segment, disk.read(path, segment.size)


def read_segment(disk: Disk, segment: Segment, after: int, item_bytes_max: int) -> Iterator[SpooledItem]:
    """The records with a number above `after`."""
    for item in _records(disk, segment.path, segment.offset_near(after + 1), item_bytes_max):
        if item.number > segment.last:
            return
        if item.number > after:
            yield item


def _records(disk: Disk, path: Path, offset: int, item_bytes_max: int) -> Iterator[SpooledItem]:
    """Good records from `offset` until the first that is not."""
    held = b""
    while piece := disk.read(path, offset, _CHUNK):
        offset += len(piece)
        held += piece
        at = 0
        while len(held) - at >= HEAD.size:
            length, check, number = HEAD.unpack_from(held, at)
            if length > item_bytes_max:
                return
            end = at + HEAD.size + length
            if end > len(held):
                break
            if zlib.crc32(held[at + 8 : end]) != check:
                return
            yield SpooledItem(number, held[at + HEAD.size : end])
            at = end
        held = held[at:]
