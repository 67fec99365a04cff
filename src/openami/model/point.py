"""Who and what: metering points, meters, channels, consumers, and what joins them for a while."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from openami.model.obis import ObisCode
from openami.model.quality import GuaranteeClass
from openami.model.unit import Unit

ONE_WAY = "one-way"


@dataclass(frozen=True, slots=True)
class MeteringPoint:
    """Where energy is measured for somebody. `zone` is the IANA time zone of its calendar; `id` never changes."""

    id: int
    code: str
    service_address: str
    zone: str
    transformer: str | None = None


@dataclass(frozen=True, slots=True)
class Meter:
    """A device. `link` is where the head-end dials it (`tcp://host:port`, `collector://NAME/ADDRESS`), `None` if it
    cannot be dialled.

    `framing` is `wrapper`, `hdlc`, `gateway` (the wrapper, with the prefix for its collector), `mbus` (wired
    M-Bus; the system title is the secondary address), or `one-way`: nothing can be asked of it, since it only pushes
    (AMR), or is read with the meter on whose M-Bus it hangs (`link` is `meter://SERIAL` then).
    `curve` says where a simulated meter's values come from.
    """

    id: int
    serial: str
    system_title: bytes
    guarantee: GuaranteeClass
    link: str | None
    framing: str = "wrapper"
    curve: str = ""

    @property
    def two_way(self) -> bool:
        """Whether it answers (AMI), so that campaigns may ask it."""
        return self.framing != ONE_WAY


BEHIND_METER = "meter://"


def behind_meter(meter: Meter) -> str:
    """The link of the meters that hang on `meter`'s M-Bus."""
    return f"{BEHIND_METER}{meter.serial}"


class ChannelKind(StrEnum):
    """What the values of a channel are."""

    INTERVAL_ENERGY = "interval-energy"
    REGISTER_SNAPSHOT = "register-snapshot"
    AVERAGE_DEMAND = "average-demand"
    STAMPED_REGISTER = "stamped-register"


@dataclass(frozen=True, slots=True)
class Channel:
    """One quantity of a metering point. Values are integers × 10^`scaler` in `unit`.

    `resolution_s` is the length of an interval, 0 for stamped registers (daily, monthly reads).
    `modulus` is where the register starts again from 0 (100 000 000 for eight digits), 0 if that is not known: then a
    falling register is a break, whose energy nobody knows, never a roll-over.

    Behind instrument transformers a meter counts less than flows: `multiplier` is how many of the channel's values one
    unit of what the meter shows stands for. What is stored, `modulus` too, is what flowed.
    """

    metering_point: int
    number: int
    obis: ObisCode
    kind: ChannelKind
    unit: Unit
    scaler: int
    resolution_s: int
    modulus: int = 0
    multiplier: int = 1


@dataclass(frozen=True, slots=True)
class Installation:
    """Meter `meter` measured `metering_point` from `start` until `end` (None: still does)."""

    meter: int
    metering_point: int
    start: datetime
    end: datetime | None


@dataclass(frozen=True, slots=True)
class Consumer:
    """A person or a company that is supplied."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Supply:
    """Consumer `consumer` is supplied at `metering_point` from `start` until `end` (None: still is)."""

    consumer: int
    metering_point: int
    start: datetime
    end: datetime | None
