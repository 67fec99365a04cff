"""The witness: under other administration it remembers the last head of each log and cosigns only what continues it.

It keeps a head before it hands out the cosignature, so that a power cut never makes it sign two histories.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from openami.backoffice.audit.merkle import EMPTY_ROOT, verify_consistency
from openami.backoffice.audit.note import Checkpoint, LogKey, cosign, read_checkpoint
from openami.io.disk import Disk, write_whole
from openami.model.errors import SecurityError, StoreError


class HeadDiffers(SecurityError):
    """The log asked from another size than the witness knows: `size` is the one to prove from."""

    def __init__(self, origin: str, asked: int, size: int) -> None:
        super().__init__(f"{origin} asks from {asked} leaves, the witness knows {size}: prove from there")
        self.size = size


class SplitView(SecurityError):
    """A log has signed a head that does not continue the one before: somebody is shown another history."""


class _Head(NamedTuple):
    size: int
    root: bytes


class Witness:
    """Cosigns as `name`; `logs` are those that it knows, by origin, and `path` is where it keeps their heads."""

    def __init__(
        self,
        name: str,
        key: Ed25519PrivateKey,
        logs: Mapping[str, LogKey],
        path: Path,
        *,
        disk: Disk,
        clock: Callable[[], float],
    ) -> None:
        self._name = name
        self._key = key
        self._logs = logs
        self._path = path
        self._disk = disk
        self._clock = clock
        self._heads = self._read()

    def head(self, origin: str) -> Checkpoint:
        """The last head of a log that was cosigned."""
        return Checkpoint(origin, *self._heads.get(origin, _Head(0, EMPTY_ROOT)))

    def add_checkpoint(self, origin: str, old: int, proof: Sequence[bytes], note: str) -> str:
        """The cosignature line for `note`, if `proof` shows that it continues the tree of `old` leaves.

        Raises `HeadDiffers` with the size to prove from, `SplitView` if the log contradicts itself, `SecurityError` or
        `DecodeError` for what no log of this witness has signed.
        """
        key = self._logs.get(origin)
        if key is None:
            raise SecurityError(f"{origin} is no log that this witness knows")
        new, known = read_checkpoint(note, key), self.head(origin)
        if old != known.size:
            raise HeadDiffers(origin, old, known.size)
        try:
            verify_consistency(known.size, known.root, new.size, new.root, proof)
        except SecurityError as error:
            raise SplitView(f"{origin}: {error}; the last head that was cosigned has {known.size} leaves") from None
        self._keep(origin, _Head(new.size, new.root))
        return cosign(note, self._name, self._key, int(self._clock()))

    def _keep(self, origin: str, head: _Head) -> None:
        heads = {**self._heads, origin: head}
        try:
            write_whole(self._disk, self._path, msgspec.msgpack.encode(heads))
        except OSError as error:
            raise StoreError(f"witness {self._path}: {error.strerror or error}; nothing was cosigned") from error
        self._heads = heads

    def _read(self) -> dict[str, _Head]:
        if self._path.name not in self._disk.names(self._path.parent):
            return {}
        try:
            return msgspec.msgpack.decode(self._disk.read(self._path), type=dict[str, _Head])
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise StoreError(f"witness {self._path} is damaged: {error}; restore it, never begin anew") from error
