"""Packets of our own on their way out: up with the RPL option, down with a source route, or to a neighbour."""

from __future__ import annotations

from collections.abc import Callable

from openami.model.errors import RemoteProtocolError
from openami.protocols.mesh.address import ALL_RPL_NODES, address_of, eui64_of, link_local
from openami.protocols.mesh.dodag import Dodag
from openami.protocols.mesh.forwarding import NoRoute
from openami.protocols.mesh.frame import BROADCAST
from openami.protocols.mesh.ipv6 import (
    HOP_LIMIT,
    ICMPV6,
    LINK_HOP_LIMIT,
    RPL_CONTROL,
    UDP,
    Packet,
    encode_icmp,
    encode_udp,
)
from openami.protocols.mesh.join_messages import JOIN_PORT
from openami.protocols.mesh.link_layer import LinkLayer, Transit
from openami.protocols.mesh.parameters import NodeSettings
from openami.protocols.mesh.root import Root
from openami.protocols.mesh.rpl_messages import RplCode
from openami.protocols.mesh.rpl_packet import RplOption, encode_rpl_option


class Sender:
    """`own` are our two addresses, the mesh's and the link's. `refused` hears of what could not be sent."""

    def __init__(
        self,
        settings: NodeSettings,
        link: LinkLayer,
        dodag: Dodag,
        root: Root | None,
        refused: Callable[[RemoteProtocolError], None],
    ) -> None:
        self._identity = settings.eui64
        self._link = link
        self._dodag = dodag
        self._root = root
        self._refused = refused
        self.own = (address_of(settings.eui64, settings.parameters.prefix), link_local(settings.eui64))

    @property
    def address(self) -> bytes:
        """Our IPv6 address in the mesh."""
        return self.own[0]

    def take_prefix(self) -> None:
        """The DODAG has told its prefix."""
        self._link.lowpan.prefix = self._dodag.graph.prefix
        self.own = (address_of(self._identity, self._dodag.graph.prefix), self.own[1])

    def datagram(self, destination: bytes, port: int, payload: bytes, now: float) -> None:
        """Send a datagram to the root, or from it to a station; raises `NoRoute` or `LimitExceeded`."""
        upper = encode_udp(self.address, destination, (port, port), payload)
        self._packet(Packet(self.address, destination, HOP_LIMIT, b"", b"", UDP, upper), now)

    def try_datagram(self, destination: bytes, port: int, payload: bytes, now: float) -> None:
        """The same; what cannot be sent is told to `refused`."""
        try:
            self.datagram(destination, port, payload, now)
        except RemoteProtocolError as error:
            self._refused(error)

    def rpl(self, destination: bytes, code: RplCode, body: bytes, now: float) -> None:
        """Send a RPL message over as many hops as it takes."""
        message = encode_icmp(self.address, destination, RPL_CONTROL, code, body)
        try:
            self._packet(Packet(self.address, destination, HOP_LIMIT, b"", b"", ICMPV6, message), now)
        except RemoteProtocolError as error:
            self._refused(error)

    def rpl_around(self, code: RplCode, body: bytes, neighbour: bytes | None, now: float) -> None:
        """Send a RPL message to a neighbour, or to all of them."""
        destination = ALL_RPL_NODES if neighbour is None else link_local(neighbour)
        source = self.own[1]
        message = encode_icmp(source, destination, RPL_CONTROL, code, body)
        packet = Packet(source, destination, LINK_HOP_LIMIT, b"", b"", ICMPV6, message)
        next_hop = BROADCAST if neighbour is None else neighbour
        self.forward(Transit(packet, next_hop, up=False, secured=self._link.secured), now)

    def unprotected(self, neighbour: bytes, payload: bytes, now: float) -> None:
        """Send a message of joining to a neighbour, one of us without the group key."""
        source, destination = self.own[1], link_local(neighbour)
        datagram = encode_udp(source, destination, (JOIN_PORT, JOIN_PORT), payload)
        packet = Packet(source, destination, LINK_HOP_LIMIT, b"", b"", UDP, datagram)
        self.forward(Transit(packet, neighbour, up=False, secured=False), now)

    def forward(self, transit: Transit, now: float) -> None:
        """Send a packet on; what finds no room is told to `refused`."""
        try:
            self._link.output(transit, now)
        except RemoteProtocolError as error:
            self._refused(error)

    def _packet(self, packet: Packet, now: float) -> None:
        if self._root is not None:
            way = self._root.downward(packet)
            if way is None:
                raise NoRoute(f"no route to station {eui64_of(packet.destination).hex()}")
            self._link.output(Transit(way[1], way[0], up=False, secured=self._link.secured), now)
            return
        parent = self._dodag.parent
        if parent is None:
            raise NoRoute("no parent to send to")
        if packet.destination != self._dodag.graph.dodag_id:
            raise NoRoute("a station sends to its root only")
        header = encode_rpl_option(RplOption(0, self._dodag.graph.instance, self._dodag.rank))
        transit = Transit(packet._replace(hop_by_hop=header), parent.eui64, up=True, secured=self._link.secured)
        self._link.output(transit, now)
