"""A meter in the mesh: its station relays for others, DLMS answers come in the wrapper, pushes go to the collector.

No task and no clock: the shape of `MeshNode`, so that a simulation calls it directly and `io.links.mesh` runs it on a
radio. Datagrams on port 4059 hold one wrapped APDU each; both directions are confirmed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from openami.field.meter.access import PUBLIC, SERVER_SAP
from openami.field.meter.agenda import NEVER
from openami.field.meter.electricity import ElectricityMeter
from openami.io.clock import Timescale
from openami.protocols.dlms import counters
from openami.protocols.dlms.cosem.interval_push import PUSH_ON_INTERVAL
from openami.protocols.dlms.framing import Role
from openami.protocols.dlms.server import ServerConnection
from openami.protocols.dlms.server_settings import ServerSettings
from openami.protocols.dlms.wrapper import HEADER_SIZE, WrapperFraming, encode_wrapper
from openami.protocols.mesh.allowance import Allowance
from openami.protocols.mesh.events import DatagramReceived, Delivered, Failed, MeshEvent, Persist
from openami.protocols.mesh.node import PAYLOAD_MAX, PORT, TRIGGER_PORT, MeshNode

_TRIGGERS_PER_S: Final = 1 / 60
_PUSHES_ON_THE_WAY: Final = 16


class MeshFace:
    """`meter` behind `node`. `times` says how the meter's UTC follows from `now`; `random` gives bytes of challenges.

    `settings` are those of what stands in front of the meter (a sealed meter); without them the meter's own.
    `next_event` gives the node's events, less those that concern the meter alone. The meter's own counters are made
    durable by its `counters`; `Persist` is about the node's frames and goes to whoever runs the face.
    """

    def __init__(
        self,
        node: MeshNode,
        meter: ElectricityMeter,
        *,
        random: Callable[[int], bytes],
        times: Timescale,
        settings: ServerSettings | None = None,
    ) -> None:
        self.node = node
        self.meter = meter
        self._times = times
        self._random = random
        self._settings = settings or meter.server_settings()
        self._connection: ServerConnection | None = None
        self._on_the_way: dict[int, bytes] = {}
        self._triggers = Allowance(_TRIGGERS_PER_S, 2)

    def start(self, now: float) -> None:
        self._connection = None
        self._on_the_way.clear()
        self.meter.advance(self._times.utc(now))
        self.node.start(now)

    def stop(self, now: float) -> None:
        self.node.stop(now)

    def receive(self, psdu: bytes, now: float, *, rssi_dbm: int) -> None:
        self.node.receive(psdu, now, rssi_dbm=rssi_dbm)

    def next_transmission(self, now: float) -> bytes | None:
        return self.node.next_transmission(now)

    def transmitted(self, now: float, *, clear: bool) -> None:
        self.node.transmitted(now, clear=clear)

    def persisted(self, event: Persist, now: float) -> None:
        self.node.persisted(event, now)

    def next_event(self) -> MeshEvent | None:
        while (event := self.node.next_event()) is not None:
            if not self._concerns_meter(event):
                return event
        return None

    def next_timeout(self) -> float | None:
        due = self.node.next_timeout()
        own = self._due()
        if self._connection is not None and (idle := self._connection.next_timeout()) is not None:
            own = min(own, idle)
        if own >= NEVER:
            return due
        return own if due is None else min(due, own)

    def handle_timeout(self, now: float) -> None:
        self.node.handle_timeout(now)
        if self._connection is not None and (idle := self._connection.next_timeout()) is not None and idle <= now:
            self._connection.handle_timeout(now)
            self._answer(self._connection, now)
        if self._due() <= now:
            # The difference of large numbers is inexact: the meter lives at least until what is due.
            due = self.meter.clock.true_time(self.meter.agenda.due)
            self.meter.advance(max(self._times.utc(now), due))
        self.push(now)

    def push(self, now: float) -> None:
        """Send what the meter wants to push, while there is room for it on the way.

        A last gasp goes out too: how long the station lives on without supply is its own affair.
        """
        root = self.node.root_address
        while root and len(self._on_the_way) < _PUSHES_ON_THE_WAY:
            apdu = self.meter.next_push()
            if apdu is None:
                return
            wrapped = encode_wrapper(apdu, SERVER_SAP, self.meter.pushes.addressed(apdu)[0])
            if len(wrapped) > PAYLOAD_MAX:
                self.meter.pushes.failed(apdu, self._times.utc(now))
                continue
            self._on_the_way[self.node.send(root, wrapped, now, port=PORT, confirmed=True)] = apdu

    @property
    def quiet(self) -> bool:
        """Whether no push waits for the collector's confirmation."""
        return not self._on_the_way

    def _due(self) -> float:
        """When the meter does something by itself."""
        due = self.meter.agenda.due
        return self._times.monotonic_at(self.meter.clock.true_time(due)) if due < NEVER else NEVER

    def _concerns_meter(self, event: MeshEvent) -> bool:
        match event:
            case DatagramReceived() if event.port == PORT:
                self._serve(event)
            case DatagramReceived() if event.port == TRIGGER_PORT:
                self._trigger(event)
            case Delivered() if event.number in self._on_the_way:
                self.meter.pushes.delivered(self._on_the_way.pop(event.number))
            case Failed() if event.number in self._on_the_way:
                self.meter.pushes.failed(self._on_the_way.pop(event.number), self.meter.now)
            case _:
                return False
        return True

    def _serve(self, event: DatagramReceived) -> None:
        now = event.at
        if not self.meter.powered or event.source != self.node.root_address:
            return
        connection = self._connection
        if connection is None:
            connection = self._connection = self._connect(now)
        connection.receive(event.payload, now)
        self._answer(connection, now)
        self.push(now)

    def _answer(self, connection: ServerConnection, now: float) -> None:
        """Keep the meter's counters and send what the server has to say."""
        while (event := connection.next_event()) is not None:
            if isinstance(event, counters.Persist):
                connection.persisted(counters.apply(self.meter.counters, event), now)
        while data := connection.data_to_send(now):
            self.node.send(self.node.root_address, data, now, port=PORT, confirmed=True)

    def _trigger(self, event: DatagramReceived) -> None:
        """The collector asks for a push: the rows of the load profile that the meter pushes, or nothing."""
        if event.source != self.node.root_address or not self.meter.config.push_rows or not self.meter.powered:
            return
        if self._triggers.take(event.at):
            utc = self._times.utc(event.at)
            self.meter.advance(utc)
            self.meter.push(PUSH_ON_INTERVAL, utc)
            self.push(event.at)

    def _connect(self, now: float) -> ServerConnection:
        framing = WrapperFraming(Role.SERVER, PUBLIC, SERVER_SAP, datagrams=True, max_apdu=PAYLOAD_MAX - HEADER_SIZE)
        return ServerConnection(
            framing,
            self._settings,
            self.meter.server_state,
            random=self._random,
            utc=self._times.utc,
            now=now,
        )
