"""Records that can only be added to, as a Merkle log: a head of 32 octets speaks for all of them.

A room that decides by what it did before (authority, guard) keeps its events in one: what it does is what is logged,
and there is no second copy that could be forgotten.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from openami.backoffice.audit.merkle import MerkleTree, leaf_hash
from openami.backoffice.audit.note import Checkpoint, sign_checkpoint
from openami.io.spool.chain import RecordChain
from openami.io.spool.spool import Spool
from openami.model.errors import SettingError


class Inclusion(NamedTuple):
    """A record, and the proof that it is leaf `leaf` of the first `size`."""

    record: bytes
    leaf: int
    size: int
    proof: list[bytes]


class MerkleLog(RecordChain):
    """See `RecordChain`; read it through once before anything else."""

    def __init__(self, spool: Spool, origin: str) -> None:
        super().__init__(spool)
        self.origin = origin
        self.tree = MerkleTree()
        self._numbers: list[int] = []

    def replay(self) -> Iterator[bytes]:
        self.tree, self._numbers = MerkleTree(), []
        for number, record in self.numbered():
            self._grow(number, record)
            yield record

    def add(self, records: Sequence[bytes]) -> int:
        last = super().add(records)
        for step, record in enumerate(records):
            self._grow(last - len(records) + 1 + step, record)
        return last

    def checkpoint(self, key: Ed25519PrivateKey) -> str:
        """The head, signed by the log."""
        return sign_checkpoint(Checkpoint(self.origin, len(self.tree), self.tree.root()), key)

    def inclusion(self, index: int, size: int | None = None) -> Inclusion:
        """Record `index`, counted from 0, and its proof. Raises `SettingError` if it is not there."""
        end = len(self.tree) if size is None else size
        proof = self.tree.inclusion(index, end)
        return Inclusion(self._record(index), index, end, proof)

    def records(self, after: int, limit: int) -> list[bytes]:
        """The records from index `after` on, at most `limit`."""
        if after < 0 or limit < 1:
            raise SettingError(f"records after {after}, {limit} of them: that cannot be asked")
        return [self._record(index) for index in range(after, min(after + limit, len(self.tree)))]

    def _record(self, index: int) -> bytes:
        return self.record(self._numbers[index])

    def _grow(self, number: int, record: bytes) -> None:
        self.tree.append(leaf_hash(record))
        self._numbers.append(number)
