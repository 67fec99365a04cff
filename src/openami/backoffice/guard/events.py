"""What happens to the guard: the only things that change its state, in the order in which they are kept."""

from __future__ import annotations

import msgspec

from openami.backoffice.guard.effect import Effect
from openami.backoffice.guard.limits import Limits
from openami.backoffice.guard.plans import EmergencyPlan


class Sealed(msgspec.Struct, frozen=True, tag=True):
    """A command was allowed; released ones name who released them."""

    at: float
    effect: Effect
    released_by: tuple[str, ...] = ()


class Resealed(msgspec.Struct, frozen=True, tag=True):
    """A command that was allowed before is sealed anew: the meter takes it once at most."""

    at: float
    digest: bytes


class Quarantined(msgspec.Struct, frozen=True, tag=True):
    """A command was held back, with all that is needed to release it."""

    at: float
    effect: Effect
    check: str
    reason: str
    releasable: bool
    signed: bytes
    record: bytes


class Deleted(msgspec.Struct, frozen=True, tag=True):
    """A held command is given up."""

    at: float
    digest: bytes
    by: tuple[str, ...]


class LimitsSigned(msgspec.Struct, frozen=True, tag=True):
    """New limits, which hold later."""

    at: float
    holds_from: float
    limits: Limits
    by: tuple[str, ...]


class PlanPrepared(msgspec.Struct, frozen=True, tag=True):
    """An emergency plan may be activated from now on."""

    at: float
    plan: EmergencyPlan
    by: tuple[str, ...]


class PlanActivated(msgspec.Struct, frozen=True, tag=True):
    """A plan is in force until `until`; its budget is whole again."""

    at: float
    name: str
    until: float
    by: tuple[str, ...]


class FirmwareFailed(msgspec.Struct, frozen=True, tag=True):
    """A meter does not run the image that it was told to activate."""

    at: float
    image: bytes
    meter: bytes


Event = Sealed | Resealed | Quarantined | Deleted | LimitsSigned | PlanPrepared | PlanActivated | FirmwareFailed

_ENCODER = msgspec.msgpack.Encoder()
_DECODER: msgspec.msgpack.Decoder[Event] = msgspec.msgpack.Decoder(Event)


def encode_event(event: Event) -> bytes:
    """The record of `event`."""
    return _ENCODER.encode(event)


def decode_event(raw: bytes) -> Event:
    """The event in a record that this guard wrote."""
    return _DECODER.decode(raw)
