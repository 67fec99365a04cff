"""The messages between back office and head-end, declared (our own protocol).

Each is MessagePack in a frame (see `frame`). A request gets exactly one answer; after `CircuitOpened` the
connection carries the bytes of that circuit and nothing else.

    OpenCircuit   →  CircuitOpened | CircuitRefused
    ReadSpool     →  SpoolItems | RequestRefused
    ReleaseSpool  →  SpoolReleased | RequestRefused
    AskStatus     →  HeadendStatus
    AskCollectors →  ConnectedCollectors
    AskMeters     →  Meters | RequestRefused
    AskRoutes     →  Routes | RequestRefused
    TriggerPush   →  Triggered | RequestRefused
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta, Struct

from openami.model.errors import DecodeError

_T = TypeVar("_T")

Count = Annotated[int, Meta(ge=0, lt=1 << 62)]
Seconds = Annotated[float, Meta(ge=0, le=86_400)]
ItemNumber = Annotated[int, Meta(ge=0, lt=1 << 62)]
Address = Annotated[str, Meta(max_length=255)]
Text = Annotated[str, Meta(max_length=500)]
ITEMS_MAX = 4096
COLLECTORS_MAX = 10_000
STATIONS_MAX = 1024


class RefusalCause(StrEnum):
    """Why the head-end did not connect to a meter."""

    NOT_ALLOWED = "not-allowed"
    BAD_ADDRESS = "bad-address"
    TOO_MANY = "too-many"
    BUSY = "busy"
    TOO_SOON = "too-soon"
    OUTSIDE_WINDOW = "outside-window"
    CONNECT_FAILED = "connect-failed"
    TIMEOUT = "timeout"


class _Message(Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    """A message carries the name of its class."""


class OpenCircuit(_Message, frozen=True):
    """Connect to the meter at `link`, at most `timeout_s` long.

    `link` is `tcp://host:port`, or `collector://NAME/ADDRESS` for a meter behind a collector that has called in;
    NAME is the collector's, or that of the neighbourhood that several collectors share.
    """

    link: Address
    timeout_s: Seconds


class CircuitOpened(_Message, frozen=True):
    """From here on the connection carries the circuit's bytes."""


class CircuitRefused(_Message, frozen=True):
    """There is no circuit; `detail` is for people."""

    cause: RefusalCause
    detail: Text


class ReadSpool(_Message, frozen=True):
    """Give the oldest items with a number above `after`, at most `limit`."""

    after: ItemNumber
    limit: Annotated[int, Meta(ge=1, le=ITEMS_MAX)]


class SpoolItem(_Message, frozen=True):
    """One item and its number in the spool. What the head-end spools is an encoded `Push`."""

    number: ItemNumber
    content: bytes


class SpoolItems(_Message, frozen=True):
    """Items of the spool `spool`: its identity, which changes when the spool was lost and its numbers began again."""

    spool: Annotated[str, Meta(max_length=64)]
    items: Annotated[list[SpoolItem], Meta(max_length=ITEMS_MAX)]


class ReleaseSpool(_Message, frozen=True):
    """The items up to `through` of the spool `spool` are safe in the back office; forget them."""

    spool: Annotated[str, Meta(max_length=64)]
    through: ItemNumber


class SpoolReleased(_Message, frozen=True):
    """They are forgotten, durably."""


class AskStatus(_Message, frozen=True):
    """How are you?"""


class HeadendStatus(_Message, frozen=True):
    """Counts since the start of the process, except what is `open` or `waiting` now. `at` is its clock, UTC seconds."""

    at: float
    circuits_open: Count
    circuits_opened: Count
    circuits_refused: Count
    pushes_taken: Count
    pushes_refused: Count
    spool_waiting: Count
    spool_bytes: Count


class RequestRefused(_Message, frozen=True):
    """The request cannot be answered; `detail` is for people."""

    detail: Text


