"""The head of one mesh: its root's datagrams go into a spool on a disk that can fail, and from there to the office."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from openami.io.spool.file_spool import FileSpool
from openami.model.errors import StoreError
from openami.protocols.zones.message import Push, encode_push
from openami.simulation.disk import FaultDisk

SPOOL_BYTES = 64 << 20


class Head:
    """`refused` counts pushes that the disk did not take; their meters hear nothing of it and their values are late."""

    def __init__(self, name: str, random: Callable[[int], bytes], seed: int) -> None:
        self.name = name
        self.disk = FaultDisk(seed=seed)
        self.refused = 0
        self.torn = 0
        self._random = random
        self.spool = self._open()

    def take(self, payload: bytes, now: float) -> bool:
        """A sealed push has come; whether it is on the disk now."""
        try:
            self.spool.append(encode_push(Push(now, self.name, "mesh", payload)))
        except StoreError:
            self.refused += 1
            return False
        return True

    def lose_power(self, half: bytes = b"") -> None:
        """The machine dies, perhaps in the middle of writing the record `half`; the next one finds its disk."""
        if half:
            segments = [name for name in self.disk.names(Path(self.name)) if name.endswith(".items")]
            path = Path(self.name) / segments[-1]
            self.disk.append(path).write(half)
            self.torn += 1
        room = self.disk.room
        self.disk = self.disk.after_kill() if half else self.disk.after_power_cut()
        self.disk.room = room
        self.spool = self._open()

    def _open(self) -> FileSpool:
        return FileSpool(Path(self.name), disk=self.disk, random=self._random, limit_bytes=SPOOL_BYTES)
