"""What a session with a meter brought, before it is recorded. It grows while the session runs: what was read before a
session broke is kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from openami.backoffice.operations.cause import Cause
from openami.model.interval import Qualities, Stamps, Values
from openami.model.measurement import Measurement
from openami.model.obis import ObisCode

PROTOCOL = "dlms"


class ProfileColumnRead(NamedTuple):
    """One register of a profile at its stamps (UTC seconds), in the channel's scaler."""

    obis: ObisCode
    resolution_s: int
    stamps: Stamps
    registers: Values
    status: Qualities


class RegisterRead(NamedTuple):
    """A stamped register, in the channel's scaler."""

    obis: ObisCode
    stamp: datetime
    value: int


class EventRead(NamedTuple):
    """An entry of the event log."""

    at: datetime
    code: int


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of the meter: the APDUs or frames as they came, the bytes inside, and what they say.

    `values` are single values that become registers where a channel names them: of the meter itself, or of the
    sub-meter whose system title is `sub_meter`.
    """

    received_at: datetime
    received: tuple[bytes, ...]
    plain: bytes
    note: str
    profile: tuple[ProfileColumnRead, ...] = ()
    registers: tuple[RegisterRead, ...] = ()
    events: tuple[EventRead, ...] = ()
    values: tuple[Measurement, ...] = ()
    sub_meter: bytes = b""
    protocol: str = PROTOCOL


@dataclass(frozen=True, slots=True)
class ClockRead:
    """The meter's clock was ahead of ours by `drift_s`, give or take `uncertainty_s`."""

    noted_at: datetime
    drift_s: float
    uncertainty_s: float
    deviation: int | None


@dataclass(frozen=True, slots=True)
class Undecodable:
    """Bytes that say nothing, and why."""

    cause: Cause
    reason: str
    received: tuple[bytes, ...]


@dataclass(slots=True)
class SessionResult:
    """See the head of this file. `log_through` is the meter's time up to which its event log was read."""

    answers: list[Answer] = field(default_factory=list)
    clock: ClockRead | None = None
    log_through: datetime | None = None
    undecodable: list[Undecodable] = field(default_factory=list)
    pushed: list[bytes] = field(default_factory=list)
