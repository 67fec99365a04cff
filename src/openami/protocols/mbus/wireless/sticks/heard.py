"""What a stick's byte stream holds: telegrams, other messages of the stick, and noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Heard:
    """One telegram. `frame` begins with L, with or without checksums; `rssi` is the stick's number, as it gives it.

    `mode` is the radio's link mode where the stick tells it: a property of the receiver, not of the meter.
    """

    frame: bytes
    rssi: int | None = None
    mode: str = ""


@dataclass(frozen=True, slots=True)
class ToSend:
    """A telegram that a host asks its stick to send: what a stick that is played is told. `frame` is stripped."""

    frame: bytes


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


Event = Heard | ToSend | StickMessage | Noise


def complete_events(next_event: Callable[[], Event | None]) -> list[Event]:
    """All events that `next_event` has, noise behind noise joined to it."""
    events: list[Event] = []
    while (event := next_event()) is not None:
        last = events[-1] if events else None
        if isinstance(event, Noise) and isinstance(last, Noise):
            events[-1] = Noise(last.data + event.data, event.reason)
        else:
            events.append(event)
    return events


def drop_noise(buffer: bytearray, start: int, reason: str) -> Noise:
    """Take from `buffer` everything up to where the next message may begin: at the next `start`, not the first byte."""
    at = buffer.find(start, 1)
    at = len(buffer) if at < 0 else at
    noise = bytes(buffer[:at])
    del buffer[:at]
    return Noise(noise, reason)
