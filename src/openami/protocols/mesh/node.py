"""A station of the mesh: root, relay and meter are the same core."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from math import inf
from typing import Final

from openami.model.errors import DecodeError, LocalProtocolError, RemoteProtocolError, SecurityError
from openami.protocols.mesh.address import address_of, link_local
from openami.protocols.mesh.advertisement import Outcome
from openami.protocols.mesh.beacon import decode_beacon
from openami.protocols.mesh.confirmed import CONFIRMED_PORT, Confirmed
from openami.protocols.mesh.dodag import Dodag
from openami.protocols.mesh.doorway import Doorway
from openami.protocols.mesh.events import (
    DatagramReceived,
    Delivered,
    Failed,
    Joined,
    KeyChanged,
    Left,
    MeshEvent,
    ParentChanged,
    Persist,
)
from openami.protocols.mesh.forwarding import NoRoute, step, with_rank
from openami.protocols.mesh.frame import ACK, BEACON, BEACON_REQUEST, BROADCAST, COMMAND, MacFrame, decode_frame
from openami.protocols.mesh.frame_counter import Counters
from openami.protocols.mesh.ipv6 import (
    HOP_LIMIT,
    ICMPV6,
    RPL_CONTROL,
    UDP,
    Packet,
    check_icmp,
    decode_packet,
    decode_udp,
)
from openami.protocols.mesh.join_messages import (
    ANSWER,
    JOIN_PORT,
    RELAYED,
    REQUEST,
    UPDATE,
    SealedKey,
    decode_request,
    decode_sealed,
)
from openami.protocols.mesh.link_layer import Heard, LinkLayer, Transit, require_secured
from openami.protocols.mesh.link_security import UnknownKey
from openami.protocols.mesh.member import Member
from openami.protocols.mesh.parameters import NodeSettings
from openami.protocols.mesh.pledge import Candidate, Request
from openami.protocols.mesh.root import Root
from openami.protocols.mesh.rpl_messages import RplCode, decode_dao, decode_dao_ack, decode_dis, encode_dao_ack
from openami.protocols.mesh.sender import Sender

PAYLOAD_MAX: Final = 960
"""Octets of a datagram: what IPv6's 1280 leave beside headers, a route of 32 hops and the confirmation."""
PORT: Final = 4059
TRIGGER_PORT: Final = 0xF0B3
"""Whatever comes there asks a meter to push."""
REFUSALS_KEPT: Final = 16
_PACKET_TRIES: Final = 2
_SOLICITED_S: Final = 5.0
"""A station that has just got its key asks one neighbour for its DIO; only later it asks everybody."""


