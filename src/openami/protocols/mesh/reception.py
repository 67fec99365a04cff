"""Frames that a station hears: beacons and requests for them, and data frames that become packets."""

from __future__ import annotations

from collections.abc import Callable

from openami.model.errors import SecurityError
from openami.protocols.mesh.address import link_local
from openami.protocols.mesh.belonging import Belonging
from openami.protocols.mesh.delivery import Delivery
from openami.protocols.mesh.dodag import Dodag
from openami.protocols.mesh.doorway import Doorway
from openami.protocols.mesh.frame import BEACON, BEACON_REQUEST, BROADCAST, COMMAND, MacFrame
from openami.protocols.mesh.ipv6 import UDP, Packet, decode_packet, decode_udp
from openami.protocols.mesh.join_messages import JOIN_PORT
from openami.protocols.mesh.link_layer import Heard, LinkLayer
from openami.protocols.mesh.link_security import UnknownKey
from openami.protocols.mesh.pledge import Candidate
from openami.protocols.mesh.sender import Sender


class Reception:
    """`packet_heard` takes the packets that are protected as this mesh protects them."""

    def __init__(
        self,
        identity: bytes,
        link: LinkLayer,
        dodag: Dodag,
        sender: Sender,
        doorway: Doorway,
        delivery: Delivery,
        belonging: Belonging | None,
        packet_heard: Callable[[Packet, Heard, float], None],
    ) -> None:
        self._identity = identity
        self._link = link
        self._dodag = dodag
        self._sender = sender
        self._doorway = doorway
        self._delivery = delivery
        self._belonging = belonging
        self._packet_heard = packet_heard

    def take(self, frame: MacFrame, rssi_dbm: int, now: float) -> None:
        """A frame other than an acknowledgement; raises `RemoteProtocolError`."""
        if frame.kind == BEACON:
            if self._belonging is not None and self._belonging.joining is not None:
                self._belonging.joining.beacon_heard(frame, rssi_dbm, now)
        elif frame.kind == COMMAND:
            if frame.content == BEACON_REQUEST:
                self._doorway.plan_beacon(now)
        elif frame.destination in (self._identity, BROADCAST) and len(frame.source) == 8 and self._our_pan(frame):
            self._take_data(frame, rssi_dbm, now)

    def _our_pan(self, frame: MacFrame) -> bool:
        return frame.pan_id == self._link.mac.pan_id or not (self._link.secured or self._dodag.attached)

    def _take_data(self, frame: MacFrame, rssi_dbm: int, now: float) -> None:
        try:
            heard = self._link.open(frame, rssi_dbm, now)
        except SecurityError as error:
            if self._belonging is not None:
                self._belonging.foreign_heard(now)
            if isinstance(error, UnknownKey):
                self._ask_for_key(frame, rssi_dbm, now)
            raise
        if frame.secured and self._belonging is not None and self._link.security.uses_newer_key(frame):
            self._use_newer_key(self._belonging, now)
        if heard is None:
            if frame.secured and not self._dodag.attached:
                self._dodag.correct(frame.source, now)
            return
        packet = decode_packet(heard.data)
        if heard.secured is self._link.secured:
            self._packet_heard(packet, heard, now)
        elif frame.destination == self._identity:
            self._take_unsecured(packet, heard, now)

    def _ask_for_key(self, frame: MacFrame, rssi_dbm: int, now: float) -> None:
        """A neighbour has a key that we do not have: ask for it through our parent, or through the neighbour."""
        if self._belonging is not None and self._belonging.joining is not None:
            proxy = self._dodag.parent.eui64 if self._dodag.parent is not None else frame.source
            candidate = Candidate(proxy, self._link.mac.pan_id, self._dodag.rank, rssi_dbm)
            self._belonging.joining.unknown_key_heard(candidate, now)

    def _use_newer_key(self, belonging: Belonging, now: float) -> None:
        if belonging.joining is not None:
            belonging.joining.newer_key_heard(now)
            self._dodag.inconsistent(now)

    def _take_unsecured(self, packet: Packet, heard: Heard, now: float) -> None:
        """Without protection only the messages of joining are taken, between neighbours."""
        if packet.protocol != UDP or packet.routing or packet.destination != self._sender.own[1]:
            raise SecurityError(f"an unprotected packet from {heard.frame.source.hex()}")
        datagram = decode_udp(packet)
        if datagram.destination_port != JOIN_PORT or packet.source != link_local(heard.frame.source):
            raise SecurityError(f"an unprotected datagram for port {datagram.destination_port}")
        if self._link.accept(heard.frame):
            self._delivery.take_join(datagram.payload, packet, heard, now)
