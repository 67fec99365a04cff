"""IPv6 packets, UDP and ICMPv6 as far as the mesh needs them (RFC 8200, 768, 4443)."""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from openami.model.errors import DecodeError

HOP_BY_HOP: Final = 0
UDP: Final = 17
ROUTING: Final = 43
ICMPV6: Final = 58
HEADER_SIZE: Final = 40
UDP_SIZE: Final = 8
HOP_LIMIT: Final = 64
LINK_HOP_LIMIT: Final = 255
MTU: Final = 1280
RPL_CONTROL: Final = 155
_HEAD: Final = struct.Struct(">IHBB16s16s")
_UDP: Final = struct.Struct(">HHHH")


class Packet(NamedTuple):
    """An IPv6 packet. `hop_by_hop` and `routing` are whole extension headers, `b""` if absent.

    The first octet of an extension header names what follows; here it is whatever stood there, and made right when
    the packet is encoded. `upper` is the UDP datagram or ICMPv6 message.
    """

    source: bytes
    destination: bytes
    hop_limit: int
    hop_by_hop: bytes
    routing: bytes
    protocol: int
    upper: bytes


def encode_packet(packet: Packet) -> bytes:
    """The octets of a packet without traffic class and flow label."""
    following, parts = packet.protocol, [packet.upper]
    for kind, header in ((ROUTING, packet.routing), (HOP_BY_HOP, packet.hop_by_hop)):
        if header:
            parts.append(bytes((following,)) + header[1:])
            following = kind
    size = len(packet.upper) + len(packet.routing) + len(packet.hop_by_hop)
    parts.append(_HEAD.pack(6 << 28, size, following, packet.hop_limit, packet.source, packet.destination))
    return b"".join(reversed(parts))


def decode_packet(data: bytes) -> Packet:
    """Take a packet apart; raise `DecodeError` for other extension headers than the mesh uses."""
    if len(data) < HEADER_SIZE:
        raise DecodeError(f"an IPv6 packet has at least {HEADER_SIZE} octets, {len(data)} there", len(data))
    first, size, following, hop_limit, source, destination = _HEAD.unpack_from(data)
    if first >> 28 != 6:
        raise DecodeError(f"IP version {first >> 28}, not 6", 0)
    if size != len(data) - HEADER_SIZE:
        raise DecodeError(f"payload length {size}, but {len(data) - HEADER_SIZE} octets follow", 4)
    at, hop_by_hop, routing = HEADER_SIZE, b"", b""
    if following == HOP_BY_HOP:
        hop_by_hop = _extension(data, at)
        following, at = data[at], at + len(hop_by_hop)
    if following == ROUTING:
        routing = _extension(data, at)
        following, at = data[at], at + len(routing)
    return Packet(source, destination, hop_limit, hop_by_hop, routing, following, data[at:])


def _extension(data: bytes, at: int) -> bytes:
    if at + 8 > len(data) or at + 8 * (data[at + 1] + 1) > len(data):
        raise DecodeError("the packet ends inside an extension header", at)
    return data[at : at + 8 * (data[at + 1] + 1)]


def checksum(source: bytes, destination: bytes, protocol: int, upper: bytes) -> int:
    """The Internet checksum of `upper` with its pseudo-header; 0 if the checksum inside is right.

    Ones' complement addition of 16-bit words is arithmetic modulo 65535.
    """
    data = b"".join((source, destination, len(upper).to_bytes(4, "big"), protocol.to_bytes(4, "big"), upper))
    if len(data) & 1:
        data += b"\x00"
    return 0xFFFF - (int.from_bytes(data, "big") % 0xFFFF or 0xFFFF)


def encode_udp(source: bytes, destination: bytes, ports: tuple[int, int], payload: bytes) -> bytes:
    """A datagram with its checksum; `ports` are source and destination."""
    datagram = _UDP.pack(*ports, UDP_SIZE + len(payload), 0) + payload
    total = checksum(source, destination, UDP, datagram) or 0xFFFF
    return datagram[:6] + total.to_bytes(2, "big") + payload


class Datagram(NamedTuple):
    """A UDP datagram whose checksum was right."""

    source_port: int
    destination_port: int
    payload: bytes


def decode_udp(packet: Packet) -> Datagram:
    """The datagram in a packet at its destination."""
    upper = packet.upper
    if len(upper) < UDP_SIZE:
        raise DecodeError(f"a datagram has at least {UDP_SIZE} octets, {len(upper)} there", len(upper))
    source_port, destination_port, size, _ = _UDP.unpack_from(upper)
    if size != len(upper):
        raise DecodeError(f"UDP length {size}, but {len(upper)} octets are there", 4)
    if checksum(packet.source, packet.destination, UDP, upper):
        raise DecodeError("the UDP checksum is wrong", 6)
    return Datagram(source_port, destination_port, upper[UDP_SIZE:])


def encode_icmp(source: bytes, destination: bytes, kind: int, code: int, body: bytes) -> bytes:
    """An ICMPv6 message with its checksum."""
    message = bytes((kind, code, 0, 0)) + body
    return message[:2] + checksum(source, destination, ICMPV6, message).to_bytes(2, "big") + body


def check_icmp(packet: Packet) -> None:
    """Raise `DecodeError` unless the packet's ICMPv6 message is whole and its checksum right."""
    if len(packet.upper) < 4:
        raise DecodeError(f"an ICMPv6 message has at least 4 octets, {len(packet.upper)} there", len(packet.upper))
    if checksum(packet.source, packet.destination, ICMPV6, packet.upper):
        raise DecodeError("the ICMPv6 checksum is wrong", 2)