class MeshNode:
    """Feed it what the radio hears, put on the air what it gives, and ask it again when `next_timeout` says so.

    PSDUs are IEEE 802.15.4 frames **without** their frame check sequence, which is the radio's. After every call ask
    `next_transmission`; what it gives has to be put on the air at once (acknowledgements without listening first)
    and its end told by `transmitted`. Times are seconds that never run backwards. Nothing that is heard raises:
    `drops` counts what was not taken in by the class of its error, `refused` keeps the last reasons.
    """

    def __init__(self, settings: NodeSettings, random: Callable[[int], bytes], counters: Counters) -> None:
        self.settings = settings
        self.eui64 = settings.eui64
        self._air_name = settings.eui64[::-1]
        self._random = random
        self._events: deque[MeshEvent] = deque()
        self.drops: Counter[str] = Counter()
        self.refused: deque[str] = deque(maxlen=REFUSALS_KEPT)
        self._link = LinkLayer(settings, random, counters, self)
        self._mac = self._link.mac
        self.dodag = Dodag(settings.eui64, settings.parameters, random, self)
        self._confirmed = Confirmed(settings.parameters, random, self._transmit_confirmed)
        self._vouched = b""
        self._root: Root | None = None
        self._member: Member | None = None
        if settings.root:
            self._root = Root(settings, random, counters, self._link.security, self._events.append)
        else:
            self._member = Member(settings, random, self._link.security, self._link.counter, self._events.append)
        self._sender = Sender(settings, self._link, self.dodag, self._root, self._drop)
        self._doorway = Doorway(settings, random, self._link, self.dodag, self._sender, self._root)
        self._running = False
        self.confirms_on_arrival = True
        """Otherwise whoever takes a confirmed datagram says when it is safe: `confirm`, or `refuse`."""

    @property
    def address(self) -> bytes:
        """Our IPv6 address, 16 bytes."""
        return self._sender.address

    @property
    def root_address(self) -> bytes:
        """The root's IPv6 address; `b""` while we know of none."""
        return self.dodag.dodag_id

    @property
    def rank(self) -> int:
        """Our rank in the DODAG; 0xffff without one."""
        return self.dodag.rank

    @property
    def parent(self) -> bytes | None:
        """The EUI-64 of the neighbour through which packets go up."""
        return self.dodag.parent.eui64 if self.dodag.parent is not None else None

    @property
    def joined(self) -> bool:
        """Whether the root has confirmed our route; the root itself counts as joined."""
        return self._doorway.open

    @property
    def neighbours(self) -> dict[bytes, float]:
        """The ETX of each neighbour by its EUI-64."""
        return {each.eui64: each.etx for each in self.dodag.neighbours}

    @property
    def key_epoch(self) -> int:
        """The epoch of the group key that we send with; 0 without one."""
        return self._link.security.epoch

    @property
    def airtime_s(self) -> float:
        """How long we have been on the air."""
        return self._mac.airtime_s

    @property
    def queued(self) -> int:
        """How many frames wait."""
        return self.settings.parameters.queue_max - self._mac.room

    @property
    def unconfirmed(self) -> int:
        """How many datagrams of ours wait for their confirmation."""
        return len(self._confirmed)

    def routes(self) -> dict[bytes, bytes]:
        """Root: each station's parent, EUI-64s."""
        return self._root.routes.parents() if self._root is not None else {}

    # The verbs of the core

    def start(self, now: float) -> None:
        """Begin: the root opens its DODAG, others look for one."""
        self._running = True
        self._mac.clear()
        self._link.security.forget()
        self._reserve()
        if self._root is None:
            self._search(now)
        elif self._root.open():
            self._found(now)

    def stop(self, now: float) -> None:
        """Leave: say good-bye to root and neighbours. What is queued still goes out; `start` begins anew."""
        if self.joined and self._member is not None:
            self._advertise(0, now)
        self.dodag.stop(now)
        if self._member is not None:
            self._member.stop()
        self._running = False
        self._doorway.close()

    def receive(self, psdu: bytes, now: float, *, rssi_dbm: int) -> None:
        """A frame was heard. Those for others cost two comparisons."""
        if len(psdu) > 12 and psdu[1] & 0x0C == 0x0C and psdu[5:13] != self._air_name:
            return
        try:
            self._take(decode_frame(psdu), now, rssi_dbm)
        except RemoteProtocolError as error:
            self._drop(error)

    def next_transmission(self, now: float) -> bytes | None:
        """The PSDU to put on the air now."""
        return self._mac.next_transmission(now)

    def transmitted(self, now: float, *, clear: bool) -> None:
        """The frame's last symbol has left, or (not `clear`) nothing was sent because the channel was busy."""
        self._mac.transmitted(now, clear=clear)
        self._reserve()

    def send(self, destination: bytes, payload: bytes, now: float, *, port: int = PORT, confirmed: bool = False) -> int:
        """Send a datagram to `destination`, a 16-byte IPv6 address; its number in `Delivered` and `Failed`.

        Stations send to the root only. Raises `LocalProtocolError` for what can never be sent.
        """
        if len(payload) > PAYLOAD_MAX:
            raise LocalProtocolError(f"a datagram of {len(payload)} octets; the mesh carries {PAYLOAD_MAX}")
        if len(destination) != 16 or destination == self.address:
            raise LocalProtocolError(f"{destination.hex()} is no address of another station")
        number = self._confirmed.next_number()
        if confirmed and self._confirmed.full:
            self._events.append(Failed(number, "too many datagrams wait for their confirmation"))
        elif confirmed:
            self._confirmed.send(number, destination, port, payload, now)
        else:
            try:
                self._sender.datagram(destination, port, payload, now)
            except RemoteProtocolError as error:
                self._events.append(Failed(number, str(error)))
        return number

    def confirm(self, datagram: DatagramReceived, now: float) -> None:
        """A datagram with a number is safe here: its sender need not repeat it any more."""
        if datagram.number is not None:
            self._confirmed.confirm(datagram.source, datagram.number, now)

    def refuse(self, datagram: DatagramReceived) -> None:
        """A datagram with a number could not be kept: when its sender repeats it, it is received once more."""
        if datagram.number is not None:
            self._confirmed.refuse(datagram.source, datagram.number)

    def next_event(self) -> MeshEvent | None:
        return self._events.popleft() if self._events else None

    def persisted(self, event: Persist, now: float) -> None:
        """What `event` asked for is durable."""
        if event.name == self._link.counter.name:
            self._link.counter.persisted(event.value)
            self._mac.wake(now)
        elif self._root is not None and self._root.persisted(event, now) and self._running and not self.dodag.attached:
            self._found(now)

    def roll_key(self) -> None:
        """Root: make a new group key, hand it to all stations, and use it when the distribution time has passed."""
        if self._root is None:
            raise LocalProtocolError("only the root changes the group key")
        self._root.roll()

    def global_repair(self, now: float) -> None:
        """Root: begin a new version of the DODAG, in which everybody finds a parent anew."""
        if self._root is None:
            raise LocalProtocolError("only the root begins a new version")
        self.dodag.global_repair(now)

    def next_timeout(self) -> float | None:
        due = min(
            self._mac.due,
            self.dodag.due,
            self._confirmed.due,
            self._link.lowpan.due,
            self._doorway.due,
            (self._member or self._root).due,  # type: ignore[union-attr] # one of them is there
        )
        return None if due == inf else due

    def handle_timeout(self, now: float) -> None:
        """Do what is due."""
        self._mac.act(now)
        if self._link.lowpan.due <= now:
            self.drops["incomplete"] += self._link.lowpan.act(now)
        if self.dodag.due <= now:
            self.dodag.act(now)
        if self._confirmed.due <= now:
            self._give_up(self._confirmed.act(now), now)
        if self._doorway.due <= now:
            self._doorway.act(now)
        if self._member is not None and self._member.due <= now:
            self._act_member(self._member, now)
        elif self._root is not None and self._root.due <= now:
            self._act_root(self._root, now)

    # What the link layer tells

    def frame_sent(self, neighbour: bytes, attempts: int, now: float, *, delivered: bool) -> None:
        known = self.dodag.neighbours.get(neighbour)
        if known is None:
            return
        known.sent(attempts, now, delivered=delivered)
        if known is self.dodag.parent and self._member is not None:
            self._member.touched(now, sure=delivered)
        self.dodag.measured(known, now)

    def packet_failed(self, transit: Transit, now: float) -> None:
        parent = self.dodag.parent
        if not transit.up or transit.tries >= _PACKET_TRIES or parent is None:
            self.drops["undelivered"] += 1
            return
        transit.next_hop = parent.eui64
        transit.packet = with_rank(transit.packet, self.dodag)
        self._sender.forward(transit, now)

    # What the DODAG tells

    def send_rpl(self, code: RplCode, body: bytes, neighbour: bytes | None, now: float) -> None:
        self._sender.rpl_around(code, body, neighbour, now)

    def parent_changed(self, now: float) -> None:
        member, parent = self._member, self.dodag.parent
        if member is None:
            return
        if parent is None:
            member.advertisement.stop()
            member.touch_due = inf
            return
        self._sender.take_prefix()
        vouched = parent.eui64 == self._vouched and not self.joined
        self._vouched = b""
        member.advertisement.plan(now, known=vouched)
        member.touched(now)
        if vouched:
            self._become_joined(now)
        elif self.joined:
            self._events.append(ParentChanged(parent.eui64, self.dodag.rank))

    def lost(self, reason: str, now: float) -> None:
        self._doorway.close()
        self._events.append(Left(reason))
        if self._link.secured:
            self._link.security.forget()
        self._search(now)

    # Beginning and belonging

    def _found(self, now: float) -> None:
        self._doorway.open = True
        self.dodag.found(self.address, now)
        self._doorway.plan_beacon(now)

    def _search(self, now: float) -> None:
        assert self._member is not None
        if self._member.pledge is not None and not self._link.security.ready:
            self._member.pledge.start(now)
        else:
            self.dodag.search(now)

    def _act_member(self, member: Member, now: float) -> None:
        member.act(now)
        outcome = member.advertisement.act(now)
        if outcome is Outcome.SEND:
            self._advertise(self.dodag.default_lifetime, now)
        elif outcome is Outcome.GIVE_UP and self.dodag.parent is not None:
            self.dodag.parent.blame(now)
            self.dodag.measured(self.dodag.parent, now)
        if member.touch_due <= now:
            member.touched(now)
            if self.dodag.parent is not None:
                self._link.probe(self.dodag.parent.eui64, now)
        if member.pledge is not None and member.pledge.due <= now:
            request = member.pledge.act(self._link.counter.upcoming, now)
            if request is None:
                self._link.command(BEACON_REQUEST, now)
            else:
                self._ask(request, now)

    def _advertise(self, lifetime: int, now: float) -> None:
        parent, member = self.dodag.parent, self._member
        if parent is None or member is None:
            return
        above = address_of(parent.eui64, self.dodag.prefix)
        body = member.advertisement.message(self.dodag.instance, self.address, above, lifetime)
        self._sender.rpl(self.dodag.dodag_id, RplCode.DAO, body, now)

    def _ask(self, request: Request, now: float) -> None:
        self._mac.pan_id = request.candidate.pan_id
        self._sender.unprotected(request.candidate.eui64, request.message, now)

    def _act_root(self, root: Root, now: float) -> None:
        root.act(now)
        before = root.epoch_in_use
        update = root.key_update(now)
        if update is not None:
            station, message = update
            number = self._confirmed.next_number()
            root.update_sent(number, station)
            self._confirmed.send(number, address_of(station, self.dodag.prefix), JOIN_PORT, message, now)
        elif root.epoch_in_use != before:
            self._events.append(KeyChanged(root.epoch_in_use))
            self.dodag.inconsistent(now)

    # What is heard

    def _take(self, frame: MacFrame, now: float, rssi_dbm: int) -> None:
        if frame.kind == ACK:
            self._mac.acknowledged(frame.sequence, now)
        elif not self._running:
            return
        elif frame.kind == BEACON:
            self._hear_beacon(frame, now, rssi_dbm)
        elif frame.kind == COMMAND:
            if frame.content == BEACON_REQUEST:
                self._doorway.plan_beacon(now)
        elif frame.destination in (self.eui64, BROADCAST) and len(frame.source) == 8 and self._our_pan(frame):
            self._take_data(frame, now, rssi_dbm)

    def _our_pan(self, frame: MacFrame) -> bool:
        return frame.pan_id == self._mac.pan_id or not (self._link.secured or self.dodag.attached)

    def _hear_beacon(self, frame: MacFrame, now: float, rssi_dbm: int) -> None:
        if self._member is not None and self._member.pledge is not None and self._member.pledge.due < inf:
            rank = decode_beacon(frame.content)
            self._member.pledge.heard(Candidate(frame.source, frame.pan_id, rank, rssi_dbm), now)

    def _take_data(self, frame: MacFrame, now: float, rssi_dbm: int) -> None:
        try:
            heard = self._link.open(frame, rssi_dbm, now)
        except UnknownKey:
            self._ask_again(frame, rssi_dbm, now)
            raise
        if frame.secured and self._member is not None and self._link.security.uses_newer_key(frame):
            self._member.newer_key_heard(now)
            self.dodag.inconsistent(now)
        if heard is None:
            if frame.secured and not self.dodag.attached:
                self.dodag.correct(frame.source, now)
            return
        packet = decode_packet(heard.data)
        if heard.secured is self._link.secured:
            self._take_packet(packet, heard, now)
        elif frame.destination == self.eui64:
            self._take_unsecured(packet, heard, now)

    def _ask_again(self, frame: MacFrame, rssi_dbm: int, now: float) -> None:
        """A neighbour has a key that we do not have: ask for it through our parent, or through the neighbour."""
        member = self._member
        if member is None or member.pledge is None or not self._link.security.ready:
            return
        if member.may_ask_for_key(now):
            proxy = Candidate(self.parent or frame.source, self._mac.pan_id, self.rank, rssi_dbm)
            self._ask(member.pledge.request(proxy, self._link.counter.upcoming), now)

    def _take_packet(self, packet: Packet, heard: Heard, now: float) -> None:
        try:
            onward = step(packet, self._sender.own, self.dodag)
        except NoRoute:
            if packet.hop_by_hop and not packet.routing:
                self.dodag.correct(heard.frame.source, now)
            raise
        if onward.warned:
            self.dodag.correct(heard.frame.source, now)
        if onward.next_hop is None:
            self._deliver(onward.packet, heard, now)
        else:
            self._sender.forward(Transit(onward.packet, onward.next_hop, up=onward.up, secured=self._link.secured), now)

    def _take_unsecured(self, packet: Packet, heard: Heard, now: float) -> None:
        """Without protection only the messages of joining are taken, between neighbours."""
        if packet.protocol != UDP or packet.routing or packet.destination != self._sender.own[1]:
            raise SecurityError(f"an unprotected packet from {heard.frame.source.hex()}")
        datagram = decode_udp(packet)
        if datagram.destination_port != JOIN_PORT or packet.source != link_local(heard.frame.source):
            raise SecurityError(f"an unprotected datagram for port {datagram.destination_port}")
        if self._link.accept(heard.frame):
            self._take_join(datagram.payload, packet, heard, now)

    def _deliver(self, packet: Packet, heard: Heard, now: float) -> None:
        if packet.protocol == ICMPV6:
            check_icmp(packet)
            if packet.upper[0] == RPL_CONTROL:
                self._take_rpl(packet, heard, now)
        elif packet.protocol == UDP:
            datagram = decode_udp(packet)
            if datagram.destination_port == CONFIRMED_PORT:
                self._take_confirmed(packet, datagram.payload, now)
            elif datagram.destination_port == JOIN_PORT:
                self._take_join(datagram.payload, packet, heard, now)
            else:
                self._receive_datagram(packet, datagram.destination_port, datagram.payload, now)
        else:
            raise DecodeError(f"protocol {packet.protocol} is not understood", 6)

    def _receive_datagram(
        self, packet: Packet, port: int, payload: bytes, now: float, number: int | None = None
    ) -> None:
        hops = HOP_LIMIT - packet.hop_limit + 1
        self._events.append(DatagramReceived(packet.source, port, payload, hops, number, now))

    def _take_rpl(self, packet: Packet, heard: Heard, now: float) -> None:
        code, body, sender = packet.upper[1], packet.upper[4:], heard.frame.source
        if code in (RplCode.DIS, RplCode.DIO):
            if packet.source != link_local(sender):
                raise DecodeError("a link-local RPL message that does not come from a neighbour", 7)
            if code == RplCode.DIS:
                decode_dis(body)
                self.dodag.receive_dis(sender, now, unicast=heard.frame.destination != BROADCAST)
            else:
                self._take_dio(sender, body, heard, now)
        elif code == RplCode.DAO and self._root is not None:
            dao = decode_dao(body)
            status = self._root.advertised(dao, packet.source, self.dodag.lifetime_unit_s, now)
            if dao.head.ack_wanted:
                self._acknowledge_dao(packet.source, dao.head.sequence, status, now)
        elif code == RplCode.DAO_ACK and self._member is not None and packet.source == self.dodag.dodag_id:
            ack = decode_dao_ack(body)
            self._dao_acknowledged(self._member, ack.sequence, ack.status, now)

    def _take_dio(self, sender: bytes, body: bytes, heard: Heard, now: float) -> None:
        attached = self.dodag.attached
        self.dodag.receive_dio(sender, body, heard.rssi_dbm, now)
        if not attached and self.dodag.attached:
            self._mac.pan_id = heard.frame.pan_id

    def _acknowledge_dao(self, station: bytes, sequence: int, status: int, now: float) -> None:
        body = encode_dao_ack(self.dodag.instance, sequence, status)
        self._sender.rpl(station, RplCode.DAO_ACK, body, now)

    def _dao_acknowledged(self, member: Member, sequence: int, status: int, now: float) -> None:
        if status >= 128 or not member.advertisement.acknowledge(sequence, self.dodag.route_lifetime_s, now):
            return
        if self.dodag.parent is not None:
            self.dodag.parent.trust()
        if not self.joined:
            self._become_joined(now)

    def _become_joined(self, now: float) -> None:
        if self.dodag.parent is not None:
            self._doorway.open = True
            self._events.append(Joined(self.dodag.parent.eui64, self.dodag.rank))
            self._doorway.plan_beacon(now)

    def _take_confirmed(self, packet: Packet, payload: bytes, now: float) -> None:
        taken = self._confirmed.receive(packet.source, payload, now)
        if taken is None:
            return
        if isinstance(taken, int):
            if self._root is None or not self._root.update_ended(taken, now, delivered=True):
                self._events.append(Delivered(taken))
            return
        held = taken.port != JOIN_PORT and not self.confirms_on_arrival
        if not held:
            self._confirmed.confirm(packet.source, taken.number, now)
        if taken.port != JOIN_PORT:
            self._receive_datagram(packet, taken.port, taken.payload, now, taken.number if held else None)
        elif self._member is not None and taken.payload[:1] == bytes((UPDATE,)):
            self._member.updated(decode_sealed(taken.payload))

    def _take_join(self, payload: bytes, packet: Packet, heard: Heard, now: float) -> None:
        kind = payload[0] if payload else 0
        if kind == REQUEST and not heard.secured:
            self._doorway.requested(decode_request(payload), heard.frame.source, now)
        elif kind == RELAYED and self._root is not None:
            require_secured(heard)
            self._doorway.relayed(self._root, payload, packet.source, now)
        elif kind == ANSWER:
            message = decode_sealed(payload)
            if message.eui64 == self.eui64:
                self._take_key(message, heard, now)
            else:
                require_secured(heard)
                self._doorway.answered(message.eui64, payload, now)
        else:
            raise DecodeError(f"join message {kind} is not for us", 0)

    def _take_key(self, message: SealedKey, heard: Heard, now: float) -> None:
        member = self._member
        if member is None or member.pledge is None:
            raise SecurityError("a join answer for the root")
        first = not self._link.security.ready
        member.answered(message)
        self._reserve()
        if first:
            self._vouched = heard.frame.source if member.pledge.asked_once else b""
            member.pledge.stop()
            self._mac.pan_id = heard.frame.pan_id
            self.dodag.search(now + _SOLICITED_S)
            self.dodag.solicit(heard.frame.source, now)

    # What goes out

    def _transmit_confirmed(self, destination: bytes, payload: bytes, now: float) -> None:
        self._sender.try_datagram(destination, CONFIRMED_PORT, payload, now)

    def _reserve(self) -> None:
        counter = self._link.counter
        if self._link.secured and (event := counter.reservation()) is not None:
            self._events.append(event)
        elif counter.exhausted and self._running:
            self._running = False
            self._doorway.close()
            self._events.append(Left(f"frame counter {counter.name} is used up: commission the station anew"))

    def _give_up(self, numbers: list[int], now: float) -> None:
        for number in numbers:
            if self._root is None or not self._root.update_ended(number, now, delivered=False):
                self._events.append(Failed(number, "no confirmation came"))
        if numbers and self._member is not None and self.dodag.attached:
            self._member.advertisement.doubt(now)

    def _drop(self, error: RemoteProtocolError) -> None:
        self.drops[type(error).__name__] += 1
        self.refused.append(str(error))
