"""What a room says about its log when it is asked, and how a witness answers."""

from __future__ import annotations

from collections import deque

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from openami.backoffice.audit.log import MerkleLog
from openami.backoffice.audit.witness import HeadDiffers, Witness
from openami.model.errors import DecodeError, SecurityError, SettingError, StoreError
from openami.protocols.zones.inner_message import InnerAnswer
from openami.protocols.zones.log_message import (
    ANSWER_BYTES_MAX,
    AddCheckpoint,
    AskCheckpoint,
    AskTail,
    Cosigned,
    Head,
    HeadIs,
    Included,
    Leaf,
    LogRequest,
    Refused,
    Tail,
)

REFUSALS = (SecurityError, SettingError, StoreError, DecodeError)
_DETAIL_MAX = 500


def refused(error: Exception) -> Refused:
    """The answer to what was not done."""
    return Refused(str(error)[:_DETAIL_MAX])


def answer_about(log: MerkleLog, key: Ed25519PrivateKey, request: LogRequest) -> InnerAnswer:
    """The head or a record of `log`, with its proof; raises `SettingError` for what it does not have."""
    if isinstance(request, AskCheckpoint):
        return Head(log.checkpoint(key), len(log.tree), log.tree.consistency(request.old))
    if isinstance(request, AskTail):
        return tail_of(log, key, request.limit)
    found = log.inclusion(request.leaf, request.size)
    return Included(found.record, found.proof)


def tail_of(log: MerkleLog, key: Ed25519PrivateKey, limit: int) -> Tail:
    """The head of `log` and its last records: at most `limit`, and as many as one answer carries."""
    size, leaves, octets = len(log.tree), deque[Leaf](), 0
    for index in range(size - 1, max(-1, size - 1 - limit), -1):
        found = log.inclusion(index)
        octets += len(found.record)
        if octets > ANSWER_BYTES_MAX:
            break
        leaves.appendleft(Leaf(index, found.record, found.proof))
    return Tail(log.checkpoint(key), size, list(leaves))


def answer_as_witness(witness: Witness, request: AddCheckpoint) -> InnerAnswer:
    """The cosignature, the size to prove from, or why not."""
    try:
        return Cosigned(witness.add_checkpoint(request.origin, request.old, request.proof, request.note))
    except HeadDiffers as error:
        return HeadIs(error.size)
    except REFUSALS as error:
        return refused(error)
