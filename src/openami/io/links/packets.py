"""IP, TCP and UDP packets around payloads that were seen above them, with right checksums and numbers.

The packets are made up: they are what a network would have carried if it had cut the stream where we did.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address

SEGMENT_MAX = 32_768
TCP, UDP = 6, 17
_FIN, _SYN, _PUSH, _ACK = 0x01, 0x02, 0x08, 0x10
_HOPS = 64
_WINDOW = 0xFFFF
_MODULUS = 1 << 32


@dataclass(frozen=True, slots=True)
class End:
    """One end of a flow. Both ends of a flow have the same IP version."""

    address: IPv4Address | IPv6Address
    port: int


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071) of `data`."""
    padded = data + b"\x00" if len(data) % 2 else data
    total: int = sum(struct.unpack(f">{len(padded) // 2}H", padded))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def ip_packet(source: End, destination: End, protocol: int, content: bytes) -> bytes:
    """An IPv4 or IPv6 packet, without options."""
    if isinstance(source.address, IPv6Address):
        head = struct.pack(">IHBB", 6 << 28, len(content), protocol, _HOPS)
        return head + source.address.packed + destination.address.packed + content
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(content), 0, 0x4000, _HOPS, protocol, 0)
    head += source.address.packed + destination.address.packed
    return head[:10] + checksum(head).to_bytes(2, "big") + head[12:] + content


def _transport_checksum(source: End, destination: End, protocol: int, segment: bytes) -> bytes:
    pseudo = source.address.packed + destination.address.packed
    pseudo += struct.pack(">IHBB", len(segment), 0, 0, protocol)
    return checksum(pseudo + segment).to_bytes(2, "big")


def udp_packet(source: End, destination: End, payload: bytes) -> bytes:
    """One datagram."""
    segment = struct.pack(">HHHH", source.port, destination.port, 8 + len(payload), 0) + payload
    total = _transport_checksum(source, destination, UDP, segment)
    if total == b"\x00\x00":
        total = b"\xff\xff"
    return ip_packet(source, destination, UDP, segment[:6] + total + segment[8:])


@dataclass(slots=True)
class TcpFlow:
    """The packets of one TCP connection, in both directions, each acknowledging all that was seen before."""

    client: End
    server: End
    _next: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})

    def opening(self) -> list[tuple[bool, bytes]]:
        """SYN, SYN with ACK, ACK; each with whether the client sends it."""
        packets = [
            (True, self._packet(b"", _SYN, by_client=True)),
            (False, self._packet(b"", _SYN | _ACK, by_client=False)),
        ]
        return [*packets, (True, self._packet(b"", _ACK, by_client=True))]

    def data(self, payload: bytes, *, by_client: bool) -> list[bytes]:
        """The segments that carry `payload`."""
        return [
            self._packet(payload[at : at + SEGMENT_MAX], _PUSH | _ACK, by_client=by_client)
            for at in range(0, len(payload), SEGMENT_MAX)
        ]

    def closing(self, *, by_client: bool) -> list[tuple[bool, bytes]]:
        """FIN from one side, FIN from the other, the last ACK."""
        packets = [(side, self._packet(b"", _FIN | _ACK, by_client=side)) for side in (by_client, not by_client)]
        return [*packets, (by_client, self._packet(b"", _ACK, by_client=by_client))]

    def _packet(self, payload: bytes, flags: int, *, by_client: bool) -> bytes:
        source, destination = (self.client, self.server) if by_client else (self.server, self.client)
        sequence = self._next[by_client]
        acknowledged = self._next[not by_client] if flags & _ACK else 0
        head = struct.pack(
            ">HHIIBBHHH", source.port, destination.port, sequence, acknowledged, 0x50, flags, _WINDOW, 0, 0
        )
        total = _transport_checksum(source, destination, TCP, head + payload)
        step = len(payload) + (1 if flags & (_SYN | _FIN) else 0)
        self._next[by_client] = (sequence + step) % _MODULUS
        return ip_packet(source, destination, TCP, head[:16] + total + head[18:] + payload)
