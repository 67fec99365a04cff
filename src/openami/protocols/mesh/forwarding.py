"""What becomes of a packet at a station: it is for us, goes down its source route, or goes up to the parent."""

from __future__ import annotations

from typing import NamedTuple

from openami.model.errors import DecodeError, RemoteProtocolError
from openami.protocols.mesh.address import eui64_of, is_link_local, is_multicast
from openami.protocols.mesh.dodag import Dodag
from openami.protocols.mesh.ipv6 import Packet
from openami.protocols.mesh.rpl_packet import (
    DOWN,
    RANK_ERROR,
    RplOption,
    advance,
    decode_rpl_option,
    encode_rpl_option,
)


class NoRoute(RemoteProtocolError):
    """A packet that cannot go on from here."""


class Loop(NoRoute):
    """A packet that has come the wrong way twice."""


class Step(NamedTuple):
    """`next_hop` is `None` if the packet has arrived. `warned`: it shows that somebody's rank is old news."""

    next_hop: bytes | None
    packet: Packet
    up: bool = False
    warned: bool = False


def step(packet: Packet, own: tuple[bytes, bytes], dodag: Dodag) -> Step:
    """The way of a received packet; `own` are our addresses. Raises `DecodeError` or `NoRoute`."""
    if packet.destination in own or is_multicast(packet.destination):
        if not packet.routing or packet.routing[3] == 0:
            return Step(None, packet)
        onward = advance(packet, packet.destination)
        return Step(eui64_of(onward.destination), _hop(onward))
    if is_link_local(packet.destination) or is_link_local(packet.source):
        raise NoRoute("a packet with a link-local address does not go on")
    if packet.routing:
        raise NoRoute("a source route that does not begin with us")
    return _upward(packet, dodag)


def _upward(packet: Packet, dodag: Dodag) -> Step:
    option = decode_rpl_option(packet.hop_by_hop) if packet.hop_by_hop else None
    if option is None or option.instance != dodag.graph.instance:
        raise NoRoute("a packet to be forwarded upwards brings no RPL option of our instance")
    if dodag.root or dodag.parent is None:
        raise NoRoute("the root forwards to nobody else" if dodag.root else "no parent to forward to")
    if option.flags & DOWN:
        raise NoRoute("a packet on its way down has no source route")
    wrong = dodag.graph.dag_rank(option.rank) <= dodag.graph.dag_rank(dodag.rank)
    if wrong and option.flags & RANK_ERROR:
        raise Loop(f"rank {option.rank} of the sender is not above ours, {dodag.rank}, for the second time")
    flags = option.flags | (RANK_ERROR if wrong else 0)
    header = encode_rpl_option(RplOption(flags, dodag.graph.instance, dodag.rank))
    return Step(dodag.parent.eui64, _hop(packet)._replace(hop_by_hop=header), up=True, warned=wrong)


def _hop(packet: Packet) -> Packet:
    if packet.hop_limit <= 1:
        raise DecodeError("the hop limit is used up", 7)
    return packet._replace(hop_limit=packet.hop_limit - 1)


def with_rank(packet: Packet, dodag: Dodag) -> Packet:
    """The packet with our present rank in its RPL option, to be sent to another parent."""
    option = decode_rpl_option(packet.hop_by_hop)
    flags = option.flags if option is not None else 0
    return packet._replace(hop_by_hop=encode_rpl_option(RplOption(flags, dodag.graph.instance, dodag.rank)))
