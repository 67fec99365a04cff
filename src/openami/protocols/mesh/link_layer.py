"""One station's link: packets go out as protected frames, heard frames become packets."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from openami.model.errors import LimitExceeded, SecurityError
from openami.protocols.mesh.frame import BEACON, BROADCAST, COMMAND, DATA, MacFrame
from openami.protocols.mesh.frame_counter import Counters, FrameCounter
from openami.protocols.mesh.ipv6 import Packet, encode_packet
from openami.protocols.mesh.link_security import LinkSecurity, Replayed
from openami.protocols.mesh.lowpan import Lowpan
from openami.protocols.mesh.mac import Mac, Outgoing
from openami.protocols.mesh.parameters import NodeSettings

SENDERS_MAX = 256


class Transit:
    """A packet on its way to a neighbour. `up`: it may go another way up instead."""

    __slots__ = ("next_hop", "packet", "secured", "tries", "up")

    def __init__(self, packet: Packet, next_hop: bytes, *, up: bool, secured: bool) -> None:
        self.packet = packet
        self.next_hop = next_hop
        self.up = up
        self.secured = secured
        self.tries = 0


class Heard(NamedTuple):
    """A packet from a neighbour, whole. `secured`: it was protected with the group key."""

    data: bytes
    frame: MacFrame
    secured: bool
    rssi_dbm: int


class Upcalls(Protocol):
    """What the link layer tells its station."""

    def frame_sent(self, neighbour: bytes, attempts: int, now: float, *, delivered: bool) -> None:
        """A frame to a neighbour has ended."""
        ...

    def packet_failed(self, transit: Transit, now: float) -> None:
        """A packet did not reach the neighbour."""
        ...


class LinkLayer:
    """`secured` says whether this station protects its frames; a lab mesh has no keys."""

    def __init__(
        self, settings: NodeSettings, random: Callable[[int], bytes], counters: Counters, upcalls: Upcalls
    ) -> None:
        parameters = settings.parameters
        self.identity = settings.eui64
        self._retries = parameters.frame_retries
        self._upcalls = upcalls
        self.secured = settings.device_key is not None
        self.security = LinkSecurity(settings.eui64)
        self.counter = FrameCounter(f"mesh/{settings.eui64.hex()}/frames", counters, parameters.counter_reserve)
        self.mac = Mac(parameters, settings.eui64, random, self._seal, hub=settings.root)
        self.lowpan = Lowpan(settings.eui64, parameters)
        self._sequences: dict[bytes, int] = {}

    def output(self, transit: Transit, now: float) -> None:
        """Send a packet to `transit.next_hop` (an EUI-64 or `BROADCAST`); what does not fit the queue has failed."""
        frames = self.lowpan.frames(encode_packet(transit.packet), transit.next_hop)
        transit.tries += 1
        if self.mac.room < len(frames):
            self.mac.dropped += len(frames)
            raise LimitExceeded(f"the queue has no room for {len(frames)} frames", 0)
        for content in frames:
            self.mac.send(Outgoing(DATA, transit.next_hop, content, transit, self._sent, secured=transit.secured), now)

    def beacon(self, content: bytes, now: float) -> None:
        self.mac.send(Outgoing(BEACON, b"", content, None, None, secured=False), now)

    def probe(self, neighbour: bytes, now: float) -> None:
        """Is it still there? A frame without content, which it acknowledges."""
        self.mac.send(Outgoing(DATA, neighbour, b"", None, self._sent, secured=self.secured), now)

    def command(self, content: bytes, now: float) -> None:
        self.mac.send(Outgoing(COMMAND, BROADCAST, content, None, None, secured=False), now)

    def open(self, frame: MacFrame, rssi_dbm: int, now: float) -> Heard | None:
        """The packet that a data frame for us brings or completes, acknowledged if it wants to be.

        `None`: part of a packet, or a repetition. Raises `SecurityError` and `DecodeError`. Unprotected frames in a
        protected mesh are not acknowledged here; whoever wants them says `accept`.
        """
        if frame.secured:
            try:
                payload = self.security.open(frame)
            except Replayed as error:
                if error.again and frame.ack_request:
                    self.mac.acknowledge(frame.sequence)
                    return None
                raise
        else:
            payload = frame.content
            if not self.secured and self._repeated(frame):
                return None
        if frame.ack_request and frame.secured is self.secured:
            self.mac.acknowledge(frame.sequence)
        if not payload or (self.secured and not frame.secured and payload[0] & 0xE0 != 0x60):
            return None
        data = self.lowpan.packet(frame, payload, now)
        return None if data is None else Heard(data, frame, frame.secured, rssi_dbm)

    def accept(self, frame: MacFrame) -> bool:
        """Acknowledge an unprotected frame; false if it is a repetition."""
        repeated = self._sequences.get(frame.source) == frame.sequence
        self._remember(frame)
        if frame.ack_request:
            self.mac.acknowledge(frame.sequence)
        return not repeated

    def _repeated(self, frame: MacFrame) -> bool:
        if frame.ack_request and self._sequences.get(frame.source) == frame.sequence:
            self.mac.acknowledge(frame.sequence)
            return True
        self._remember(frame)
        return False

    def _remember(self, frame: MacFrame) -> None:
        if frame.source not in self._sequences and len(self._sequences) >= SENDERS_MAX:
            del self._sequences[next(iter(self._sequences))]
        self._sequences[frame.source] = frame.sequence

    def _seal(self, header: bytes, content: bytes) -> bytes | None:
        if not self.security.ready:
            return None
        number = self.counter.take()
        return None if number is None else self.security.protect(header, content, number)

    def _sent(self, frame: Outgoing, delivered: bool, now: float) -> None:
        if len(frame.destination) != 8:
            return
        if delivered or frame.tries > self._retries:
            self._upcalls.frame_sent(frame.destination, frame.tries, now, delivered=delivered)
        if not delivered and frame.transit is not None:
            self._upcalls.packet_failed(frame.transit, now)


def require_secured(heard: Heard) -> None:
    """Raise `SecurityError` for what only members may say."""
    if not heard.secured:
        raise SecurityError(f"an unprotected message from {heard.frame.source.hex()}")
