"""What the pages ask operations, where they are another process: only what takes a session, a key or the head-end.

A request gets exactly one answer; `Refused` may be the answer to any.

    ReadNow → LiveValues · Deliver → MeterReport · OrderKeys → KeyOrder · ProveKeys → KeysAre
    AskIncidents → Incidents · AskCollectors → ConnectedCollectors · AskRoutes → Routes

Envelopes are sealed by the guard before they come here; operations could neither read nor change them.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from openami.protocols.zones.inner_message import decoded
from openami.protocols.zones.log_message import InnerMessage, Number, Octets, Refused
from openami.protocols.zones.message import AskCollectors, AskRoutes, ConnectedCollectors, Routes, Text

METERS_MAX = 1_000


class ReadNow(InnerMessage, frozen=True):
    """Ask this meter for its registers now."""

    meter: Number


class LiveValue(Struct, frozen=True, forbid_unknown_fields=True, array_like=True):
    """A register: its OBIS code, its name, and `mantissa` × 10^`scaler` in `unit` (the number of the COSEM unit)."""

    obis: Annotated[str, Meta(max_length=32)]
    name: Text
    mantissa: int
    scaler: int
    unit: int


class LiveValues(InnerMessage, frozen=True):
    """What the registers showed `at` (UTC seconds), and the id of the bytes that say so."""

    at: float
    values: Annotated[list[LiveValue], Meta(max_length=256)]
    evidence: Number


class Deliver(InnerMessage, frozen=True):
    """Bring this envelope to its meter; without one, only ask what became of the last."""

    meter: Number
    envelope: Octets | None


class MeterReport(InnerMessage, frozen=True):
    """What the meter says of the last command that it opened, and of its contact as it is now."""

    counter: int
    stage: Text
    at: int
    contact: Text


class OrderKeys(InnerMessage, frozen=True):
    """Make new keys for this meter, if none are pending, and the APDU that brings them to it."""

    meter: Number


class KeyOrder(InnerMessage, frozen=True):
    """The APDU; the keys in it are wrapped under the meter's master key."""

    apdu: Octets


class ProveKeys(InnerMessage, frozen=True):
    """Find out whether this meter uses its pending keys."""

    meter: Number


class KeysAre(InnerMessage, frozen=True):
    """What became of them, for people."""

    words: Text


class AskIncidents(InnerMessage, frozen=True):
    """What calls for people?"""


class IncidentIs(Struct, frozen=True, forbid_unknown_fields=True):
    """Alerts of one cause: from `first` to `last` (UTC seconds); `meters` names the first of those concerned."""

    cause: Text
    code: Text
    first: float
    last: float
    alerts: Number
    meters: Annotated[list[str], Meta(max_length=METERS_MAX)]
    paged: bool


class Incidents(InnerMessage, frozen=True):
    """What happened last comes first; `count` says how many there are, and those that fit are here."""

    count: Number
    incidents: list[IncidentIs]


OperationsRequest = ReadNow | Deliver | OrderKeys | ProveKeys | AskIncidents | AskCollectors | AskRoutes
OperationsAnswer = LiveValues | MeterReport | KeyOrder | KeysAre | Incidents | ConnectedCollectors | Routes | Refused

_REQUESTS: msgspec.msgpack.Decoder[OperationsRequest] = msgspec.msgpack.Decoder(OperationsRequest)
_ANSWERS: msgspec.msgpack.Decoder[OperationsAnswer] = msgspec.msgpack.Decoder(OperationsAnswer)


def decode_operations_request(raw: bytes) -> OperationsRequest:
    """What may be said to operations; raises `DecodeError`."""
    return decoded(_REQUESTS, raw, "OperationsRequest")


def decode_operations_answer(raw: bytes) -> OperationsAnswer:
    """What operations may answer; raises `DecodeError`."""
    return decoded(_ANSWERS, raw, "OperationsAnswer")
