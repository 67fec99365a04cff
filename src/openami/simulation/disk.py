"""A disk in memory that dies at a chosen step and then remembers only what was promised.

Every call that changes something, or makes it durable, is a step. At the step `dies_at` the disk raises
`PowerCut`; from then on it is gone. `after_power_cut` gives the disk that the next start finds: synced bytes are
there, of the bytes written since a chosen part (a prefix, possibly garbled at its end), and names that were not
synced are old or new. `after_kill` gives what a killed process leaves while the machine lives on: all that was
written. `room` is how many more bytes it takes; then it is full and says so as the operating system does.
"""

from __future__ import annotations

import errno
from pathlib import Path
from random import Random

from openami.model.errors import StoreError


class PowerCut(BaseException):
    """Nothing may catch this, as nothing catches a kill."""


class _File:
    def __init__(self, synced: bytes = b"") -> None:
        self.synced = bytearray(synced)
        self.now = bytearray(synced)


class FaultFile:
    """A file of a `FaultDisk`, open for appending."""

    def __init__(self, disk: FaultDisk, file: _File) -> None:
        self._disk = disk
        self._file = file
        self._open = True

    def write(self, data: bytes) -> None:
        assert self._open
        self._disk.take_room(len(data))
        part = self._disk.step("write", len(data))
        self._file.now += data[:part]
        self._disk.finish()

    def sync(self) -> None:
        assert self._open
        self._disk.step("sync")
        self._disk.finish()
        self._file.synced[:] = self._file.now

    def close(self) -> None:
        self._open = False


class FaultDisk:
    """See the head of this file."""

    def __init__(self, dies_at: int | None = None, seed: int = 0) -> None:
        self.dies_at = dies_at
        self.steps = 0
        self.fails: set[int] = set()
        self.room: int | None = None
        self.choice = Random(seed)
        self.files: dict[Path, _File] = {}
        self.durable: dict[Path, _File] = {}
        self._dying = False

    # steps

    def step(self, kind: str, size: int = 0) -> int:
        """Count a step; return how many of `size` bytes still get through."""
        if self._dying:
            raise PowerCut
        self.steps += 1
        if self.steps in self.fails:
            raise OSError(5, f"input/output error in {kind}")
        if self.steps == self.dies_at:
            self._dying = True
            return self.choice.randint(0, size)
        return size

    def take_room(self, size: int) -> None:
        """Raise the operating system's error if `size` more bytes do not fit."""
        if self.room is not None:
            if size > self.room:
                raise OSError(errno.ENOSPC, "no space left on device")
            self.room -= size

    def finish(self) -> None:
        """The step is done; nothing is if the power went with it."""
        if self._dying:
            raise PowerCut

    def after_kill(self) -> FaultDisk:
        """What the next process finds when this one was killed."""
        return self._next({path: _copy(file) for path, file in self.files.items()})

    def after_power_cut(self) -> FaultDisk:
        """What the next start finds when the machine lost its supply."""
        names = dict(self.durable)
        for path in sorted({*self.files, *self.durable}):
            if self.files.get(path) is not self.durable.get(path) and self.choice.random() < 0.5:
                names.pop(path, None)
                if path in self.files:
                    names[path] = self.files[path]
        return self._next({path: self._lose(file) for path, file in names.items()})

    def _lose(self, file: _File) -> _File:
        """Keep what was synced; of what came after it some prefix, its last bytes perhaps zeros."""
        if file.now[: len(file.synced)] != file.synced:  # truncated without sync: cannot happen here
            raise AssertionError("truncation is synced")
        tail = bytearray(file.now[len(file.synced) :])
        tail = tail[: self.choice.randint(0, len(tail))]
        if tail and self.choice.random() < 0.3:
            zeros = self.choice.randint(1, len(tail))
            tail[-zeros:] = bytes(zeros)
        return _File(bytes(file.synced) + bytes(tail))

    def _next(self, files: dict[Path, _File]) -> FaultDisk:
        disk = FaultDisk(seed=self.choice.randrange(1 << 30))
        disk.files = files
        disk.durable = dict(files)
        return disk

    # the disk

    def make_folder(self, path: Path) -> None:
        pass

    def names(self, folder: Path) -> list[str]:
        return sorted(path.name for path in self.files if path.parent == folder)

    def size(self, path: Path) -> int:
        return len(self._get(path).now)

    def read(self, path: Path, offset: int = 0, size: int = -1) -> bytes:
        data = bytes(self._get(path).now)[offset:]
        return data if size < 0 else data[:size]

    def append(self, path: Path) -> FaultFile:
        if path not in self.files:
            self.step("make")
            self.files[path] = _File()
            self.finish()
        return FaultFile(self, self.files[path])

    def truncate(self, path: Path, size: int) -> None:
        self.step("truncate")
        file = self._get(path)
        del file.now[size:]
        file.synced[:] = file.now
        self.finish()

    def replace(self, path: Path, new: Path) -> None:
        self.step("replace")
        self.files[new] = self.files.pop(path)
        self.finish()

    def remove(self, path: Path) -> None:
        if path in self.files:
            self.step("remove")
            del self.files[path]
            self.finish()

    def sync_folder(self, folder: Path) -> None:
        self.step("sync folder")
        self.finish()
        for path in sorted({*self.files, *self.durable}):
            if path.parent == folder:
                self.durable.pop(path, None)
                if path in self.files:
                    self.durable[path] = self.files[path]

    def lock(self, path: Path) -> FaultFile:  # noqa: ARG002 - one process lives here
        if self._dying:
            raise StoreError("gone")
        return FaultFile(self, _File())

    def _get(self, path: Path) -> _File:
        if path not in self.files:
            raise FileNotFoundError(2, "no such file", str(path))
        return self.files[path]


def _copy(file: _File) -> _File:
    """After a kill the machine still holds unsynced bytes: they may still be lost to a later power cut."""
    copy = _File(bytes(file.synced))
    copy.now[:] = file.now
    return copy
