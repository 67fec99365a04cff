"""The messages to authority, guard and witness, declared (our own protocol). Each is MessagePack in a frame.

A request gets exactly one answer; `Refused` may be the answer to any.

    authority   AskFor → Made · Approve, ApproveAlone → Done · Sign → SignedCommands · AskOrders, AskOrder → Orders
    guard       Submit → Verdicts · Release → Verdicts | Agreed · AskQuarantine → Quarantine · AskPlans → Plans
                Delete, PreparePlan, ActivatePlan, ChangeLimits → Done | Agreed
    both        Register → Done · AskPasskeys → Passkeys · what is asked about their logs: `log_message`

Nothing in them is trusted because of the connection that it came over: consents are signed by people, commands by the
authority, heads by their log.
"""

from __future__ import annotations

from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Struct

from openami.model.errors import DecodeError
from openami.protocols.seal.passkey import Assertion
from openami.protocols.zones.log_message import (
    AddCheckpoint,
    Cosigned,
    Done,
    Hash,
    Head,
    HeadIs,
    Included,
    InnerMessage,
    LogRequest,
    Name,
    Number,
    Octets,
    Refused,
    Tail,
)

_T = TypeVar("_T")

Assertions = Annotated[list[Assertion], Meta(max_length=16)]
RequestName = Annotated[bytes, Meta(max_length=64)]
COMMANDS_MAX = 2_000


class AskFor(InnerMessage, frozen=True):
    """Somebody asks for the command list with these octets, and has signed its `request_challenge()`."""

    commands: Octets
    assertion: Assertion


class Made(InnerMessage, frozen=True):
    """The request's name."""

    request: RequestName


class Approve(InnerMessage, frozen=True):
    """Another person approves, having signed the list's `approval_challenge()`."""

    request: bytes
    assertion: Assertion


class ApproveAlone(InnerMessage, frozen=True):
    """The emergency rule: one household, one person."""

    request: bytes


class Sign(InnerMessage, frozen=True):
    """Sign what is approved; `challenges` are live ones of meters whose clock is invalid, by system title."""

    request: bytes
    challenges: Annotated[dict[bytes, bytes], Meta(max_length=COMMANDS_MAX)] = msgspec.field(default_factory=dict)


class SignedCommands(InnerMessage, frozen=True):
    """The approval record's octets and the commands signed under it."""

    record: Octets
    signed: Annotated[list[bytes], Meta(max_length=COMMANDS_MAX)]


class AskOrders(InnerMessage, frozen=True):
    """Which requests are there? The newest first, as many as fit into an answer."""


class AskOrder(InnerMessage, frozen=True):
    """What has become of this request? `Orders` of one."""

    request: RequestName


class OrderIs(Struct, frozen=True, forbid_unknown_fields=True):
    """A request at the authority: the octets of its exact list, who asked when (UTC seconds), who approved.

    `approval` is the hash of the record of its approval, empty while it has none; `approver` stays empty where the
    emergency rule allowed one person. `expired`: nobody can approve or sign it any more.
    """

    request: RequestName
    commands: Octets
    requester: str
    at: float
    approver: str
    approval: bytes
    signed: bool
    expired: bool


class Orders(InnerMessage, frozen=True):
    """Newest first."""

    orders: list[OrderIs]


class Register(InnerMessage, frozen=True):
    """A browser or another authenticator has made a passkey for `person`, who holds this invitation."""

    person: Name
    invitation: Annotated[str, Meta(max_length=255)]
    attestation: Annotated[bytes, Meta(max_length=16_384)]
    client_data: Annotated[bytes, Meta(max_length=16_384)]


class AskPasskeys(InnerMessage, frozen=True):
    """Whose passkeys are on your list?"""


class PasskeyIs(Struct, frozen=True, forbid_unknown_fields=True, array_like=True):
    """A passkey on the list: whose, and its credential's id."""

    person: Name
    credential_id: bytes


class Passkeys(InnerMessage, frozen=True):
    """In the order in which they were registered."""

    passkeys: list[PasskeyIs]


class Submit(InnerMessage, frozen=True):
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


class Verdicts(InnerMessage, frozen=True):
    """In the order of the commands."""

    verdicts: list[Verdict]


class AskQuarantine(InnerMessage, frozen=True):
    """What is held back?"""


class HeldCommand(Struct, frozen=True, forbid_unknown_fields=True):
    """A command in quarantine: since when, why, who took part, and whether people may release it.

    `verb` is the number of what it would do to `recipient`; `approval` the hash of the record that it was approved by.
    `releasing` and `deleting` are those who have agreed to that so far.
    """

    digest: bytes
    at: float
    check: str
    reason: str
    persons: tuple[str, ...]
    releasable: bool
    recipient: bytes
    verb: int
    approval: bytes
    releasing: tuple[str, ...] = ()
    deleting: tuple[str, ...] = ()


