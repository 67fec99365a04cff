"""A spool in a folder: append-only segments, synced before anything is acknowledged.

    identity                    who this spool is
    released                    the number through which everything is released
    00000000000000000001.items  segments, oldest first; the last one is written
    00000000000000000001.torn   what a crash left half-written, kept for whoever wants to see it

A kill at any point leaves either the item or nothing of it. An item that was on its way when the process died may
be there although it was never acknowledged: senders repeat, readers recognise.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from openami.io.disk import Appending, Disk, write_whole
from openami.io.spool.segment import ENDING, HEAD, Segment, encode_record, open_segment, read_segment
from openami.io.spool.spool import SpooledItem, SpoolFull
from openami.model.errors import StoreError

SEGMENT_BYTES = 1 << 24
LIMIT_BYTES = 1 << 30
ITEM_BYTES_MAX = 1 << 20
_TORN_KEPT = 8
_ROLL_WHEN_EMPTY = 1 << 16
_SEGMENT_NAME = re.compile(r"\d{20}" + re.escape(ENDING))


class FileSpool:
    """See `Spool`. `limit_bytes` bounds the folder, `item_bytes_max` one item."""

    def __init__(
        self,
        folder: Path,
        *,
        disk: Disk,
        random: Callable[[int], bytes],
        limit_bytes: int = LIMIT_BYTES,
        segment_bytes: int = SEGMENT_BYTES,
        item_bytes_max: int = ITEM_BYTES_MAX,
    ) -> None:
        self._folder = folder
        self._disk = disk
        self._limit_bytes = limit_bytes
        self._segment_bytes = segment_bytes
        self._item_bytes_max = item_bytes_max
        self._turn = threading.Lock()
        disk.make_folder(folder)
        self._lock = disk.lock(folder / "lock")
        self.identity = self._identify(random)
        self._released = self._read_released()
        self._segments = self._open_segments()
        self._file: Appending | None = None
        self._remove_released()

    def append(self, item: bytes) -> int:
        return self.append_many((item,))[0]

    def append_many(self, items: Sequence[bytes]) -> list[int]:
        with self._turn:
            self._check_size(items)
            try:
                return self._append(items)
            except OSError as error:
                self._close_file()
                raise StoreError(f"spool {self._folder}: {error.strerror or error}; nothing was taken") from error

    def read(self, after: int, limit: int, limit_bytes: int = 1 << 20) -> list[SpooledItem]:
        with self._turn:
            items: list[SpooledItem] = []
            held = 0
            after = max(after, self._released)
            for segment in self._segments:
                if segment.last <= after:
                    continue
                for item in read_segment(self._disk, segment, after, self._item_bytes_max):
                    held += len(item.content)
                    if len(items) >= limit or (items and held > limit_bytes):
                        return items
                    items.append(item)
            return items

    def release(self, through: int) -> None:
        with self._turn:
            through = min(through, self._segments[-1].last)
            if through <= self._released:
                return
            try:
                write_whole(self._disk, self._folder / "released", str(through).encode())
                self._released = through
                self._remove_released()
            except OSError as error:
                raise StoreError(f"spool {self._folder}: {error.strerror or error}; releasing failed") from error

    @property
    def size(self) -> int:
        return sum(segment.size for segment in self._segments)

    @property
    def waiting(self) -> int:
        return sum(max(0, segment.last - max(segment.first - 1, self._released)) for segment in self._segments)

    def close(self) -> None:
        self._close_file()
        self._lock.close()

    def _check_size(self, items: Sequence[bytes]) -> None:
        longest = max(map(len, items), default=0)
        if longest > self._item_bytes_max:
            raise SpoolFull(f"an item of {longest} bytes; spool {self._folder} takes {self._item_bytes_max} at most")
        size = self.size + sum(HEAD.size + len(item) for item in items)
        if size > self._limit_bytes:
            raise SpoolFull(f"spool {self._folder} is full: {self._limit_bytes} bytes; nothing pulls it")

    def _append(self, items: Sequence[bytes]) -> list[int]:
        """Write, sync, and only then know about the items."""
        file = self._open_file()
        segment = self._segments[-1]
        numbers = list(range(segment.last + 1, segment.last + 1 + len(items)))
        file.write(b"".join(map(encode_record, numbers, items)))
        file.sync()
        for item in items:
            segment.add(len(item))
        return numbers

    def _open_file(self) -> Appending:
        """The last segment, open; a new one if it is long; cut to what is known to be good if a write failed."""
        if self._segments[-1].size >= self._segment_bytes:
            self._close_file()
            self._start_segment()
        if self._file is None:
            segment = self._segments[-1]
            if self._disk.size(segment.path) != segment.size:
                self._disk.truncate(segment.path, segment.size)
            self._file = self._disk.append(segment.path)
        return self._file

    def _close_file(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _identify(self, random: Callable[[int], bytes]) -> str:
        path = self._folder / "identity"
        if path.name not in self._disk.names(self._folder):
            write_whole(self._disk, path, random(16).hex().encode())
        return self._disk.read(path).decode("ascii", "replace")

    def _read_released(self) -> int:
        """0 if there is no mark or it is damaged: then items come again, which readers recognise."""
        path = self._folder / "released"
        text = self._disk.read(path) if path.name in self._disk.names(self._folder) else b"0"
        return int(text) if text.isdigit() and len(text) <= 20 else 0

    def _open_segments(self) -> list[Segment]:
        names = [name for name in self._disk.names(self._folder) if _SEGMENT_NAME.fullmatch(name)]
        opened = [open_segment(self._disk, self._folder / name, self._item_bytes_max) for name in names]
        segments = [segment for segment, _ in opened]
        self._continue(segments, opened[-1][1] if opened else b"")
        for segment, torn in opened:
            if torn:
                self._keep_aside(segment.path.with_suffix(".torn"), torn)
                self._disk.truncate(segment.path, segment.size)
        return segments

    def _continue(self, segments: list[Segment], torn: bytes) -> None:
        """Make sure that the next number was never given before, whatever was lost behind the last good record."""
        if segments:
            self._sync(segments[-1])
        last = max(self._released, segments[-1].last if segments else 0)
        lost = len(torn) // HEAD.size + 1 if torn else 0
        if not segments or lost or last > segments[-1].last:
            segments.append(self._new_segment(last + lost + 1))

    def _sync(self, segment: Segment) -> None:
        """Records that a killed process wrote but did not sync must not be shown before they are safe."""
        file = self._disk.append(segment.path)
        file.sync()
        file.close()
        self._disk.sync_folder(self._folder)

    def _keep_aside(self, path: Path, torn: bytes) -> None:
        write_whole(self._disk, path, torn)
        old = [name for name in self._disk.names(self._folder) if name.endswith(".torn")]
        for name in old[:-_TORN_KEPT]:
            self._disk.remove(self._folder / name)

    def _new_segment(self, first: int) -> Segment:
        path = self._folder / f"{first:020d}{ENDING}"
        self._disk.append(path).close()
        self._disk.sync_folder(self._folder)
        return Segment(first, path)

    def _start_segment(self) -> None:
        self._segments.append(self._new_segment(self._segments[-1].last + 1))

    def _remove_released(self) -> None:
        """Remove segments that are wholly released; the last one stays, its name keeps the numbers going."""
        last = self._segments[-1]
        if last.last <= self._released and last.size >= _ROLL_WHEN_EMPTY:
            self._close_file()
            self._start_segment()
        while len(self._segments) > 1 and self._segments[0].last <= self._released:
            self._disk.remove(self._segments[0].path)
            del self._segments[0]
