"""What was read from a meter, before anybody has judged it: what operations hands to metering data management."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from openami.model.interval import Qualities, Stamps, Values
from openami.model.obis import ObisCode


@dataclass(frozen=True, slots=True)
class Received:
    """Bytes of one conversation with, or one push of, meter `meter` (registry id): what readings are evidenced by.

    `received` as it came, one entry per APDU or telegram (still ciphered); `plain`, what it said once opened;
    `protocol` tells how to explain both.
    """

    meter: int
    received_at: datetime
    protocol: str
    received: tuple[bytes, ...]
    plain: bytes
    note: str


@dataclass(frozen=True, slots=True, eq=False)
class ProfileReading:
    """One column of a load profile: the register `obis` of meter `meter` (registry id) as it stood at each stamp.

    `stamps` are seconds since 1970-01-01 UTC, the ends of intervals of `resolution_s`; `registers` are integers in
    the channel's unit and scaler; `status` is the meter's own status byte per row (0: nothing to report).
    `evidence` is the id under which the received bytes are kept.
    """

    meter: int
    obis: ObisCode
    resolution_s: int
    stamps: Stamps
    registers: Values
    status: Qualities
    known_at: datetime
    evidence: int


@dataclass(frozen=True, slots=True)
class RegisterReading:
    """A stamped register (daily, monthly): `obis` of meter `meter` stood at `value` at `stamp` (UTC)."""

    meter: int
    obis: ObisCode
    stamp: datetime
    value: int
    known_at: datetime
    evidence: int
