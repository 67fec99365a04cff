"""What every part of the back office may be asked about its log, what a witness is asked, and what all answers share.

Each message is MessagePack in a frame; a request gets exactly one answer, and `Refused` may be the answer to any.

    witness     AddCheckpoint → Cosigned | HeadIs
    any log     AskCheckpoint → Head · AskInclusion → Included · AskTail → Tail
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from openami.protocols.zones.message import Text

Hash = Annotated[bytes, Meta(min_length=32, max_length=32)]
Octets = Annotated[bytes, Meta(max_length=1 << 20)]
Name = Annotated[str, Meta(min_length=1, max_length=255)]
Number = Annotated[int, Meta(ge=0, lt=1 << 62)]
Proof = Annotated[list[Hash], Meta(max_length=64)]
TAIL_MAX = 256
ANSWER_BYTES_MAX = 2 << 20
"""How much of a list goes into one answer: the newest first, as many as fit."""


class InnerMessage(Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """A message carries the name of its class."""


class Done(InnerMessage, frozen=True):
    """It is done and kept; `holds` is when it begins or ends to hold (UTC seconds), 0 if that means nothing."""

    holds: float = 0.0


class AskCheckpoint(InnerMessage, frozen=True):
    """The head of your log, and the proof that it continues the first `old` leaves."""

    old: Number


class Head(InnerMessage, frozen=True):
    """The signed note, and the proof."""

    note: Annotated[str, Meta(max_length=16_384)]
    size: Number
    proof: Proof


class AskInclusion(InnerMessage, frozen=True):
    """Record `leaf` of your log, and the proof that it is among the first `size`."""

    leaf: Number
    size: Number


class Included(InnerMessage, frozen=True):
    """The record and its proof."""

    record: Octets
    proof: Proof


class AskTail(InnerMessage, frozen=True):
    """The last records of your log, at most `limit`."""

    limit: Annotated[int, Meta(ge=1, le=TAIL_MAX)]


class Leaf(Struct, frozen=True, forbid_unknown_fields=True, array_like=True):
    """Record `index` of a log, and the proof that it is among the first `Tail.size`."""

    index: Number
    record: Octets
    proof: Proof


class Tail(InnerMessage, frozen=True):
    """The log's head as it signed it, and its last records, oldest first."""

    note: Annotated[str, Meta(max_length=16_384)]
    size: Number
    leaves: Annotated[list[Leaf], Meta(max_length=TAIL_MAX)]


class AddCheckpoint(InnerMessage, frozen=True):
    """Cosign this head of the log `origin`, which continues the first `old` leaves."""

    origin: Name
    old: Number
    proof: Proof
    note: Annotated[str, Meta(max_length=16_384)]


class Cosigned(InnerMessage, frozen=True):
    """The signature line of the witness."""

    line: Text


class HeadIs(InnerMessage, frozen=True):
    """The witness knows another size: prove from there."""

    size: Number


class Refused(InnerMessage, frozen=True):
    """No; `detail` is for people."""

    detail: Text


LogRequest = AskCheckpoint | AskInclusion | AskTail
