"""What a signed command would do to the network: all that the guard judges, and all that its history keeps."""

from __future__ import annotations

import msgspec

from openami.backoffice.guard.limits import SPREAD_S
from openami.backoffice.guard.network import Network
from openami.model.errors import DecodeError
from openami.protocols.dlms.cosem.clock import Clock
from openami.protocols.dlms.cosem.limiter import Limiter
from openami.protocols.dlms.data import decode_data
from openami.protocols.dlms.date_time import CosemDateTime
from openami.protocols.dlms.set import SetRequestNormal
from openami.protocols.seal.approval import ApprovalRecord
from openami.protocols.seal.roles import Role
from openami.protocols.seal.signed import SignedCommand
from openami.protocols.seal.verbs import SWITCHING, CriticalVerb, Request

_THRESHOLDS = (Limiter.threshold_normal, Limiter.threshold_emergency)


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """One command. It may happen at any moment from `start` to `end`: whoever carries it may hold it back until its
    time to live is over, and the meter may wait for its random delay.

    `operator` is empty for a meter that the guard does not know. `subject` is the image of a firmware activation.
    """

    digest: bytes
    verb: CriticalVerb
    role: Role
    recipient: bytes
    persons: tuple[str, ...]
    issued_at: int
    not_after: int
    start: int
    end: int
    emergency: bool
    plan: str
    operator: str
    feeder: str
    transformer: str
    power_w: int
    protected: bool
    value: int | None
    subject: bytes


def effect_of(digest: bytes, signed: SignedCommand, record: ApprovalRecord, network: Network, now: float) -> Effect:
    """What the command `signed` does under the approval `record`; `digest` names it."""
    command, place = signed.command, network.places.get(signed.command.recipient)
    switching = signed.verb in SWITCHING
    spread = SPREAD_S if switching and not command.emergency else 0
    return Effect(
        digest=digest,
        verb=signed.verb,
        role=signed.authority.role,
        recipient=command.recipient,
        persons=record.persons,
        issued_at=command.issued_at,
        not_after=command.not_after,
        start=max(int(now), command.execute_at),
        end=max(int(now), command.not_after) + spread,
        emergency=command.emergency,
        plan=record.plan,
        operator=place.operator if place else "",
        feeder=place.feeder if place else "",
        transformer=place.transformer if place else "",
        power_w=abs(place.power_w) if place and switching else 0,
        protected=bool(place and place.protected),
        value=_value(signed.verb, signed.request, now),
        subject=command.subject,
    )


def _value(verb: CriticalVerb, request: Request, now: float) -> int | None:
    """Watts of a load limit, seconds of a clock jump; `None` for what has no bounds."""
    try:
        if verb is CriticalVerb.CLOCK_JUMP:
            return _jump_s(request, now)
        if verb is CriticalVerb.LOAD_LIMIT and isinstance(request, SetRequestNormal):
            return _threshold(request)
    except DecodeError:
        return -1
    return None


def _threshold(request: SetRequestNormal) -> int | None:
    descriptor = request.cosem_attribute_descriptor
    if (descriptor.class_id, descriptor.attribute_id) not in {(a.class_id, a.attribute_id) for a in _THRESHOLDS}:
        return None
    value = decode_data(request.value).value
    return value if isinstance(value, int) else -1


def _jump_s(request: Request, now: float) -> int | None:
    if not isinstance(request, SetRequestNormal):
        return None
    if request.cosem_attribute_descriptor.attribute_id != Clock.time.attribute_id:
        return None
    stamp: CosemDateTime = Clock.time.cosem_type.from_data(decode_data(request.value))
    instant = stamp.to_utc()
    return -1 if instant is None else int(abs(instant.timestamp() - now))
