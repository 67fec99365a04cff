"""What carries APDUs over a link: the one shape of the TCP/UDP wrapper and of HDLC.

A framing is sans-I/O and knows no association: bytes go in with `receive`, events come out of `next_event`,
bytes to send come out of `data_to_send`. Addresses are those of the framing: wPorts of the wrapper, client
addresses and upper (logical device) addresses of HDLC, which are the same numbers: the client's and server's SAP.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol, TypeAlias


class Role(Enum):
    """Which side of the conversation a core plays."""

    CLIENT = "client"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class Connected:
    """The framing is ready to carry APDUs. `peer` is the other side's address: the server's or the client's SAP.

    `parameters` are the negotiated `HdlcParameters`, or None where there is nothing to negotiate.
    """

    peer: int
    parameters: object | None = None


@dataclass(frozen=True, slots=True)
class ApduReceived:
    """One whole APDU, without LLC header. `unconfirmed` tells an HDLC UI frame, as pushes use them."""

    apdu: bytes
    source: int
    destination: int
    unconfirmed: bool = False


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The framing carries nothing any more; what was not received before is lost. `reason` is for the operator.

    `peer` is the other side's SAP where only that one left (a secondary goes on serving others), else None.
    `clean` tells an orderly end that either side asked for.
    """

    reason: str
    peer: int | None = None
    clean: bool = False


@dataclass(frozen=True, slots=True)
class Garbage:
    """Bytes that mean nothing here, kept as they came, and why. Never ends the conversation by itself."""

    data: bytes
    reason: str


FramingEvent: TypeAlias = Connected | ApduReceived | Disconnected | Garbage


class Framing(Protocol):
    """What the association core needs of a framing. All times are seconds of one monotonic clock."""

    max_apdu: int | None
    """The longest APDU that one `send` can carry, or None if there is no limit."""

    def connect(self, now: float) -> None:
        """Client: ask for the connection (SNRM). `Connected` follows, at once for the wrapper."""
        ...

    def disconnect(self, now: float) -> None:
        """End the connection (DISC). `Disconnected` follows, at once for the wrapper."""
        ...

    def receive(self, data: bytes, now: float) -> None:
        """Take bytes from the link. Never raises, whatever the bytes."""
        ...

    def next_event(self) -> FramingEvent | None:
        """The oldest event that was not taken yet."""
        ...

    def send(self, apdu: bytes, now: float, *, destination: int | None = None, unconfirmed: bool = False) -> None:
        """Queue one APDU. A server answers the client that spoke last unless `destination` names another.

        Raises `LocalProtocolError` without a connection; while its `Disconnected` waits to be taken, the APDU is
        dropped instead.
        """
        ...

    def data_to_send(self, now: float) -> bytes:
        """Bytes for the link, empty when there are none now. On datagram links: one datagram at each call."""
        ...

    def next_timeout(self) -> float | None:
        """When `handle_timeout` wants to be called."""
        ...

    def handle_timeout(self, now: float) -> None:
        """Do what is due at `now`."""
        ...

    def closed(self, now: float) -> None:
        """The link has ended; `Disconnected` follows unless it was said before."""
        ...
