"""The client's side of an association: one request at a time over a framing, protected as the settings say.

A sans-I/O core: `send(request, now)`, `receive`, `next_event`, `data_to_send`, `next_timeout`, `handle_timeout`.
An event `Persist` must be made durable and handed to `persisted` before anything more leaves. An APDU that fails
its check is told as `Refused` and changes nothing; the genuine answer is still awaited for a short while.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import Enum
from functools import partial
from typing import Final, TypeAlias

from openami.model.errors import (
    LinkLost,
    LinkTimeout,
    LocalProtocolError,
    OpenAmiError,
    RemoteProtocolError,
    SettingError,
)
from openami.protocols.dlms.access import LongInvokeId
from openami.protocols.dlms.acse import AARE, RLRE
from openami.protocols.dlms.apdu import Apdu, decode_apdu, encode_apdu
from openami.protocols.dlms.axdr import hyphenated
from openami.protocols.dlms.client_association import AssociationProposal
from openami.protocols.dlms.client_settings import ClientSettings
from openami.protocols.dlms.counters import CountersExhausted, Persist, ReceiveWindow, SendCounter
from openami.protocols.dlms.errors import ServiceFailed
from openami.protocols.dlms.events import Answered, Associated, Closed, Failed, Notified, Refused, Released
from openami.protocols.dlms.exception import ExceptionResponse
from openami.protocols.dlms.exchange import Exchange, unexpected
from openami.protocols.dlms.exchanges import check_negotiated, exchange_of
from openami.protocols.dlms.framing import ApduReceived, Connected, Disconnected, Framing, Garbage
from openami.protocols.dlms.initiate import ConfirmedServiceError
from openami.protocols.dlms.notification import DataNotification, DataNotificationConfirm, EventNotificationRequest
from openami.protocols.dlms.request import Associate, Release, Request, Write
from openami.protocols.dlms.resynchronisation import CounterQuarantined, quarantine_name
from openami.protocols.dlms.secure_channel import SecureChannel, check_protected

ClientEvent: TypeAlias = Persist | Associated | Answered | Failed | Released | Notified | Refused | Garbage | Closed

_PLAIN_IN_PROTECTED: Final = frozenset((0x61, 0x63, 0xD8, 0x0E))
"""AARE, RLRE, ExceptionResponse, ConfirmedServiceError: they carry no data and have no protected form of their own."""
_CONFIRMED_HIGH_PRIORITY: Final = 0xC0
_NUMBERS_PER_STEP: Final = 2
"""HLS pass 3 takes one number for its tag and one for the APDU around it; nothing takes more."""


class ClientState(Enum):
    """Where the conversation stands."""

    IDLE = "idle"
    CONNECTING = "connecting"
    ASSOCIATING = "associating"
    AUTHENTICATING = "authenticating"
    ASSOCIATED = "associated"
    RELEASING = "releasing"
    CLOSED = "closed"


class ClientConnection:
    """One client on one link. `random(n)` gives n unpredictable bytes; `sending` is needed whenever keys are set."""

    __slots__ = (
        "_busy",
        "_channel",
        "_deadline",
        "_events",
        "_exchange",
        "_framing",
        "_invoke_id",
        "_jumped",
        "_last",
        "_outgoing",
        "_proposal",
        "_quarantine",
        "_random",
        "_receiving",
        "_refusal",
        "_resume",
        "_retried",
        "_room",
        "_sending",
        "_settings",
        "_transactions",
        "_unanswered",
        "_unpersisted",
        "connected",
        "received",
        "state",
    )

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
        self.state = ClientState.IDLE
        self.connected = False
        """Whether the framing carries APDUs; it does so before and after the association too."""
        self.received: list[bytes] = []
        """The APDUs of the last answer as they came, still ciphered."""
        self._framing = framing
        self._settings = settings
        self._random = random
        self._sending = sending
        self._receiving = receiving or ReceiveWindow()
        self._transactions = transactions or ReceiveWindow()
        self._quarantine = quarantine
        self._jumped = 0
        self._retried = False
        self._unanswered = False
        self._channel: SecureChannel | None = None
        self._proposal: AssociationProposal | None = None
        self._events: deque[ClientEvent] = deque()
        self._exchange: Exchange | None = None
        self._busy = False
        self._invoke_id = 0
        self._room = 0
        self._last = self._outgoing = b""
        self._resume: Callable[[float], None] | None = None
        self._unpersisted = 0
        self._deadline: float | None = None
        self._refusal: OpenAmiError | None = None

    # The shape of every core

    def send(self, request: Request, now: float) -> None:
        """Begin `request`; its answer or its failure comes as an event. One at a time.

        Raises `ServiceNotNegotiated` where the server has not agreed to such requests, `LocalProtocolError` where
        the state or the request's form does not allow it; nothing was sent then.
        """
        if self._busy:
            raise LocalProtocolError("a request is still under way; wait for its answer")
        if self._quarantine & 1:
            name, most = self._settings.send_counter_name, self._settings.counter_jump_max
            raise CounterQuarantined(name, None, None, most)
        self.received = []
        self._refusal = None
        self._retried = False
        if isinstance(request, Associate):
            self._require(ClientState.IDLE, request)
            self._begin(ClientState.CONNECTING, now)
            if self.connected:
                self._with_numbers(self._send_aarq, now)
            else:
                self._framing.connect(now)
                self._pump(now)
            return
        self._require(ClientState.ASSOCIATED, request)
        if isinstance(request, Release):
            self._begin(ClientState.RELEASING, now)
            self._with_numbers(self._send_rlrq, now)
            return
        self._invoke_id = (self._invoke_id + 1) & 0x0F
        exchange = exchange_of(
            request,
            _CONFIRMED_HIGH_PRIORITY | self._invoke_id,
            room=self._room,
            limit=self._settings.response_bytes_max,
        )
        assert self._proposal is not None
        check_negotiated(request, exchange, self._proposal.agreed.negotiated_conformance)
        self._begin(ClientState.ASSOCIATED, now)
        self._exchange = exchange
        self._unanswered = isinstance(request, Write) and not request.confirmed
        self._transmit(exchange.first(), now)

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
        return self._events.popleft() if self._events else None

    def data_to_send(self, now: float) -> bytes:
        """Bytes for the link; none while something has to be made durable first."""
        return b"" if self._unpersisted else self._framing.data_to_send(now)

    def next_timeout(self) -> float | None:
        """When `handle_timeout` wants to be called."""
        due = self._framing.next_timeout()
        deadline = self._deadline
        if due is None or deadline is None:
            return due if deadline is None else deadline
        return min(due, deadline)

    def handle_timeout(self, now: float) -> None:
        """Do what is due at `now`."""
        self._framing.handle_timeout(now)
        self._pump(now)
        if self._deadline is not None and now >= self._deadline:
            wait = self._settings.response_timeout_s
            silence = LinkTimeout(f"no answer from server SAP {self._settings.server_sap} within {wait} s")
            self._fail(self._refusal or silence)

    def closed(self, now: float) -> None:
        """The link has ended."""
        self._framing.closed(now)
        self._pump(now)

    def persisted(self, event: Persist, now: float) -> None:
        """`event` is durable (see `openami.protocols.dlms.counters.apply`); what waited for it goes on."""
        self._unpersisted -= 1
        if event.reserve and self._sending is not None:
            self._sending.reserved(event)
            resume, self._resume = self._resume, None
            if resume is not None:
                self._with_numbers(resume, now)

    # Sending

    def _require(self, state: ClientState, request: Request) -> None:
        if self.state is not state:
            raise LocalProtocolError(f"{type(request).__name__} is not possible while {self.state.value}")

    def _begin(self, state: ClientState, now: float) -> None:
        self.state = state
        self._busy = True
        self._deadline = now + self._settings.response_timeout_s

    def _with_numbers(self, step: Callable[[float], None], now: float) -> None:
        """Do `step` as soon as it may use the numbers of the send counter that it needs."""
        sending = self._sending
        if sending is None or sending.available >= _NUMBERS_PER_STEP:
            step(now)
            return
        try:
            event = sending.reservation()
        except CountersExhausted as error:
            self._fail(error)
            return
        self._resume = step
        self._persist(event)

    def _persist(self, event: Persist) -> None:
        self._unpersisted += 1
        self._events.append(event)

    def _transmit(self, apdu: object, now: float) -> None:
        self._outgoing = encode_apdu(apdu)  # type: ignore[arg-type]
        if self._channel is None:
            self._send_outgoing(now)
        else:
            self._with_numbers(self._send_outgoing, now)

    def _send_outgoing(self, now: float) -> None:
        if len(self._outgoing) > self._room > 0:
            self._fail(LocalProtocolError(f"request of {len(self._outgoing)} bytes, the server takes {self._room}"))
            return
        apdu, self._outgoing = self._outgoing, b""
        self._last = apdu
        self._deadline = now + self._settings.response_timeout_s
        self._framing.send(apdu if self._channel is None else self._channel.seal(apdu), now)
        if self._unanswered:
            self._finish(Answered(None))

    def _send_aarq(self, now: float) -> None:
        settings = self._settings
        proposal = AssociationProposal(settings, self._random)
        if settings.ciphered and self._sending is not None:
            self._channel = proposal.channel(self._sending, self._receiving, self._transactions)
        self._proposal = proposal
        self.state = ClientState.ASSOCIATING
        self._deadline = now + settings.response_timeout_s
        self._framing.send(encode_apdu(proposal.aarq(self._channel)), now)

    def _send_pass_3(self, now: float) -> None:
        """Prove ourselves."""
        proposal = self._proposal
        assert proposal is not None
        proof = proposal.pass_3(self._take_counter)
        self._exchange = exchange_of(proof, _CONFIRMED_HIGH_PRIORITY, room=self._room, limit=1024)
        self._outgoing = encode_apdu(self._exchange.first())  # type: ignore[arg-type]
        self._send_outgoing(now)

    def _take_counter(self) -> int:
        assert self._sending is not None
        return self._sending.take()

    def _send_rlrq(self, now: float) -> None:
        assert self._proposal is not None
        self._framing.send(encode_apdu(self._proposal.rlrq(self._channel)), now)

    # Receiving

    def _pump(self, now: float) -> None:
        while (event := self._framing.next_event()) is not None:
            match event:
                case ApduReceived():
                    self._take_apdu(event.apdu, now)
                case Connected():
                    self.connected = True
                    if self.state is ClientState.CONNECTING:
                        self._with_numbers(self._send_aarq, now)
                case Disconnected():
                    self._end(event)
                case _:
                    self._events.append(event)

    def _end(self, event: Disconnected) -> None:
        if self._busy:
            self._fail(LinkLost(f"the connection ended before the answer: {event.reason}"))
        self.state = ClientState.CLOSED
        self.connected = False
        self._deadline = None
        self._events.append(Closed(event.reason, event.clean))

    def _take_apdu(self, raw: bytes, now: float) -> None:
        try:
            apdu = self._open(raw)
            if isinstance(apdu, AARE):
                self._take_aare(apdu, raw, now)
                return
        except RemoteProtocolError as error:
            self._refuse(raw, error, now)
            return
        if isinstance(apdu, DataNotification | EventNotificationRequest):
            self._take_notification(apdu, raw, now)
        elif not self._busy or self._stale(apdu):
            self._events.append(Refused(raw, RemoteProtocolError(f"{type(apdu).__name__} answers no request of ours")))
        else:
            self.received.append(raw)
            self._take_answer(apdu, now)

    def _take_notification(self, apdu: DataNotification | EventNotificationRequest, raw: bytes, now: float) -> None:
        """Tell it; a push that asks for confirmation gets it, protected as everything else is."""
        title = self._channel.peer_system_title if self._channel is not None else None
        self._events.append(Notified(apdu, raw, title))
        if isinstance(apdu, DataNotification) and apdu.long_invoke_id_and_priority & LongInvokeId.CONFIRMED:
            confirm = encode_apdu(DataNotificationConfirm(apdu.long_invoke_id_and_priority))
            if self._channel is None:
                self._framing.send(confirm, now)
            elif self._resume is None:
                self._with_numbers(partial(self._send_confirm, confirm), now)

    def _send_confirm(self, confirm: bytes, now: float) -> None:
        if self._channel is not None:
            self._framing.send(self._channel.seal(confirm), now)

    def _open(self, raw: bytes) -> Apdu:
        """The plain APDU of what came; `SecurityError` if it is protected less than agreed, or wrongly."""
        channel, tag = self._channel, raw[0] if raw else 0
        if not check_protected(channel, tag, plain_allowed=_PLAIN_IN_PROTECTED) or channel is None:
            return decode_apdu(raw)
        plain = channel.open(decode_apdu(raw))  # type: ignore[arg-type]
        self._keep_window()
        return decode_apdu(plain)

    def _keep_window(self) -> None:
        """Without HLS nothing makes a session fresh but the window, so it must survive a restart.

        With HLS our challenge does: an answer of an earlier session has an older counter than pass 4.
        """
        if not self._settings.authentication.high:
            self._persist(Persist(self._settings.window_name, self._receiving.last + 1))
        if self._transactions.last >= 0:
            self._persist(Persist(self._settings.transactions_name, self._transactions.last + 1))

    def _stale(self, apdu: Apdu) -> bool:
        given = getattr(apdu, "invoke_id_and_priority", None)
        due = 0 if self.state is ClientState.AUTHENTICATING else self._invoke_id
        return given is not None and given & 0x0F != due

    def _refuse(self, raw: bytes, error: RemoteProtocolError, now: float) -> None:
        self._events.append(Refused(raw, error))
        if self._busy and self._deadline is not None:
            self._refusal = error
            self._deadline = min(self._deadline, now + self._settings.refusal_grace_s)

    def _take_answer(self, apdu: Apdu, now: float) -> None:
        if isinstance(apdu, ExceptionResponse):
            self._take_exception(apdu, now)
        elif isinstance(apdu, ConfirmedServiceError):
            self._fail(ServiceFailed(f"{hyphenated(apdu.failed_service)}: {apdu.text}"))
        elif self.state is ClientState.RELEASING:
            self._take_release(apdu)
        elif self._exchange is None:
            self._fail(unexpected(apdu, self.state.value))
        else:
            self._step(self._exchange, apdu, now)

    def _take_exception(self, apdu: ExceptionResponse, now: float) -> None:
        expected, sending = apdu.invocation_counter, self._sending
        if expected is None or sending is None or self._channel is None or self._retried:
            self._fail(_exception(apdu))
            return
        jump = expected - sending.upcoming
        if jump <= 0:
            self._fail(_exception(apdu))
        elif self._jumped + jump > self._settings.counter_jump_max:
            self._enter_quarantine(expected, sending.upcoming)
        else:
            self._jumped += jump
            self._retried = True
            sending.advance(expected)
            self._send_again(now)

    def _enter_quarantine(self, expected: int, own: int) -> None:
        settings = self._settings
        self._quarantine += 1
        self._persist(Persist(quarantine_name(settings), self._quarantine))
        self.state = ClientState.CLOSED
        self._fail(CounterQuarantined(settings.send_counter_name, expected, own, settings.counter_jump_max))

    def _send_again(self, now: float) -> None:
        """The same request once more, with a number that the server accepts."""
        if self.state is ClientState.ASSOCIATING:
            self._with_numbers(self._send_aarq, now)
        elif self.state is ClientState.AUTHENTICATING:
            self._with_numbers(self._send_pass_3, now)
        elif self.state is ClientState.RELEASING:
            self._with_numbers(self._send_rlrq, now)
        else:
            self._outgoing = self._last
            self._with_numbers(self._send_outgoing, now)

    def _step(self, exchange: Exchange, apdu: Apdu, now: float) -> None:
        try:
            following = exchange.take(apdu)
            if following is not None:
                self._transmit(following, now)
            elif self.state is ClientState.AUTHENTICATING:
                assert self._proposal is not None
                self._proposal.verify_pass_4(exchange.answer)
                self._associated()
            else:
                self._finish(Answered(exchange.answer))
        except RemoteProtocolError as error:
            self._fail(error)

    def _take_release(self, apdu: Apdu) -> None:
        if isinstance(apdu, RLRE):
            self.state = ClientState.IDLE
            self._channel = None
            self._finish(Released())
        else:
            self._fail(unexpected(apdu, "RLRQ"))

    # Association

    def _take_aare(self, aare: AARE, raw: bytes, now: float) -> None:
        proposal = self._proposal
        if self.state is not ClientState.ASSOCIATING or proposal is None:
            raise RemoteProtocolError("AARE came where no association was asked for")
        try:
            proposal.accept(aare)
        except OpenAmiError as error:
            if isinstance(error, RemoteProtocolError):
                raise
            self.received.append(raw)
            self._fail(error)
            return
        if self._channel is not None:
            self._channel.peer_system_title = proposal.server_system_title
        initiate = proposal.initiate_response(aare, self._channel)
        if self._channel is not None:
            self._keep_window()
        self.received.append(raw)
        self._room = self._apdu_room(initiate.server_max_receive_pdu_size)
        if self._settings.authentication.high:
            self.state = ClientState.AUTHENTICATING
            self._with_numbers(self._send_pass_3, now)
        else:
            self._associated()

    def _apdu_room(self, server_max: int) -> int:
        """Octets of plain APDU that the server and the framing take; 0 in the answer of the server is no limit."""
        limits = [limit for limit in (server_max, self._framing.max_apdu) if limit]
        room = min(limits, default=0xFFFF)
        return max(1, room - (self._channel.overhead() if self._channel is not None else 0))

    def _associated(self) -> None:
        proposal = self._proposal
        assert proposal is not None
        self.state = ClientState.ASSOCIATED
        agreed = proposal.agreed
        title = proposal.server_system_title or None
        self._finish(Associated(title, int(agreed.negotiated_conformance), agreed.server_max_receive_pdu_size))

    # Ends of requests

    def _finish(self, event: Associated | Answered | Released) -> None:
        self._busy = False
        self._unanswered = False
        self._exchange = None
        self._deadline = None
        self._refusal = None
        self._events.append(event)

    def _fail(self, error: OpenAmiError) -> None:
        self._busy = False
        self._exchange = None
        self._deadline = None
        self._resume = None
        self._outgoing = b""
        if self.state is not ClientState.ASSOCIATED:
            self.state = ClientState.CLOSED
        self._events.append(Failed(error))


def _exception(apdu: ExceptionResponse) -> ServiceFailed:
    what = f"{hyphenated(apdu.state_error)}, {hyphenated(apdu.service_error)}"
    return ServiceFailed(what, invocation_counter=apdu.invocation_counter)
