"""What the back office enters in its own audit log, beside what authority and guard keep in theirs.

An entry names persons by their account and consumers by a pseudonym; values and keys never stand in it, only hashes.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum

import msgspec

from openami.backoffice.audit.log import MerkleLog


class Kind(StrEnum):
    """What is entered."""

    KEY = "key"
    CERTIFICATE = "certificate"
    CONSENT = "consent"
    PERSONAL_DATA = "personal-data"
    BLOCKS = "blocks"
    CONTINUITY = "continuity"
    ALERT = "alert"
    COMMAND = "command"
    ACCOUNT = "account"


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At `at` (UTC seconds) `actor` did `what` to `subject`; `digest` is the hash of what it was about, or empty."""

    at: float
    kind: Kind
    actor: str
    subject: str
    what: str
    digest: bytes = b""


_ENCODER = msgspec.msgpack.Encoder()
_DECODER: msgspec.msgpack.Decoder[Entry] = msgspec.msgpack.Decoder(Entry)


def encode_entry(entry: Entry) -> bytes:
    """The record of `entry`."""
    return _ENCODER.encode(entry)


def decode_entry(raw: bytes) -> Entry:
    """The entry in a record that this installation wrote."""
    return _DECODER.decode(raw)


class Audit:
    """The back office's audit log: whoever does something that is to be seen later, enters it here first.

    `turn` is held while something is entered: a lock, where several threads do.
    """

    def __init__(
        self, log: MerkleLog, clock: Callable[[], float], turn: AbstractContextManager[object] | None = None
    ) -> None:
        self.log = log
        self.cosigned = ""
        """The last head of this log that a witness has cosigned, a note; empty: none has."""
        self._clock = clock
        self._turn = nullcontext() if turn is None else turn
        self._of_kind: dict[Kind, list[int]] = {kind: [] for kind in Kind}
        for index, raw in enumerate(log.replay()):
            self._of_kind[decode_entry(raw).kind].append(index)

    def enter(self, kind: Kind, actor: str, subject: str, what: str, digest: bytes = b"") -> int:
        """Enter one thing, durably; its index. Raises `StoreError`: then it must not be done."""
        with self._turn:
            self.log.add([encode_entry(Entry(self._clock(), kind, actor, subject, what, digest))])
            index = len(self.log.tree) - 1
            self._of_kind[kind].append(index)
            return index

    def entries(self, after: int, limit: int) -> list[Entry]:
        """The entries from index `after` on, at most `limit`."""
        return [decode_entry(raw) for raw in self.log.records(after, limit)]

    def of_kind(self, kind: Kind) -> list[Entry]:
        """All entries of one kind, oldest first."""
        return [decode_entry(self.log.inclusion(index).record) for index in list(self._of_kind[kind])]
