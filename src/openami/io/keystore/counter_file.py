"""Invocation counters that survive anything: a journal, synced before a value counts.

A record is one commit: CRC-32 (4 bytes, of the rest), length (4 bytes), then per counter the length of its name
(1 byte), its value (8 bytes, big-endian) and its name (UTF-8). The last value of a name counts. When the journal
is long and mostly old, what counts is written to a new file that replaces it in one step.

Counters never run backwards: a nonce used twice under one key gives the key away. `save` refuses a lower value.
"""

from __future__ import annotations

import struct
import threading
import zlib
from collections.abc import Mapping
from pathlib import Path

from openami.io.disk import Appending, Disk
from openami.model.errors import SettingError, StoreError

_HEAD = struct.Struct(">II")
_ENTRY = struct.Struct(">BQ")
_CHECKED_FROM = 4
NAME_BYTES_MAX = 255
VALUE_MAX = 2**64 - 1
COMPACT_BYTES = 1 << 20
_COMPACT_FACTOR = 4


class CounterFile:
    """The counters in the journal at `path`, made if it does not exist. One process at a time.

    A record that a crash left half-written was never confirmed to anybody: it is cut off. Damage before the last
    record is refused with `StoreError`, because a counter that falls back is worse than a stop.
    """

    def __init__(self, path: Path, *, disk: Disk, compact_bytes: int = COMPACT_BYTES) -> None:
        self._path = path
        self._disk = disk
        self._compact_bytes = compact_bytes
        self._turn = threading.Lock()
        disk.make_folder(path.parent)
        self._lock = disk.lock(path.with_name(path.name + ".lock"))
        self._values: dict[str, int] = {}
        self._size = 0
        self._live = 0
        self._file: Appending | None = None
        self._recover()

    def load(self, name: str) -> int:
        """The saved value of counter `name`; 0 if it was never saved."""
        return self._values.get(name, 0)

    def save(self, name: str, value: int) -> None:
        """Keep `value`; it is on the disk when this returns."""
        self.save_many({name: value})

    def save_many(self, values: Mapping[str, int]) -> None:
        """Keep many values with one sync: all of them are on the disk when this returns."""
        with self._turn:
            for name, value in values.items():
                self._check(name, value)
            changed = {name: value for name, value in values.items() if value != self._values.get(name)}
            if changed:
                self._commit(changed)

    def names(self) -> list[str]:
        """The names of all counters."""
        return sorted(self._values)

    def close(self) -> None:
        self._close_file()
        self._lock.close()

    def _check(self, name: str, value: int) -> None:
        if not 0 < len(name.encode()) <= NAME_BYTES_MAX:
            raise SettingError(f"the name of a counter has 1 to {NAME_BYTES_MAX} bytes: {name[:40]!r}")
        if not 0 <= value <= VALUE_MAX:
            raise SettingError(f"counter {name!r} cannot be {value}")
        if value < self._values.get(name, 0):
            raise StoreError(f"counter {name!r} stands at {self._values[name]}; it never goes back to {value}")

    def _commit(self, values: Mapping[str, int]) -> None:
        data = _record(values)
        try:
            file = self._open_file()
            file.write(data)
            file.sync()
        except OSError as error:
            self._close_file()
            raise StoreError(f"counters {self._path}: {error.strerror or error}; nothing was saved") from error
        self._size += len(data)
        self._take(values)
        if self._size > max(self._compact_bytes, _COMPACT_FACTOR * self._live):
            self._compact()

    def _take(self, values: Mapping[str, int]) -> None:
        for name, value in values.items():
            if name not in self._values:
                self._live += _ENTRY.size + len(name.encode())
            self._values[name] = value

    def _open_file(self) -> Appending:
        """The journal, open under a durable name; cut to what is known to be good if an earlier write failed."""
        if self._file is None:
            if self._path.name in self._disk.names(self._path.parent) and self._disk.size(self._path) != self._size:
                self._disk.truncate(self._path, self._size)
            file = self._disk.append(self._path)
            try:
                self._disk.sync_folder(self._path.parent)
            except OSError:
                file.close()
                raise
            self._file = file
        return self._file

    def _close_file(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _compact(self) -> None:
        """Write what counts to a new file. If that fails the old journal goes on: it holds the same values."""
        data = _record(self._values)
        new = self._path.with_name(self._path.name + ".new")
        try:
            self._disk.remove(new)
            file = self._disk.append(new)
            try:
                file.write(data)
                file.sync()
            finally:
                file.close()
            self._close_file()
            self._disk.replace(new, self._path)
            self._size = len(data)
            self._disk.sync_folder(self._path.parent)
        except OSError:
            self._close_file()

    def _recover(self) -> None:
        if self._path.name not in self._disk.names(self._path.parent):
            return
        data = self._disk.read(self._path)
        self._size = self._replay(data)
        if self._size < len(data):
            self._refuse_damage(data)
            self._disk.truncate(self._path, self._size)
        file = self._disk.append(self._path)
        file.sync()  # a killed process may have written without syncing: make it safe before anybody builds on it
        file.close()

    def _replay(self, data: bytes) -> int:
        """Take every good record; return where the first bad one begins."""
        at = 0
        while (record := _read_record(data, at)) is not None:
            values, at = record
            self._take({name: max(value, self._values.get(name, 0)) for name, value in values})
        return at

    def _refuse_damage(self, data: bytes) -> None:
        """A torn commit leaves nothing good behind it; if there is something good, an older one is damaged."""
        for at in range(self._size + 1, len(data) - _HEAD.size):
            if _read_record(data, at) is not None:
                raise StoreError(
                    f"counters {self._path} are damaged at offset {self._size}: restore the file and raise the counters"
                )


def _record(values: Mapping[str, int]) -> bytes:
    body = bytearray()
    for name, value in values.items():
        text = name.encode()
        body += _ENTRY.pack(len(text), value) + text
    rest = len(body).to_bytes(4, "big") + body
    return zlib.crc32(rest).to_bytes(4, "big") + rest


def _read_record(data: bytes, at: int) -> tuple[list[tuple[str, int]], int] | None:
    """The counters and the end of the record at `at`; None if there is no good one."""
    if at + _HEAD.size > len(data):
        return None
    check, length = _HEAD.unpack_from(data, at)
    end = at + _HEAD.size + length
    if end > len(data) or length == 0 or zlib.crc32(data[at + _CHECKED_FROM : end]) != check:
        return None
    return _read_entries(data, at + _HEAD.size, end), end


def _read_entries(data: bytes, at: int, end: int) -> list[tuple[str, int]]:
    entries = []
    while at < end:
        length, value = _ENTRY.unpack_from(data, at)
        at += _ENTRY.size + length
        entries.append((data[at - length : at].decode(), value))
    return entries
