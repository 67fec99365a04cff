"""The messages to authority, guard and witness, declared (our own protocol). Each is MessagePack in a frame.

A request gets exactly one answer; `Refused` may be the answer to any.

    authority   AskFor → Made · Approve, ApproveAlone → Done · Sign → SignedCommands · AskCommands → CommandsOf
                AskWaiting → Waiting
    guard       Submit, Release → Verdicts · AskQuarantine → Quarantine · Delete, PreparePlan, ActivatePlan,
                ChangeLimits → Done
    witness     AddCheckpoint → Cosigned | HeadIs
    both logs   AskCheckpoint → Head · AskInclusion → Included

Nothing in them is trusted because of the connection that it came over: consents are signed by people, commands by the
authority, heads by their log.
"""

from __future__ import annotations

from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Struct

from openami.model.errors import DecodeError
from openami.protocols.seal.passkey import Assertion
from openami.protocols.zones.message import Text

_T = TypeVar("_T")

Hash = Annotated[bytes, Meta(min_length=32, max_length=32)]
Octets = Annotated[bytes, Meta(max_length=1 << 20)]
Name = Annotated[str, Meta(min_length=1, max_length=255)]
Number = Annotated[int, Meta(ge=0, lt=1 << 62)]
Proof = Annotated[list[Hash], Meta(max_length=64)]
Assertions = Annotated[list[Assertion], Meta(max_length=16)]
COMMANDS_MAX = 2_000


