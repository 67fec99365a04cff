"""The head of one mesh: its root's datagrams go into a spool on a disk that can fail, and from there to the office."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path

from openami.io.spool.file_spool import FileSpool
from openami.model.errors import StoreError
from openami.protocols.zones.message import Push, encode_push
from openami.simulation.disk import FaultDisk

SPOOL_BYTES = 64 << 20
WAITING_MAX = 4096


class Head:
    """What the disk refuses waits in memory, the oldest `WAITING_MAX` of it; `refused` counts how often it did."""

    def __init__(self, name: str, random: Callable[[int], bytes], seed: int) -> None:
        self.name = name
        self.folder = Path(name)
        self.disk = FaultDisk(seed=seed)
        self.refused = 0
        self.torn = 0
        self._waiting: deque[bytes] = deque()
        self._random = random
        self.spool = self._open()

    def take(self, payload: bytes, now: float) -> bool:
        """A sealed push has come; whether it is on the disk now."""
        if len(self._waiting) < WAITING_MAX:
            self._waiting.append(encode_push(Push(now, self.name, "mesh", payload)))
        return self.flush()

    def flush(self) -> bool:
        """Try to bring to the disk what waits; whether all of it is there."""
        try:
            while self._waiting:
                self.spool.append(self._waiting[0])
                self._waiting.popleft()
        except StoreError:
            self.refused += 1
        return not self._waiting

    def lose_power(self, half: bytes = b"") -> None:
        """The machine dies, perhaps in the middle of writing the record `half`; the next one finds its disk."""
        if half:
            segments = [name for name in self.disk.names(self.folder) if name.endswith(".items")]
            path = self.folder / segments[-1]
            self.disk.append(path).write(half)
            self.torn += 1
        self._waiting.clear()
        room = self.disk.room
        self.disk = self.disk.after_kill() if half else self.disk.after_power_cut()
        self.disk.room = room
        self.spool = self._open()

    def _open(self) -> FileSpool:
        return FileSpool(self.folder, disk=self.disk, random=self._random, limit_bytes=SPOOL_BYTES)
