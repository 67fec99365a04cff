"""HDLC as a `Framing`: the byte stream of a line joined to a primary or a secondary station."""

from __future__ import annotations

from collections import deque

from openami.model.errors import LocalProtocolError
from openami.protocols.dlms.framing import Disconnected, FramingEvent, Garbage, Role
from openami.protocols.dlms.hdlc.address import HdlcAddress
from openami.protocols.dlms.hdlc.frame import Frame, encode_frame
from openami.protocols.dlms.hdlc.parameters import HdlcParameters, HdlcTimeouts
from openami.protocols.dlms.hdlc.parser import HdlcParser
from openami.protocols.dlms.hdlc.primary import Primary
from openami.protocols.dlms.hdlc.secondary import Secondary

DEFAULT_PARAMETERS = HdlcParameters()
DEFAULT_TIMEOUTS = HdlcTimeouts()


class HdlcFraming:
    """The client is the primary and connects to `server_address`; the server is the secondary.

    A server serves any client and any upper address; `client_address` is only whom it pushes to before a client
    has connected. `parameters` are what this side can do; what was agreed comes with `Connected`.
    """

    def __init__(
        self,
        role: Role,
        client_address: int,
        server_address: HdlcAddress,
        parameters: HdlcParameters = DEFAULT_PARAMETERS,
        timeouts: HdlcTimeouts = DEFAULT_TIMEOUTS,
    ) -> None:
        self.max_apdu: int | None = None
        self._events: deque[FramingEvent] = deque()
        self._out: list[Frame] = []
        self._parser = HdlcParser()
        self._octet_s = timeouts.octet_s
        self._give_up_at: float | None = None
        client = HdlcAddress(client_address)
        emit, put = self._events.append, self._out.append
        self._station: Primary | Secondary
        if role is Role.CLIENT:
            self._station = Primary(client, server_address, parameters, timeouts, emit, put)
        else:
            self._station = Secondary(client, server_address, parameters, timeouts, emit, put)

    def connect(self, now: float) -> None:
        """Client: SNRM. Raises `LocalProtocolError` while connected. A server waits for a client."""
        self._station.connect(now)

    def disconnect(self, now: float) -> None:
        """Client: DISC. A server forgets its clients; they hear DM when they speak next."""
        self._station.disconnect(now)

    def receive(self, data: bytes, now: float) -> None:
        self._handle(self._parser.feed(data), now)
        self._give_up_at = now + self._octet_s if self._parser.pending else None

    def next_event(self) -> FramingEvent | None:
        return self._events.popleft() if self._events else None

    def send(
        self,
        apdu: bytes,
        now: float,
        *,
        destination: int | None = None,
        unconfirmed: bool = False,
        source: int | None = None,
    ) -> None:
        """Queue one APDU, in UI frames if `unconfirmed`; raise `LocalProtocolError` without a connection.

        While a `Disconnected` waits to be taken, what has nobody to go to any more is dropped instead.
        """
        try:
            self._station.send(apdu, now, destination, source, unconfirmed=unconfirmed)
        except LocalProtocolError:
            if not any(isinstance(event, Disconnected) for event in self._events):
                raise

    def data_to_send(self, now: float) -> bytes:
        data = b"".join(map(encode_frame, self._out))
        self._out.clear()
        return data

    def next_timeout(self) -> float | None:
        due = self._station.due()
        if self._give_up_at is None:
            return due
        return self._give_up_at if due is None else min(due, self._give_up_at)

    def handle_timeout(self, now: float) -> None:
        if self._give_up_at is not None and now >= self._give_up_at:
            self._give_up_at = None
            self._handle(self._parser.flush(), now)
        self._station.handle_timeout(now)

    def closed(self, now: float) -> None:
        self._handle(self._parser.flush(), now)
        self._give_up_at = None
        self._station.closed("the link ended")

    def _handle(self, items: list[Frame | Garbage], now: float) -> None:
        for item in items:
            if isinstance(item, Garbage):
                self._station.noise()
                self._events.append(item)
            else:
                self._station.take(item, now)