class _Message(Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """A message carries the name of its class."""


class AskFor(_Message, frozen=True):
    """Somebody asks for the command list with these octets, and has signed its `request_challenge()`."""

    commands: Octets
    assertion: Assertion


class Made(_Message, frozen=True):
    """The request's name."""

    request: Annotated[bytes, Meta(max_length=64)]


class Approve(_Message, frozen=True):
    """Another person approves, having signed the list's `approval_challenge()`."""

    request: bytes
    assertion: Assertion


class ApproveAlone(_Message, frozen=True):
    """The emergency rule: one household, one person."""

    request: bytes


class Sign(_Message, frozen=True):
    """Sign what is approved; `challenges` are live ones of meters whose clock is invalid, by system title."""

    request: bytes
    challenges: Annotated[dict[bytes, bytes], Meta(max_length=COMMANDS_MAX)] = {}


class SignedCommands(_Message, frozen=True):
    """The approval record's octets and the commands signed under it."""

    record: Octets
    signed: Annotated[list[bytes], Meta(max_length=COMMANDS_MAX)]


class AskCommands(_Message, frozen=True):
    """Which commands are in this request?"""

    request: bytes


class CommandsOf(_Message, frozen=True):
    """The octets of the command list."""

    commands: Octets


class AskWaiting(_Message, frozen=True):
    """Which requests has nobody approved?"""


class Waiting(_Message, frozen=True):
    """Their names."""

    requests: list[bytes]


class Submit(_Message, frozen=True):
    """Seal these commands of one approval."""

    record: Octets
    signed: Annotated[list[bytes], Meta(max_length=COMMANDS_MAX)]


class Verdict(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What became of a command: an `envelope` for `recipient`, or held back by `check` for `reason`."""

    digest: bytes
    recipient: bytes = b""
    envelope: bytes = b""
    check: str = ""
    reason: str = ""


class Verdicts(_Message, frozen=True):
    """In the order of the commands."""

    verdicts: list[Verdict]


class AskQuarantine(_Message, frozen=True):
    """What is held back?"""


class HeldCommand(Struct, frozen=True, forbid_unknown_fields=True):
    """A command in quarantine: since when, why, who took part, and whether people may release it."""

    digest: bytes
    at: float
    check: str
    reason: str
    persons: tuple[str, ...]
    releasable: bool
    signed: bytes


class Quarantine(_Message, frozen=True):
    """Oldest first."""

    held: list[HeldCommand]


class Release(_Message, frozen=True):
    """Others waive what held a command back."""

    digest: Hash
    assertions: Assertions


class Delete(_Message, frozen=True):
    """Others give a held command up."""

    digest: Hash
    assertions: Assertions


class PreparePlan(_Message, frozen=True):
    """Planners prepare an emergency plan (its MessagePack)."""

    plan: Octets
    assertions: Assertions


class ActivatePlan(_Message, frozen=True):
    """Planners activate it in this minute after 1970."""

    name: Name
    minute: Number
    assertions: Assertions


class ChangeLimits(_Message, frozen=True):
    """Planners change the limits (their MessagePack)."""

    limits: Octets
    assertions: Assertions


class Done(_Message, frozen=True):
    """It is done and kept; `holds` is when it begins or ends to hold (UTC seconds), 0 if that means nothing."""

    holds: float = 0.0


class AskCheckpoint(_Message, frozen=True):
    """The head of your log, and the proof that it continues the first `old` leaves."""

    old: Number


class Head(_Message, frozen=True):
    """The signed note, and the proof."""

    note: Annotated[str, Meta(max_length=16_384)]
    size: Number
    proof: Proof


class AskInclusion(_Message, frozen=True):
    """Record `leaf` of your log, and the proof that it is among the first `size`."""

    leaf: Number
    size: Number


class Included(_Message, frozen=True):
    """The record and its proof."""

    record: Octets
    proof: Proof


class AddCheckpoint(_Message, frozen=True):
    """Cosign this head of the log `origin`, which continues the first `old` leaves."""

    origin: Name
    old: Number
    proof: Proof
    note: Annotated[str, Meta(max_length=16_384)]


class Cosigned(_Message, frozen=True):
    """The signature line of the witness."""

    line: Text


class HeadIs(_Message, frozen=True):
    """The witness knows another size: prove from there."""

    size: Number


class Refused(_Message, frozen=True):
    """No; `detail` is for people."""

    detail: Text


LogRequest = AskCheckpoint | AskInclusion
AuthorityRequest = AskFor | Approve | ApproveAlone | Sign | AskCommands | AskWaiting | LogRequest
GuardRequest = Submit | AskQuarantine | Release | Delete | PreparePlan | ActivatePlan | ChangeLimits | LogRequest
WitnessRequest = AddCheckpoint
InnerRequest = AuthorityRequest | GuardRequest | WitnessRequest
InnerAnswer = (
    Made
    | Done
    | SignedCommands
    | CommandsOf
    | Waiting
    | Verdicts
    | Quarantine
    | Head
    | Included
    | Cosigned
    | HeadIs
    | Refused
)

_ENCODER = msgspec.msgpack.Encoder()
_AUTHORITY: msgspec.msgpack.Decoder[AuthorityRequest] = msgspec.msgpack.Decoder(AuthorityRequest)
_GUARD: msgspec.msgpack.Decoder[GuardRequest] = msgspec.msgpack.Decoder(GuardRequest)
_WITNESS: msgspec.msgpack.Decoder[WitnessRequest] = msgspec.msgpack.Decoder(WitnessRequest)
_ANSWERS: msgspec.msgpack.Decoder[InnerAnswer] = msgspec.msgpack.Decoder(InnerAnswer)


def encode_inner(message: InnerRequest | InnerAnswer) -> bytes:
    """The MessagePack of a message."""
    return _ENCODER.encode(message)


def decode_authority_request(raw: bytes) -> AuthorityRequest:
    """What may be said to the authority; raises `DecodeError`."""
    return _decoded(_AUTHORITY, raw, "AuthorityRequest")


def decode_guard_request(raw: bytes) -> GuardRequest:
    """What may be said to the guard; raises `DecodeError`."""
    return _decoded(_GUARD, raw, "GuardRequest")


def decode_witness_request(raw: bytes) -> WitnessRequest:
    """What may be said to the witness; raises `DecodeError`."""
    return _decoded(_WITNESS, raw, "WitnessRequest")


def decode_inner_answer(raw: bytes) -> InnerAnswer:
    """What any of them may answer; raises `DecodeError`."""
    return _decoded(_ANSWERS, raw, "InnerAnswer")


def _decoded(decoder: msgspec.msgpack.Decoder[_T], raw: bytes, name: str) -> _T:
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DecodeError(str(error), 0, (name,)) from error
