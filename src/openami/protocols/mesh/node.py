"""A station of the mesh: root, relay and meter are the same core."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from math import inf
from typing import Final

from openami.model.errors import LocalProtocolError, RemoteProtocolError
from openami.protocols.mesh.belonging import Belonging
from openami.protocols.mesh.confirmed import CONFIRMED_PORT, Confirmed
from openami.protocols.mesh.delivery import Delivery
from openami.protocols.mesh.dodag import Dodag
from openami.protocols.mesh.doorway import Doorway
from openami.protocols.mesh.events import DatagramReceived, Failed, Left, MeshEvent, Persist
from openami.protocols.mesh.forwarding import NoRoute, step, with_rank
from openami.protocols.mesh.frame import ACK, decode_frame
from openami.protocols.mesh.frame_counter import Counters
from openami.protocols.mesh.ipv6 import Packet
from openami.protocols.mesh.link_layer import Heard, LinkLayer, Transit
from openami.protocols.mesh.link_time import LinkTime
from openami.protocols.mesh.parameters import NodeSettings
from openami.protocols.mesh.reception import Reception
from openami.protocols.mesh.root import Root
from openami.protocols.mesh.rpl_messages import RplCode
from openami.protocols.mesh.sender import Sender

PAYLOAD_MAX: Final = 960
"""Octets of a datagram: what IPv6's 1280 leave beside headers, a route of 32 hops and the confirmation."""
PORT: Final = 4059
TRIGGER_PORT: Final = 0xF0B3
"""Whatever comes there asks a meter to push."""
REFUSALS_KEPT: Final = 16
_PACKET_TRIES: Final = 2


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
        self.link_time = LinkTime()
        """What datagrams are stamped with; the root's has to be told by whom it goes."""
        rank = None if settings.root else lambda: self.dodag.rank
        self._confirmed = Confirmed(settings.parameters, random, self._transmit_confirmed, self.link_time, rank)
        emit, security = self._events.append, self._link.security
        self._root: Root | None = None
        if settings.root:
            self._root = Root(settings, random, counters, security, self.dodag, self._confirmed, emit)
        self._sender = Sender(settings, self._link, self.dodag, self._root, self._drop)
        parts = self._link, self.dodag, self._sender
        self._doorway = Doorway(settings, random, *parts, self._root)
        self._belonging: Belonging | None = None
        self._role: Root | Belonging
        if self._root is None:
            self._role = self._belonging = Belonging(settings, random, *parts, self._doorway, emit, self._reserve)
        else:
            self._role = self._root
        self._delivery = Delivery(
            settings.eui64, *parts, self._doorway, self._confirmed, self._root, self._belonging, emit
        )
        self._reception = Reception(
            settings.eui64, *parts, self._doorway, self._delivery, self._belonging, self.packet_heard
        )
        self._running = False

    @property
    def address(self) -> bytes:
        """Our IPv6 address, 16 bytes."""
        return self._sender.address

    @property
    def root_address(self) -> bytes:
        """The root's IPv6 address; `b""` while we know of none."""
        return self.dodag.graph.dodag_id

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

    def knows(self, eui64: bytes) -> bool:
        """Root: whether a station has announced its route, which has not run out."""
        return self._root is not None and eui64 in self._root.routes

    # The verbs of the core

    def start(self, now: float) -> None:
        """Begin: the root opens its DODAG, others look for one."""
        self._running = True
        self._mac.clear()
        self._link.security.forget()
        self._reserve()
        if self._belonging is not None:
            self._belonging.search(now)
        elif self._root is not None and self._root.open():
            self._found(now)

    def stop(self, now: float) -> None:
        """Leave: say good-bye to root and neighbours. What is queued still goes out; `start` begins anew."""
        if self._belonging is not None:
            self._belonging.leave(now)
        self.dodag.stop(now)
        self._running = False
        self._doorway.close()

    def receive(self, psdu: bytes, now: float, *, rssi_dbm: int) -> None:
        """A frame was heard. Those for others cost two comparisons."""
        if len(psdu) > 12 and psdu[1] & 0x0C == 0x0C and psdu[5:13] != self._air_name:
            return
        try:
            frame = decode_frame(psdu)
            if frame.kind == ACK:
                self._mac.acknowledged(frame.sequence, now)
            elif self._running:
                self._reception.take(frame, rssi_dbm, now)
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

    def hold_confirmations(self) -> None:
        """From now on whoever takes a confirmed datagram says when it is safe: `confirm`, or `refuse`."""
        self._confirmed.holds = True

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
            self._role.due,
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
        if self._role.due <= now:
            self._role.act(now)

    # What the link layer tells

    def frame_sent(self, neighbour: bytes, attempts: int, now: float, *, delivered: bool) -> None:
        known = self.dodag.neighbours.get(neighbour)
        if known is None:
            return
        known.sent(attempts, now, delivered=delivered)
        if known is self.dodag.parent and self._belonging is not None:
            self._belonging.touched(now, sure=delivered)
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
        if self._belonging is not None:
            self._belonging.parent_changed(now)

    def routes_wanted(self, now: float) -> None:
        if self._belonging is not None:
            self._belonging.routes_wanted(now)

    def lost(self, reason: str, now: float) -> None:
        self._doorway.close()
        self._events.append(Left(reason))
        if self._link.secured:
            self._link.security.forget()
        if self._belonging is not None:
            self._belonging.search(now)

    # What is heard

    def packet_heard(self, packet: Packet, heard: Heard, now: float) -> None:
        """A packet goes on or has arrived; raises `RemoteProtocolError`."""
        try:
            onward = step(packet, self._sender.own, self.dodag)
        except NoRoute:
            if packet.hop_by_hop and not packet.routing:
                self.dodag.correct(heard.frame.source, now)
            raise
        if onward.warned:
            self.dodag.correct(heard.frame.source, now)
        if onward.next_hop is None:
            self._delivery.take(onward.packet, heard, now)
        else:
            self._sender.forward(Transit(onward.packet, onward.next_hop, up=onward.up, secured=self._link.secured), now)

    # What goes out

    def _found(self, now: float) -> None:
        self._doorway.open = True
        self.dodag.found(self.address, self._link.counter.life, now)
        self._doorway.plan_beacon(now)

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
        if numbers and self._belonging is not None:
            self._belonging.doubt(now)

    def _drop(self, error: RemoteProtocolError) -> None:
        self.drops[type(error).__name__] += 1
        self.refused.append(str(error))
