"""A link: bytes in and out. TCP, TLS, UDP, serial lines, ptys and memory all look like this."""

from __future__ import annotations

from typing import Protocol


class Link(Protocol):
    """A connected, bidirectional way for bytes. Owned by one task at a time.

    `datagrams` tells whether each `receive` returns one whole datagram (UDP) or any piece of a stream.
    """

    peer: str
    datagrams: bool

    async def receive(self) -> bytes:
        """The next bytes, at least one; `b""` when the peer has ended. Raises `LinkLost` if the way broke."""
        ...

    async def send(self, data: bytes) -> None:
        """Send all of `data`; waits while the peer is slow. Raises `LinkLost`."""
        ...

    async def close(self) -> None:
        """End the link; may be called twice."""
        ...
