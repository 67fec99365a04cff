"""The few things that durable files need from a disk, so that a test can put a failing one in its place.

What is written is durable only after `sync`; a name that is made, replaced or removed is durable only after
`sync_folder`. Everything raises `OSError` as the operating system does.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Protocol

from openami.model.errors import StoreError

_PRIVATE = 0o600


class Appending(Protocol):
    """A file that is only ever appended to."""

    def write(self, data: bytes) -> None:
        """Append all of `data`."""
        ...

    def sync(self) -> None:
        """Return when all that was written is on the disk."""
        ...

    def close(self) -> None:
        """End; may be called twice."""
        ...


class Disk(Protocol):
    """Files of one machine."""

    def make_folder(self, path: Path) -> None: ...

    def names(self, folder: Path) -> list[str]:
        """The names in `folder`, sorted; none if there is no such folder."""
        ...

    def size(self, path: Path) -> int: ...

    def read(self, path: Path, offset: int = 0, size: int = -1) -> bytes:
        """`size` bytes from `offset` (all that follow if negative); fewer at the end."""
        ...

    def append(self, path: Path) -> Appending:
        """Open for appending; made, readable by its owner only, if it does not exist."""
        ...

    def truncate(self, path: Path, size: int) -> None:
        """Cut to `size` bytes and sync."""
        ...

    def replace(self, path: Path, new: Path) -> None:
        """Give the file `path` the name `new`, in one step, whatever had that name before."""
        ...

    def remove(self, path: Path) -> None: ...

    def sync_folder(self, folder: Path) -> None: ...

    def lock(self, path: Path) -> Appending:
        """Keep other processes out until closed; raise `StoreError` if one is in."""
        ...


class SystemFile:
    """A file of the operating system, unbuffered."""

    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, _PRIVATE)

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._handle, view) :]

    def sync(self) -> None:
        os.fsync(self._handle)

    def close(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def lock(self, path: Path) -> None:
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self.close()
            raise StoreError(f"{path.parent} is in use by another process; stop that one first") from error


class SystemDisk:
    """The machine's disk."""

    def make_folder(self, path: Path) -> None:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def names(self, folder: Path) -> list[str]:
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []

    def size(self, path: Path) -> int:
        return path.stat().st_size

    def read(self, path: Path, offset: int = 0, size: int = -1) -> bytes:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(size)

    def append(self, path: Path) -> SystemFile:
        return SystemFile(path)

    def truncate(self, path: Path, size: int) -> None:
        with path.open("rb+") as file:
            file.truncate(size)
            os.fsync(file.fileno())

    def replace(self, path: Path, new: Path) -> None:
        path.replace(new)

    def remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)

    def sync_folder(self, folder: Path) -> None:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def lock(self, path: Path) -> SystemFile:
        file = SystemFile(path)
        file.lock(path)
        return file


def write_whole(disk: Disk, path: Path, data: bytes) -> None:
    """Make `path` hold exactly `data`, durably and in one step: before it either the old content or none."""
    new = path.with_name(path.name + ".new")
    disk.remove(new)
    file = disk.append(new)
    try:
        file.write(data)
        file.sync()
    finally:
        file.close()
    disk.replace(new, path)
    disk.sync_folder(path.parent)
