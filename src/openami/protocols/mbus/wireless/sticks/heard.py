"""What a stick's byte stream holds: telegrams, other messages of the stick, and noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Heard:
    """One telegram. `frame` begins with L, with or without checksums; `rssi` is the stick's number, as it gives it.

    `mode` is the radio's link mode where the stick tells it: a property of the receiver, not of the meter.
    """

    frame: bytes
    rssi: int | None = None
    mode: str = ""


@dataclass(frozen=True, slots=True)
class StickMessage:
    """A message of the stick about itself."""

    kind: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Noise:
    """Bytes that are no message, and why."""

    data: bytes
    reason: str


Event = Heard | StickMessage | Noise


class StickParser(Protocol):
    """A parser without I/O: bytes in any pieces, the same events."""

    def feed(self, data: bytes) -> list[Event]:
        """What the bytes so far say that was not said before."""
        ...
