"""What a mesh station tells whoever runs it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Joined:
    """The station has a parent and a route: it can send. `parent` is an EUI-64."""

    parent: bytes
    rank: int


@dataclass(frozen=True, slots=True)
class ParentChanged:
    """The station's way up goes through another neighbour now."""

    parent: bytes
    rank: int


@dataclass(frozen=True, slots=True)
class Left:
    """The station has no way up any more and looks for one."""

    reason: str


@dataclass(frozen=True, slots=True)
class DatagramReceived:
    """A UDP datagram for this station, complete `at` that time.

    `source` is an IPv6 address; `hops` counts links, 1 for a neighbour. One with a `number` waits for
    `MeshNode.confirm` or `MeshNode.refuse`. `rank` and `latency_s` are what its sender told: its place, and how long
    the datagram was on its way by the network's time.
    """

    source: bytes
    port: int
    payload: bytes
    hops: int
    number: int | None = None
    at: float = field(default=0.0, compare=False)
    rank: int | None = field(default=None, compare=False)
    latency_s: float | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Delivered:
    """The other end has confirmed the datagram of this number."""

    number: int


@dataclass(frozen=True, slots=True)
class Failed:
    """The datagram of this number was given up; an unconfirmed one may fail without a word."""

    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class StationKnown:
    """Root: a station has announced its route."""

    eui64: bytes
    address: bytes


@dataclass(frozen=True, slots=True)
class StationGone:
    """Root: a station has said good-bye or its route has run out."""

    eui64: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class JoinRefused:
    """Root: somebody who wants to join is not ours or cannot prove it."""

    eui64: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class KeyChanged:
    """The station sends with the group key of this epoch from now on."""

    epoch: int


@dataclass(frozen=True, slots=True)
class Persist:
    """`value` has to be durable under `name` in the counters; call `persisted(event, now)` when it is.

    Numbers of the counter from the value before up to, but not including, `value` may be used after that.
    """

    name: str
    value: int


MeshEvent = (
    Joined
    | ParentChanged
    | Left
    | DatagramReceived
    | Delivered
    | Failed
    | StationKnown
    | StationGone
    | JoinRefused
    | KeyChanged
    | Persist
)
