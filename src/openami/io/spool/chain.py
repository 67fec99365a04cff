"""Records that can only be added to: each names the hash of the one before, so that a gap or an edit is found.

Written into a spool that nobody releases; a room that decides by what it did before keeps its history in one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256

from openami.io.spool.spool import Spool
from openami.model.errors import StoreError

_HASH_BYTES = 32
_START = bytes(_HASH_BYTES)
_AT_A_TIME = 1024


class RecordChain:
    """The records in `spool`; read them through once with `replay` before adding to them."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._head: bytes | None = None
        self._failed = False

    @property
    def head(self) -> bytes:
        """The hash of the last record: whoever holds it elsewhere sees that nothing before it was changed."""
        if self._head is None or self._failed:
            raise StoreError("the records are not read, or a write failed: start again and read them through first")
        return self._head

    def replay(self) -> Iterator[bytes]:
        """Every record, oldest first; raises `StoreError` where the chain is broken."""
        for _, record in self.numbered():
            yield record

    def numbered(self) -> Iterator[tuple[int, bytes]]:
        """See `replay`; each record with its number, by which `record` finds it again."""
        head, after = _START, 0
        while items := self._spool.read(after, _AT_A_TIME):
            for item in items:
                if item.content[:_HASH_BYTES] != head:
                    raise StoreError(f"record {item.number} does not follow the one before it: lost or changed records")
                head, after = sha256(item.content).digest(), item.number
                yield item.number, item.content[_HASH_BYTES:]
        self._head = head

    def record(self, number: int) -> bytes:
        """The record with this number; raises `StoreError` if it is not there."""
        for item in self._spool.read(number - 1, 1):
            if item.number == number:
                return item.content[_HASH_BYTES:]
        raise StoreError(f"record {number} cannot be found: lost or changed records")

    def add(self, records: Sequence[bytes]) -> int:
        """Add `records`, durably, all or none; the number of the last one. After a failure nothing more is added."""
        head, items = self.head, []
        for record in records:
            items.append(head + record)
            head = sha256(items[-1]).digest()
        self._failed = True
        numbers = self._spool.append_many(items)
        self._head, self._failed = head, False
        return numbers[-1]