class Origin(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Which item of which spool of which collector a push was, and when that heard it by its own clock (UTC seconds).

    `collector` is the name in the certificate; the rest is what the collector says.
    """

    collector: Annotated[str, Meta(max_length=64)]
    spool: Annotated[str, Meta(max_length=64)]
    number: ItemNumber
    heard_at: float


class Push(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a meter sent unasked, as it came: `content` is opaque to the head-end.

    `received_at` is the head-end's clock (UTC seconds), `source` the sender's address, `transport` how it came;
    `origin` is there if a collector carried it.
    """

    received_at: float
    source: Address
    transport: Annotated[str, Meta(max_length=16)]
    content: bytes
    origin: Origin | None = None


class AskCollectors(_Message, frozen=True):
    """Which collectors are there?"""


class CollectorView(Struct, frozen=True, forbid_unknown_fields=True):
    """A collector that calls in. `told` holds what it says of itself, by name; `missing` counts items it gave up."""

    name: Annotated[str, Meta(max_length=64)]
    neighbourhood: Annotated[str, Meta(max_length=64)]
    connected_at: float
    circuits: Count
    items: Count
    missing: Count
    meters: Count
    told: dict[str, float]


class ConnectedCollectors(_Message, frozen=True):
    """Those that are connected now, by name."""

    collectors: Annotated[list[CollectorView], Meta(max_length=COLLECTORS_MAX)]


class AskMeters(_Message, frozen=True):
    """Which meters does this collector know?"""

    collector: Annotated[str, Meta(max_length=64)]


class Meters(_Message, frozen=True):
    """Addresses that `OpenCircuit` takes as `collector://NAME/ADDRESS`, with the system title where it is known."""

    meters: dict[str, bytes | None]


class StationView(Struct, frozen=True, forbid_unknown_fields=True, array_like=True):
    """A meter's station in the mesh of a collector, as the root knows it.

    `parent` is the next station on the way up, empty for the collector itself; `hops` counts links. `etx` is the
    expected number of transmissions between root and station, known for neighbours of the root alone. `heard_at` is
    when its last datagram came, by the collector's clock; 0: none yet. `rank` is its place in the mesh and `latency_s`
    how long a datagram was on its way up, as the station told them last; None where it did not.
    """

    address: Address
    parent: Address
    hops: Count
    etx: float | None
    heard_at: float
    rank: Count | None = None
    latency_s: float | None = None


class AskRoutes(_Message, frozen=True):
    """How do the stations of this collector's mesh reach it?"""

    collector: Annotated[str, Meta(max_length=64)]


class Routes(_Message, frozen=True):
    """As the collector told last, in no order."""

    stations: Annotated[list[StationView], Meta(max_length=STATIONS_MAX)]


class TriggerPush(_Message, frozen=True):
    """Let the meter at `link` (`collector://NAME/ADDRESS`) push now."""

    link: Address


class Triggered(_Message, frozen=True):
    """The collector was told; whether the meter pushes, its push tells."""


Request = OpenCircuit | ReadSpool | ReleaseSpool | AskStatus | AskCollectors | AskMeters | AskRoutes | TriggerPush
Answer = (
    CircuitOpened
    | CircuitRefused
    | SpoolItems
    | SpoolReleased
    | HeadendStatus
    | ConnectedCollectors
    | Meters
    | Routes
    | Triggered
    | RequestRefused
)
Message = Request | Answer

_ENCODER = msgspec.msgpack.Encoder()
_REQUESTS: msgspec.msgpack.Decoder[Request] = msgspec.msgpack.Decoder(Request)
_ANSWERS: msgspec.msgpack.Decoder[Answer] = msgspec.msgpack.Decoder(Answer)
_PUSH: msgspec.msgpack.Decoder[Push] = msgspec.msgpack.Decoder(Push)


def encode_message(message: Message) -> bytes:
    """The MessagePack of a message."""
    return _ENCODER.encode(message)


def decode_request(raw: bytes) -> Request:
    """What the back office may say; raise `DecodeError` for anything else."""
    return _decode(_REQUESTS, raw, "Request")


def decode_answer(raw: bytes) -> Answer:
    """What the head-end may say; raise `DecodeError` for anything else."""
    return _decode(_ANSWERS, raw, "Answer")


def encode_push(push: Push) -> bytes:
    """The content of a spool item."""
    return _ENCODER.encode(push)


def decode_push(raw: bytes) -> Push:
    """Read the content of a spool item; raise `DecodeError` if it is none."""
    return _decode(_PUSH, raw, "Push")


def _decode(decoder: msgspec.msgpack.Decoder[_T], raw: bytes, name: str) -> _T:
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DecodeError(str(error), 0, (name,)) from error
