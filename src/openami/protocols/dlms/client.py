"""The client's side of an association: one request at a time over a framing, protected as the settings say.

A sans-I/O core: `send(request, now)`, `receive`, `next_event`, `data_to_send`, `next_timeout`, `handle_timeout`.
An event `Persist` must be made durable and handed to `persisted` before anything more leaves. An APDU that fails
its check is told as `Refused` and changes nothing; the genuine answer is still awaited for a short while.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from openami.model.errors import LinkLost, LocalProtocolError, RemoteProtocolError, SettingError
from openami.protocols.dlms.acse import AARE
from openami.protocols.dlms.apdu import Apdu
from openami.protocols.dlms.axdr import hyphenated
from openami.protocols.dlms.client_association_control import CONFIRMED_HIGH_PRIORITY, ClientAssociationControl
from openami.protocols.dlms.client_protection import ClientProtection
from openami.protocols.dlms.client_request import ClientEvent, ClientState, RequestUnderWay
from openami.protocols.dlms.client_resynchronisation import ClientResynchronisation
from openami.protocols.dlms.client_settings import ClientSettings
from openami.protocols.dlms.counters import Persist, ReceiveWindow, SendCounter
from openami.protocols.dlms.errors import PduTooLong, ServiceFailed
from openami.protocols.dlms.events import Answered, Closed, Refused
from openami.protocols.dlms.exception import ExceptionResponse
from openami.protocols.dlms.exchange import Exchange, unexpected
from openami.protocols.dlms.exchanges import check_negotiated, exchange_of
from openami.protocols.dlms.framing import ApduReceived, Connected, Disconnected, Framing
from openami.protocols.dlms.information_report import InformationReportRequest
from openami.protocols.dlms.initiate import ConfirmedServiceError
from openami.protocols.dlms.notification import DataNotification, EventNotificationRequest
from openami.protocols.dlms.request import Associate, Release, Request, Write

_ACSE: Final = frozenset((0x61, 0x63))
"""AARE and RLRE: the size is agreed in them, not for them."""


class ClientConnection:
    """One client on one link. `random(n)` gives n unpredictable bytes; `sending` is needed whenever keys are set."""

    __slots__ = ("_control", "_framing", "_protection", "_request", "_resynchronisation", "_settings", "connected")

    def __init__(
        self,
        framing: Framing,
        settings: ClientSettings,
        *,
        random: Callable[[int], bytes],
        sending: SendCounter | None = None,
        receiving: ReceiveWindow | None = None,
        transactions: ReceiveWindow | None = None,
        quarantine: int = 0,
    ) -> None:
        if settings.keys is not None and sending is None:
            raise SettingError("sending is not set: with keys, the send counter must come from durable storage")
        self.connected = False
        """Whether the framing carries APDUs; it does so before and after the association too."""
        self._framing = framing
        self._settings = settings
        self._request = request = RequestUnderWay(settings)
        self._protection = ClientProtection(
            framing, settings, request, sending, receiving or ReceiveWindow(), transactions or ReceiveWindow()
        )
        self._control = ClientAssociationControl(settings, request, self._protection, random)
        self._resynchronisation = ClientResynchronisation(
            settings, request, self._protection, self._control, quarantine
        )

    @property
    def state(self) -> ClientState:
        """Where the conversation stands."""
        return self._request.state

    @property
    def received(self) -> list[bytes]:
        """The APDUs of the last answer as they came, still ciphered."""
        return self._request.received

    # The shape of every core

    def send(self, request: Request, now: float) -> None:
        """Begin `request`; its answer or its failure comes as an event. One at a time.

        Raises `ServiceNotNegotiated` where the server has not agreed to such requests, `LocalProtocolError` where
        the state or the request's form does not allow it; nothing was sent then.
        """
        if self._request.busy:
            raise LocalProtocolError("a request is still under way; wait for its answer")
        self._resynchronisation.begin()
        self._request.clear()
        if isinstance(request, Associate):
            self._request.require(ClientState.IDLE, request)
            self._associate(now)
            return
        self._request.require(ClientState.ASSOCIATED, request)
        if isinstance(request, Release):
            self._request.begin(ClientState.RELEASING, now)
            self._protection.with_numbers(self._control.send_rlrq, now)
        else:
            self._begin_exchange(request, now)

    def _associate(self, now: float) -> None:
        self._request.begin(ClientState.CONNECTING, now)
        if self.connected:
            self._protection.with_numbers(self._control.send_aarq, now)
        else:
            self._framing.connect(now)
            self._pump(now)

    def _begin_exchange(self, request: Request, now: float) -> None:
        under_way, proposal = self._request, self._control.proposal
        under_way.invoke_id = (under_way.invoke_id + 1) & 0x0F
        exchange = exchange_of(
            request,
            CONFIRMED_HIGH_PRIORITY | under_way.invoke_id,
            room=self._protection.room,
            limit=self._settings.response_bytes_max,
        )
        assert proposal is not None
        check_negotiated(request, exchange, proposal.agreed.negotiated_conformance)
        under_way.begin(ClientState.ASSOCIATED, now)
        under_way.exchange = exchange
        under_way.unanswered = isinstance(request, Write) and not request.confirmed
        self._protection.transmit(exchange.first(), now)

    def disconnect(self, now: float) -> None:
        """End the framing's connection without asking; `Closed` follows."""
        self._framing.disconnect(now)
        self._pump(now)

    def receive(self, data: bytes, now: float) -> None:
        """Bytes from the link; never raises, whatever the bytes."""
        self._framing.receive(data, now)
        self._pump(now)

    def next_event(self) -> ClientEvent | None:
        """The oldest event that was not taken yet."""
        events = self._request.events
        return events.popleft() if events else None

    def data_to_send(self, now: float) -> bytes:
        """Bytes for the link; none while something has to be made durable first."""
        return b"" if self._protection.unpersisted else self._framing.data_to_send(now)

    def next_timeout(self) -> float | None:
        """When `handle_timeout` wants to be called."""
        request = self._request
        dues = (self._framing.next_timeout(), request.deadline, request.ask_again_at)
        return min((due for due in dues if due is not None), default=None)

    def handle_timeout(self, now: float) -> None:
        """Do what is due at `now`."""
        self._framing.handle_timeout(now)
        self._pump(now)
        self._request.handle_timeout(now)
        self._protection.handle_timeout(now)

    def closed(self, now: float) -> None:
        """The link has ended."""
        self._framing.closed(now)
        self._pump(now)

    def persisted(self, event: Persist, now: float) -> None:
        """`event` is durable (see `openami.protocols.dlms.counters.apply`); what waited for it goes on."""
        self._protection.persisted(event, now)

    # Receiving

    def _pump(self, now: float) -> None:
        while (event := self._framing.next_event()) is not None:
            match event:
                case ApduReceived():
                    self._take_apdu(event.apdu, now)
                case Connected():
                    self.connected = True
                    if self._request.state is ClientState.CONNECTING:
                        self._protection.with_numbers(self._control.send_aarq, now)
                case Disconnected():
                    self._end(event)
                case _:
                    self._request.events.append(event)

    def _end(self, event: Disconnected) -> None:
        request = self._request
        if request.busy:
            request.fail(LinkLost(f"the connection ended before the answer: {event.reason}"))
        request.state, request.resume = ClientState.CLOSED, None
        self.connected = False
        request.deadline = request.ask_again_at = None
        request.events.append(Closed(event.reason, event.clean))

    def _take_apdu(self, received: bytes, now: float) -> None:
        request, raw = self._request, received
        try:
            self._check_size(raw)
            whole = self._protection.whole(raw, now)
            if whole is None:
                return
            raw = whole
            apdu = self._protection.open(raw)
            if isinstance(apdu, AARE):
                self._control.take_aare(apdu, raw, now)
                return
        except RemoteProtocolError as error:
            request.refuse(raw, error, now)
            return
        if isinstance(apdu, DataNotification | EventNotificationRequest | InformationReportRequest):
            self._protection.take_notification(apdu, raw, now)
        elif request.awaits(apdu):
            request.received.append(raw)
            self._take_answer(apdu, now)
        else:
            request.events.append(
                Refused(raw, RemoteProtocolError(f"{type(apdu).__name__} answers no request of ours"))
            )

    def _check_size(self, raw: bytes) -> None:
        limit = self._settings.max_receive_pdu_size
        if len(raw) > limit > 0 and raw[0] not in _ACSE:
            raise PduTooLong(len(raw), limit)

    def _take_answer(self, apdu: Apdu, now: float) -> None:
        request = self._request
        if isinstance(apdu, ExceptionResponse):
            self._resynchronisation.take_exception(apdu, now)
        elif isinstance(apdu, ConfirmedServiceError):
            request.fail(ServiceFailed(f"{hyphenated(apdu.failed_service)}: {apdu.text}"))
        elif request.state is ClientState.RELEASING:
            self._control.take_release(apdu)
        elif request.exchange is None:
            request.fail(unexpected(apdu, request.state.value))
        else:
            self._step(request.exchange, apdu, now)

    def _step(self, exchange: Exchange, apdu: Apdu, now: float) -> None:
        try:
            following = exchange.take(apdu)
            if following is not None:
                self._protection.transmit(following, now)
            elif self._request.state is ClientState.AUTHENTICATING:
                self._control.take_pass_4(exchange.answer)
            else:
                self._request.finish(Answered(exchange.answer))
        except RemoteProtocolError as error:
            self._request.fail(error)