class Quarantine(InnerMessage, frozen=True):
    """Oldest first."""

    held: list[HeldCommand]


class Release(InnerMessage, frozen=True):
    """Others waive what held a command back."""

    digest: Hash
    assertions: Assertions


class Delete(InnerMessage, frozen=True):
    """Others give a held command up."""

    digest: Hash
    assertions: Assertions


class PreparePlan(InnerMessage, frozen=True):
    """Planners prepare an emergency plan (its MessagePack)."""

    plan: Octets
    assertions: Assertions


class ActivatePlan(InnerMessage, frozen=True):
    """Planners activate it in this minute after 1970."""

    name: Name
    minute: Number
    assertions: Assertions


class ChangeLimits(InnerMessage, frozen=True):
    """Planners change the limits (their MessagePack)."""

    limits: Octets
    assertions: Assertions


class Agreed(InnerMessage, frozen=True):
    """These persons have signed; it takes `needed` of them. The guard keeps what they signed until it restarts."""

    persons: tuple[str, ...]
    needed: Number


class AskPlans(InnerMessage, frozen=True):
    """Which emergency plans are there, and what has been proposed to planners?"""


class PlanIs(Struct, frozen=True, forbid_unknown_fields=True):
    """A prepared plan (its MessagePack); in force until `until` (UTC seconds, 0: it is not), `spent_w` of it used."""

    plan: Octets
    until: float
    spent_w: Number


class Proposed(Struct, frozen=True, forbid_unknown_fields=True):
    """What some planners have signed of a plan (its MessagePack) and others have not yet.

    `minute` is that of an activation, None for a preparation.
    """

    plan: Octets
    minute: Number | None
    persons: tuple[str, ...]
    needed: Number


class Plans(InnerMessage, frozen=True):
    """`decisions` counts plans prepared and limits changed so far: part of what is signed for the next one."""

    decisions: Number
    plans: list[PlanIs]
    proposed: list[Proposed]


PeopleRequest = Register | AskPasskeys
AuthorityRequest = AskFor | Approve | ApproveAlone | Sign | AskOrders | AskOrder | LogRequest
GuardRequest = (
    Submit | AskQuarantine | Release | Delete | PreparePlan | ActivatePlan | ChangeLimits | AskPlans | LogRequest
)
WitnessRequest = AddCheckpoint
InnerRequest = AuthorityRequest | GuardRequest | WitnessRequest | PeopleRequest
InnerAnswer = (
    Made
    | Done
    | SignedCommands
    | Orders
    | Passkeys
    | Verdicts
    | Quarantine
    | Agreed
    | Plans
    | Head
    | Included
    | Tail
    | Cosigned
    | HeadIs
    | Refused
)

GuardDecision = Verdicts | Agreed | Done
"""What comes of a person's consent: done, or who has signed so far."""
GUARD_DECISIONS: tuple[type[GuardDecision], ...] = (Verdicts, Agreed, Done)

_ENCODER = msgspec.msgpack.Encoder()
_AUTHORITY: msgspec.msgpack.Decoder[AuthorityRequest | PeopleRequest] = msgspec.msgpack.Decoder(
    AuthorityRequest | PeopleRequest
)
_GUARD: msgspec.msgpack.Decoder[GuardRequest | PeopleRequest] = msgspec.msgpack.Decoder(GuardRequest | PeopleRequest)
_WITNESS: msgspec.msgpack.Decoder[WitnessRequest] = msgspec.msgpack.Decoder(WitnessRequest)
_ANSWERS: msgspec.msgpack.Decoder[InnerAnswer] = msgspec.msgpack.Decoder(InnerAnswer)


def encode_inner(message: Struct) -> bytes:
    """The MessagePack of a message."""
    return _ENCODER.encode(message)


def decode_authority_request(raw: bytes) -> AuthorityRequest | PeopleRequest:
    """What may be said to the authority; raises `DecodeError`."""
    return decoded(_AUTHORITY, raw, "AuthorityRequest")


def decode_guard_request(raw: bytes) -> GuardRequest | PeopleRequest:
    """What may be said to the guard; raises `DecodeError`."""
    return decoded(_GUARD, raw, "GuardRequest")


def decode_witness_request(raw: bytes) -> WitnessRequest:
    """What may be said to the witness; raises `DecodeError`."""
    return decoded(_WITNESS, raw, "WitnessRequest")


def decode_inner_answer(raw: bytes) -> InnerAnswer:
    """What any of them may answer; raises `DecodeError`."""
    return decoded(_ANSWERS, raw, "InnerAnswer")


def decoded(decoder: msgspec.msgpack.Decoder[_T], raw: bytes, name: str) -> _T:
    """What `decoder` reads, as our decoders fail."""
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DecodeError(str(error), 0, (name,)) from error
