"""What a primary can ask of the bus, and what comes of it; what a secondary hears."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from openami.protocols.mbus.wired.frame import Acknowledge, LongFrame


@dataclass(frozen=True, slots=True)
class Initialise:
    """SND_NKE: reset the link of `address`; at `NETWORK_LAYER` it ends a selection."""

    address: int


@dataclass(frozen=True, slots=True)
class RequestData:
    """REQ_UD2, or REQ_UD1 for alarms."""

    address: int
    alarm: bool = False


@dataclass(frozen=True, slots=True)
class SendData:
    """SND_UD: hand over data, a command or a selection. `repeats` overrides how often silence is answered anew."""

    address: int
    ci: int
    data: bytes = b""
    repeats: int | None = None


Request: TypeAlias = Initialise | RequestData | SendData


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer that the request asks for."""

    request: Request
    frame: Acknowledge | LongFrame


@dataclass(frozen=True, slots=True)
class Silent:
    """Nothing was heard, however often it was asked; or nobody may answer a broadcast."""

    request: Request


@dataclass(frozen=True, slots=True)
class Disturbed:
    """Bytes were heard, none of them an answer: several speak at once, or the line is bad."""

    request: Request
    data: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The link is gone; requests that were not answered are lost."""


Outcome: TypeAlias = Answered | Silent | Disturbed
PrimaryEvent: TypeAlias = Outcome | Ended


@dataclass(frozen=True, slots=True)
class ReadoutRequested:
    """A primary wants data from the beginning: `WiredSecondary.send` the telegrams."""

    alarm: bool = False


@dataclass(frozen=True, slots=True)
class DataReceived:
    """A primary sent something to act on; it is acknowledged already, unless it was for all."""

    ci: int
    data: bytes
    broadcast: bool


SecondaryEvent: TypeAlias = ReadoutRequested | DataReceived | Ended
