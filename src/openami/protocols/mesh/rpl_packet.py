"""What RPL adds to packets: the RPL option (RFC 6553) on the way up, the source routing header (RFC 6554) down."""

from __future__ import annotations

from typing import Final, NamedTuple

from openami.model.errors import DecodeError
from openami.protocols.mesh.ipv6 import Packet

RPL_OPTION: Final = 0x63
RPL_OPTION_NEW: Final = 0x23
DOWN, RANK_ERROR, FORWARDING_ERROR = 0x80, 0x40, 0x20
_ROUTING_TYPE: Final = 3
_COMPRESSED: Final = 8
ROUTE_MAX: Final = 32


class RplOption(NamedTuple):
    """The RPL option of a packet: flags, instance and the rank of the last sender."""

    flags: int
    instance: int
    rank: int


def encode_rpl_option(option: RplOption) -> bytes:
    """A hop-by-hop header that holds just the RPL option."""
    return bytes((0, 0, RPL_OPTION, 4, option.flags, option.instance)) + option.rank.to_bytes(2, "big")


def decode_rpl_option(header: bytes) -> RplOption | None:
    """The RPL option in a hop-by-hop header; options that may be skipped are skipped. Raises `DecodeError`."""
    at = 2
    while at < len(header):
        kind = header[at]
        if kind == 0:
            at += 1
            continue
        if at + 2 > len(header) or at + 2 + header[at + 1] > len(header):
            raise DecodeError("an option ends behind its header", at)
        if kind in (RPL_OPTION, RPL_OPTION_NEW):
            if header[at + 1] < 4:
                raise DecodeError(f"an RPL option of {header[at + 1]} octets", at)
            return RplOption(header[at + 2], header[at + 3], int.from_bytes(header[at + 4 : at + 6], "big"))
        if kind & 0xC0:
            raise DecodeError(f"hop-by-hop option {kind:#04x} must be understood", at)
        at += 2 + header[at + 1]
    return None


class SourceRoute(NamedTuple):
    """A source routing header. `addresses` are whole; `left` of them are still to be visited."""

    left: int
    addresses: list[bytes]


def encode_source_route(route: SourceRoute) -> bytes:
    """The header, with the prefix of 8 octets that all its addresses share left out."""
    head = bytes((0, len(route.addresses), _ROUTING_TYPE, route.left, _COMPRESSED << 4 | _COMPRESSED, 0, 0, 0))
    return head + b"".join(address[_COMPRESSED:] for address in route.addresses)


def decode_source_route(header: bytes, destination: bytes) -> SourceRoute:
    """The route in a routing header; left-out octets come from the packet's `destination`. Raises `DecodeError`."""
    if header[2] != _ROUTING_TYPE:
        raise DecodeError(f"routing header type {header[2]} is not understood", 2)
    inner, last, padding = header[4] >> 4, header[4] & 15, header[5] >> 4
    content = len(header) - 8 - padding
    if content < 16 - last or (content - (16 - last)) % (16 - inner):
        raise DecodeError(f"a source route of {content} octets does not hold addresses", 1)
    count = (content - (16 - last)) // (16 - inner) + 1
    if header[3] > count or count > 128:
        raise DecodeError(f"{header[3]} of {count} segments left", 3)
    addresses, at = [], 8
    for number in range(count):
        size = 16 - (last if number == count - 1 else inner)
        addresses.append(destination[: 16 - size] + header[at : at + size])
        at += size
    return SourceRoute(header[3], addresses)


def advance(packet: Packet, own: bytes) -> Packet:
    """The packet as it goes on from us, its present destination; raise `DecodeError` for a route that cannot be."""
    route = decode_source_route(packet.routing, packet.destination)
    at = len(route.addresses) - route.left
    following = route.addresses[at]
    if following[0] == 0xFF or own in route.addresses[at:]:
        raise DecodeError("a source route that comes back to us or leads to everybody", 8)
    addresses = [*route.addresses]
    addresses[at] = packet.destination
    header = _with(packet.routing, addresses, route.left - 1, following)
    return packet._replace(destination=following, routing=header)


def _with(header: bytes, addresses: list[bytes], left: int, destination: bytes) -> bytes:
    """`header` with other addresses; it leaves out what it left out before."""
    inner, last = header[4] >> 4, header[4] & 15
    if any(address[:inner] != destination[:inner] for address in addresses[:-1]):
        raise DecodeError("the addresses of a source route do not share what it leaves out", 4)
    content = b"".join(address[inner:] for address in addresses[:-1]) + addresses[-1][last:]
    return header[:3] + bytes((left,)) + header[4:8] + content + header[8 + len(content) :]
