"""What a room says about its log when it is asked, and how a witness answers."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from openami.backoffice.audit.log import MerkleLog
from openami.backoffice.audit.witness import HeadDiffers, Witness
from openami.model.errors import DecodeError, SecurityError, SettingError, StoreError
from openami.protocols.zones.inner_message import (
    AddCheckpoint,
    AskCheckpoint,
    Cosigned,
    Head,
    HeadIs,
    Included,
    InnerAnswer,
    LogRequest,
    Refused,
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
    found = log.inclusion(request.leaf, request.size)
    return Included(found.record, found.proof)


def answer_as_witness(witness: Witness, request: AddCheckpoint) -> InnerAnswer:
    """The cosignature, the size to prove from, or why not."""
    try:
        return Cosigned(witness.add_checkpoint(request.origin, request.old, request.proof, request.note))
    except HeadDiffers as error:
        return HeadIs(error.size)
    except REFUSALS as error:
        return refused(error)
