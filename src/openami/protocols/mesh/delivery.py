"""Packets that have arrived where they were sent: RPL messages, messages of joining, datagrams."""

from __future__ import annotations

from collections.abc import Callable

from openami.model.errors import DecodeError, SecurityError
from openami.protocols.mesh.address import link_local
from openami.protocols.mesh.belonging import Belonging
from openami.protocols.mesh.confirmed import CONFIRMED_PORT, Confirmed
from openami.protocols.mesh.dodag import Dodag
from openami.protocols.mesh.doorway import Doorway
from openami.protocols.mesh.events import DatagramReceived, Delivered, MeshEvent
from openami.protocols.mesh.frame import BROADCAST
from openami.protocols.mesh.ipv6 import HOP_LIMIT, ICMPV6, RPL_CONTROL, UDP, Packet, check_icmp, decode_udp
from openami.protocols.mesh.join_messages import (
    ANSWER,
    JOIN_PORT,
    RELAYED,
    REQUEST,
    UPDATE,
    decode_request,
    decode_sealed,
)
from openami.protocols.mesh.link_layer import Heard, LinkLayer, require_secured
from openami.protocols.mesh.root import Root
from openami.protocols.mesh.rpl_messages import RplCode, decode_dao, decode_dao_ack, decode_dis, encode_dao_ack
from openami.protocols.mesh.sender import Sender


class Delivery:
    """One of `root` and `belonging` is there. `emit` takes events."""

    def __init__(
        self,
        identity: bytes,
        link: LinkLayer,
        dodag: Dodag,
        sender: Sender,
        doorway: Doorway,
        confirmed: Confirmed,
        root: Root | None,
        belonging: Belonging | None,
        emit: Callable[[MeshEvent], None],
    ) -> None:
        self._identity = identity
        self._link = link
        self._dodag = dodag
        self._sender = sender
        self._doorway = doorway
        self._confirmed = confirmed
        self._root = root
        self._belonging = belonging
        self._emit = emit

    def take(self, packet: Packet, heard: Heard, now: float) -> None:
        """A packet for us, or for everybody around; raises `RemoteProtocolError`."""
        if packet.protocol == ICMPV6:
            check_icmp(packet)
            if packet.upper[0] == RPL_CONTROL:
                self._take_rpl(packet, heard, now)
        elif packet.protocol == UDP:
            datagram = decode_udp(packet)
            if datagram.destination_port == CONFIRMED_PORT:
                self._take_confirmed(packet, datagram.payload, now)
            elif datagram.destination_port == JOIN_PORT:
                self.take_join(datagram.payload, packet, heard, now)
            else:
                self._receive(packet, datagram.destination_port, datagram.payload, now)
        else:
            raise DecodeError(f"protocol {packet.protocol} is not understood", 6)

    def take_join(self, payload: bytes, packet: Packet, heard: Heard, now: float) -> None:
        """A message of joining, protected or not; raises `RemoteProtocolError`."""
        kind = payload[0] if payload else 0
        if kind == REQUEST and not heard.secured:
            self._doorway.requested(decode_request(payload), heard.frame.source, now)
        elif kind == RELAYED and self._root is not None:
            require_secured(heard)
            self._doorway.relayed(self._root, payload, packet.source, now)
        elif kind == ANSWER:
            self._take_answer(payload, heard, now)
        else:
            raise DecodeError(f"join message {kind} is not for us", 0)

    def _take_answer(self, payload: bytes, heard: Heard, now: float) -> None:
        message = decode_sealed(payload)
        if message.eui64 != self._identity:
            require_secured(heard)
            self._doorway.answered(message.eui64, payload, now)
        elif self._belonging is None:
            raise SecurityError("a join answer for the root")
        else:
            self._belonging.take_key(message, heard, now)

    def _receive(self, packet: Packet, port: int, payload: bytes, now: float) -> None:
        self._emit(DatagramReceived(packet.source, port, payload, _hops(packet), None, now))

    def _take_rpl(self, packet: Packet, heard: Heard, now: float) -> None:
        code, body = packet.upper[1], packet.upper[4:]
        if code in (RplCode.DIS, RplCode.DIO):
            self._take_from_neighbour(code, packet, heard, now)
        elif code == RplCode.DAO and self._root is not None:
            dao = decode_dao(body)
            status = self._root.advertised(dao, packet.source, now)
            if dao.head.ack_wanted:
                answer = encode_dao_ack(self._dodag.graph.instance, dao.head.sequence, status)
                self._sender.rpl(packet.source, RplCode.DAO_ACK, answer, now)
        elif code == RplCode.DAO_ACK and self._belonging is not None and packet.source == self._dodag.graph.dodag_id:
            self._belonging.dao_acknowledged(decode_dao_ack(body), now)

    def _take_from_neighbour(self, code: int, packet: Packet, heard: Heard, now: float) -> None:
        body, sender = packet.upper[4:], heard.frame.source
        if packet.source != link_local(sender):
            raise DecodeError("a link-local RPL message that does not come from a neighbour", 7)
        if code == RplCode.DIS:
            decode_dis(body)
            self._dodag.receive_dis(sender, now, unicast=heard.frame.destination != BROADCAST)
            return
        attached = self._dodag.attached
        self._dodag.receive_dio(sender, body, heard.rssi_dbm, now)
        if not attached and self._dodag.attached:
            self._link.mac.pan_id = heard.frame.pan_id

    def _take_confirmed(self, packet: Packet, payload: bytes, now: float) -> None:
        taken = self._confirmed.receive(packet.source, payload, now)
        if taken is None:
            return
        if isinstance(taken, int):
            if self._belonging is not None:
                self._belonging.root_answered()
            if self._root is None or not self._root.update_ended(taken, now, delivered=True):
                self._emit(Delivered(taken))
            return
        held = taken.port != JOIN_PORT and self._confirmed.holds
        if not held:
            self._confirmed.confirm(packet.source, taken.number, now)
        if taken.port != JOIN_PORT:
            number = taken.number if held else None
            told = taken.rank, taken.latency_s
            self._emit(DatagramReceived(packet.source, taken.port, taken.payload, _hops(packet), number, now, *told))
        elif self._belonging is not None and taken.payload[:1] == bytes((UPDATE,)):
            self._belonging.take_update(decode_sealed(taken.payload))


def _hops(packet: Packet) -> int:
    return HOP_LIMIT - packet.hop_limit + 1
