"""A network below a collector: mesh, meters on TCP, one-way radio. All of them look like this.

It lies here, beside `Link`, because those who implement it (`io.links.mesh`) lie below the collector.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from openami.io.links.link import Link


def _nobody_waits(_durable: bool) -> None:
    return


@dataclass(frozen=True, slots=True)
class MeterSeen:
    """A meter is there. `address` is what `open` takes; `system_title` is None where the network cannot tell."""

    address: str
    system_title: bytes | None = None


@dataclass(frozen=True, slots=True)
class MeterGone:
    """The network has no way to the meter any more."""

    address: str


@dataclass(frozen=True, slots=True)
class Heard:
    """A meter said something unasked: a sealed push or a telegram, whole and not looked at.

    `settled` is called once, with whether it is durable now: a network whose meters wait for that tells them then.
    """

    address: str
    payload: bytes
    settled: Callable[[bool], None] = field(default=_nobody_waits, compare=False, repr=False)


NeighbourhoodEvent = MeterSeen | MeterGone | Heard


class Neighbourhood(Protocol):
    """What a collector knows of a network below it. One task takes its events."""

    async def next_event(self) -> NeighbourhoodEvent:
        """Wait for what happens next; cancelling loses nothing. Raises `LinkError` when the network has ended."""
        ...

    async def open(self, address: str) -> Link:
        """A way to one meter: a stream, or whole datagrams. Raises `LinkError` if there is none."""
        ...

    async def trigger(self, address: str) -> None:
        """Ask a meter to push now; raises `LinkError` if it cannot be asked (one-way meters never can)."""
        ...


@dataclass(frozen=True, slots=True)
class Route:
    """How a station of a mesh reaches the root. `parent` is empty for the root's neighbours.

    `etx` is the expected number of transmissions on the link with the root, None for stations further away;
    `heard_at` is when its last datagram came, UTC seconds since 1970 by the root's clock, None if none has. `rank` is
    its place in the mesh (RPL) and `latency_s` how long a datagram of its was on the way, as it told them last.
    """

    address: str
    parent: str
    hops: int
    etx: float | None
    heard_at: float | None
    rank: int | None = None
    latency_s: float | None = None


@runtime_checkable
class Routed(Protocol):
    """A neighbourhood whose meters relay for each other."""

    def routes(self) -> list[Route]:
        """The way of each station that has one."""
        ...
