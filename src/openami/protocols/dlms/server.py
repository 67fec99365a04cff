"""The server's side: clients associate over one framing, each by its SAP, and are answered by logical devices.

A sans-I/O core like the client's. Whatever bytes come, the answer is an event, an APDU or silence, never an
exception, and what is kept is bounded: one association per configured client, one long value each way.
An event `Persist` must be made durable and handed to `persisted` before anything more leaves.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Final, TypeAlias

from openami.model.errors import LocalProtocolError, OpenAmiError, RemoteProtocolError, SecurityError
from openami.protocols.dlms.access_result import ActionResult
from openami.protocols.dlms.acse import AARQ, RLRE, RLRQ, AcseServiceUser, ReleaseResponseReason
from openami.protocols.dlms.action import ActionRequestNormal, ActionResponseNormal
from openami.protocols.dlms.apdu import Apdu, decode_apdu, encode_apdu
from openami.protocols.dlms.association import PASS_3, Association
from openami.protocols.dlms.counters import CountersExhausted, Persist, ReplayedCounter, transactions_name
from openami.protocols.dlms.data import encode_data, octet_string
from openami.protocols.dlms.events import ClientAssociated, ClientLeft, Closed, Confirmed, Refused
from openami.protocols.dlms.exception import ExceptionResponse, ExceptionServiceError, StateError
from openami.protocols.dlms.framing import ApduReceived, Connected, Disconnected, Framing, Garbage
from openami.protocols.dlms.notification import (
    LONG_INVOKE_ID,
    DataNotification,
    DataNotificationConfirm,
    EventNotificationRequest,
)
from openami.protocols.dlms.protected_tags import check_protected
from openami.protocols.dlms.protection_form import Manner
from openami.protocols.dlms.secure_channel import SecureChannel
from openami.protocols.dlms.server_association import (
    Accepted,
    Rejection,
    accepting,
    judge,
    pass_4,
    rejecting,
    rejection_of,
    verify_pass_3,
    verify_release,
)
from openami.protocols.dlms.server_settings import LogicalDevice, ServerSettings, ServerState
from openami.protocols.dlms.service import Services
from openami.protocols.dlms.service_context import NotServed, PduTooLong
from openami.protocols.dlms.short_name_service import ShortNameServices

ServerEvent: TypeAlias = Persist | ClientAssociated | ClientLeft | Confirmed | Refused | Garbage | Closed

_ACSE: Final = frozenset((0x60, 0x62))
_UNANSWERED: Final = frozenset(
    (0x08, 0x0E, 0x0F, 0x28, 0x2E, 0x61, 0x63, 0xC4, 0xC5, 0xC7, 0xCC, 0xCD, 0xCF, 0xD4, 0xD5, 0xD7, 0xD8)
)
"""Tags of answers: to answer an answer would let two servers talk for ever."""
_NUMBERS_PER_STEP: Final = 2
_WAITING_MAX: Final = 16


class _Session:
    """One client's association and what it has under way."""

    __slots__ = ("_room", "accepted", "association", "channel", "heard", "services")

    def __init__(self, accepted: Accepted, services: Services | ShortNameServices, room: int, now: float) -> None:
        self.accepted = accepted
        self.association = accepted.association
        self.channel: SecureChannel | None = accepted.channel
        self.services = services
        self._room = room
        self.heard = now

    def measure(self, manner: Manner | None) -> None:
        """How much of an answer fits depends on what its protection adds."""
        form = None if manner is None else manner.form
        self.services.room = self._room - (0 if self.channel is None else self.channel.overhead(form))


class ServerConnection:
    """All clients of one link of one device.

    `utc` gives the UTC seconds that `now` stands for; logical devices live by it.
    """

    __slots__ = (
        "_closed",
        "_events",
        "_framing",
        "_heard",
        "_random",
        "_sessions",
        "_settings",
        "_state",
        "_unpersisted",
        "_utc",
        "_waiting",
    )

    def __init__(
        self,
        framing: Framing,
        settings: ServerSettings,
        state: ServerState,
        *,
        random: Callable[[int], bytes],
        utc: Callable[[float], float] = lambda now: now,
        now: float = 0.0,
    ) -> None:
        self._framing = framing
        self._settings = settings
        self._state = state
        self._random = random
        self._utc = utc
        self._sessions: dict[int, _Session] = {}
        self._events: deque[ServerEvent] = deque()
        self._waiting: deque[Callable[[float], None]] = deque()
        self._unpersisted = 0
        self._heard = now
        self._closed = False

    # The shape of every core

    def receive(self, data: bytes, now: float) -> None:
        """Bytes from the link; never raises, whatever the bytes."""
        self._heard = now
        self._framing.receive(data, now)
        self._pump(now)

    def next_event(self) -> ServerEvent | None:
        """The oldest event that was not taken yet."""
        return self._events.popleft() if self._events else None

    def data_to_send(self, now: float) -> bytes:
        """Bytes for the link; none while something has to be made durable first."""
        return b"" if self._unpersisted else self._framing.data_to_send(now)

    def next_timeout(self) -> float | None:
        """When `handle_timeout` wants to be called."""
        heard = [session.heard for session in self._sessions.values()]
        if self._settings.close_when_idle and not self._closed:
            heard.append(self._heard)
        due = self._framing.next_timeout()
        dues = [time + self._settings.inactivity_timeout_s for time in heard]
        return min(dues if due is None else [*dues, due], default=None)

    def handle_timeout(self, now: float) -> None:
        """Do what is due at `now`: silent clients leave."""
        self._framing.handle_timeout(now)
        self._pump(now)
        silent = now - self._settings.inactivity_timeout_s
        for client_sap in [sap for sap, session in self._sessions.items() if session.heard <= silent]:
            self._leave(client_sap, f"silent for {self._settings.inactivity_timeout_s} s")
        if self._settings.close_when_idle and self._heard <= silent:
            self._close(f"nothing received for {self._settings.inactivity_timeout_s} s", clean=True)

    def closed(self, now: float) -> None:
        """The link has ended."""
        self._framing.closed(now)
        self._pump(now)

    def persisted(self, event: Persist, now: float) -> None:
        """`event` is durable (see `openami.protocols.dlms.counters.apply`); what waited for it goes on."""
        self._unpersisted -= 1
        if event.reserve:
            self._state.sending.reserved(event)
            waiting, self._waiting = self._waiting, deque()
            try:
                for step in waiting:
                    self._with_numbers(step, now)
            except CountersExhausted as error:
                self._close(str(error), clean=False)

    def inform(self, client_sap: int, notification: DataNotification | EventNotificationRequest, now: float) -> None:
        """Send a notification within the live association of `client_sap`, protected as its policy says.

        Raises `LocalProtocolError` if there is none. A push with the confirmed bit is answered by `Confirmed`.
        """
        session = self._sessions.get(client_sap)
        if session is None or not session.association.established:
            raise LocalProtocolError(f"client SAP {client_sap} has no association that could be informed")
        self._answer(encode_apdu(notification), None, session, now)

    def notify(self, client_sap: int, apdu: bytes, now: float) -> None:
        """Push an APDU that is complete and sealed already to `client_sap`, unconfirmed."""
        self._framing.send(apdu, now, destination=client_sap, unconfirmed=True)

    @property
    def associations(self) -> tuple[Association, ...]:
        """The live associations."""
        return tuple(session.association for session in self._sessions.values() if session.association.established)

    # Receiving

    def _pump(self, now: float) -> None:
        while (event := self._framing.next_event()) is not None:
            match event:
                case ApduReceived():
                    self._take_apdu(event, now)
                case Disconnected(peer=None):
                    self._close(event.reason, clean=event.clean)
                case Disconnected():
                    self._leave(event.peer, event.reason)
                case Garbage():
                    self._events.append(event)
                case Connected():
                    self._leave(event.peer, "the client connects anew")

    def _take_apdu(self, event: ApduReceived, now: float) -> None:
        raw, client_sap = event.apdu, event.source
        session = self._sessions.get(client_sap)
        try:
            if len(raw) > self._settings.max_receive_pdu_size:
                raise PduTooLong(len(raw), self._settings.max_receive_pdu_size)
            if raw and raw[0] in _ACSE:
                self._take_acse(event, session, now)
            else:
                self._take_service(event, session, now)
        except CountersExhausted as error:
            self._events.append(Refused(raw, error))
            self._leave(client_sap, str(error))
        except RemoteProtocolError as error:
            self._events.append(Refused(raw, error))
            if raw and raw[0] not in _UNANSWERED and not event.unconfirmed:
                self._framing.send(encode_apdu(_exception(error, session)), now, destination=client_sap)

    def _take_service(self, event: ApduReceived, session: _Session | None, now: float) -> None:
        if session is None:
            raise SecurityError(f"client SAP {event.source} sends a service without an association: refused")
        if session.association.server_sap != event.destination:
            raise SecurityError(f"server SAP {event.destination} is not the one of the association: refused")
        apdu, form = self._open(event.apdu, session)
        session.heard = now
        if not session.association.established:
            self._take_pass_3(apdu, form, session, now)
            return
        if isinstance(apdu, DataNotificationConfirm):
            self._events.append(Confirmed(event.source, apdu.long_invoke_id_and_priority & LONG_INVOKE_ID))
            return
        session.measure(form)
        answer = session.services.answer(apdu, self._utc(now))
        if answer is not None:
            self._answer(encode_apdu(answer), form, session, now)

    def _open(self, raw: bytes, session: _Session) -> tuple[Apdu, Manner | None]:
        """The plain APDU of what came and the manner in which it came, in which it is answered."""
        channel, tag = session.channel, raw[0] if raw else 0
        if not check_protected(tag, protected=channel is not None) or channel is None:
            return decode_apdu(raw), None
        plain, manner = channel.open_with_manner(decode_apdu(raw))  # type: ignore[arg-type]
        if channel.transactions.last >= 0:
            self._keep_transactions(session, channel)
        if not session.association.authentication.high or not session.association.established:
            self._keep_window(session)
        return decode_apdu(plain), manner

    def _keep_window(self, session: _Session) -> None:
        """Make the client's window durable: at the start of a session, and at each APDU where no HLS makes it fresh.

        With HLS our challenge does: an APDU of an earlier session is older than pass 3 of this one.
        """
        association, channel = session.association, session.channel
        if channel is not None:
            name = self._state.window_name(association.client_sap, channel.peer_system_title)
            self._unpersisted += 1
            self._events.append(Persist(name, channel.receiving.last + 1))

    def _keep_transactions(self, session: _Session, channel: SecureChannel) -> None:
        name = self._state.window_name(session.association.client_sap, channel.peer_system_title)
        self._unpersisted += 1
        self._events.append(Persist(transactions_name(name), channel.transactions.last + 1))

    # Association

    def _take_acse(self, event: ApduReceived, session: _Session | None, now: float) -> None:
        apdu = decode_apdu(event.apdu)
        if isinstance(apdu, AARQ):
            try:
                self._take_aarq(apdu, event, now)
            except CountersExhausted:
                raise
            except RemoteProtocolError as error:
                self._events.append(Refused(event.apdu, error))
                refusal = rejecting(rejection_of(error), apdu.application_context_name)
                self._framing.send(encode_apdu(refusal), now, destination=event.source)
        elif isinstance(apdu, RLRQ):
            self._take_rlrq(apdu, event, session, now)

    def _take_aarq(self, aarq: AARQ, event: ApduReceived, now: float) -> None:
        settings = self._settings.associations.get(event.source)
        device = self._settings.devices.get(event.destination)
        if settings is None:
            raise Rejection(f"client SAP {event.source} is not known here", AcseServiceUser.NO_REASON_GIVEN)
        if device is None:
            what = f"server SAP {event.destination} is not there"
            raise Rejection(what, AcseServiceUser.CALLED_AP_TITLE_NOT_RECOGNIZED)
        association = Association(event.source, event.destination, settings)
        accepted = judge(aarq, association, self._settings, self._state, self._random)
        self._leave(event.source, "the client associates anew")
        room = self._room(association.client_max_receive_pdu_size)
        session = _Session(accepted, self._services(association, device, room), room, now)
        self._sessions[event.source] = session
        self._keep_window(session)
        step = partial(self._send_aare, session, accepted, aarq)
        if accepted.channel is None:
            step(now)
        else:
            self._with_numbers(step, now)

    def _services(self, association: Association, device: LogicalDevice, room: int) -> Services | ShortNameServices:
        settings = self._settings
        if association.short_names:
            return ShortNameServices(association, device, settings, room, settings.short_names[association.server_sap])
        return Services(association, device, settings, room)

    def _room(self, client_max: int) -> int:
        """Octets of APDU, protected or not, that the client and the framing take."""
        return min([limit for limit in (client_max, self._framing.max_apdu) if limit], default=0xFFFF)

    def _send_aare(self, session: _Session, accepted: Accepted, aarq: AARQ, now: float) -> None:
        aare = accepting(accepted, self._settings, aarq.application_context_name)
        self._framing.send(encode_apdu(aare), now, destination=session.association.client_sap)
        if session.association.established:
            self._events.append(ClientAssociated(session.association))

    def _take_pass_3(self, apdu: Apdu, form: Manner | None, session: _Session, now: float) -> None:
        """The client proves itself; until then nothing else is served."""
        if not isinstance(apdu, ActionRequestNormal) or apdu.cosem_method_descriptor != PASS_3:
            raise SecurityError(f"{type(apdu).__name__} came before the client has proven itself: refused")
        association = session.association
        try:
            verify_pass_3(session.accepted, self._settings.system_title, apdu.method_invocation_parameters)
        except RemoteProtocolError as error:
            self._events.append(Refused(encode_apdu(apdu), error))
            refused = ActionResponseNormal(apdu.invoke_id_and_priority, ActionResult.READ_WRITE_DENIED)
            self._answer(encode_apdu(refused), form, session, now)
            self._sessions.pop(association.client_sap, None)
            return
        self._with_numbers(partial(self._send_pass_4, session, apdu.invoke_id_and_priority, form), now)

    def _send_pass_4(self, session: _Session, invoke_id: int, form: Manner | None, now: float) -> None:
        association = session.association
        proof = pass_4(session.accepted, self._settings.system_title, self._state.sending.take)
        association.established = True
        answer = ActionResponseNormal(invoke_id, ActionResult.SUCCESS, encode_data(octet_string(proof)))
        self._answer(encode_apdu(answer), form, session, now)
        self._events.append(ClientAssociated(association))

    def _take_rlrq(self, rlrq: RLRQ, event: ApduReceived, session: _Session | None, now: float) -> None:
        if session is not None:
            if session.channel is not None and rlrq.user_information:
                verify_release(rlrq.user_information, session.channel)
                self._keep_window(session)
            self._leave(event.source, "released")
        self._framing.send(encode_apdu(RLRE(ReleaseResponseReason.NORMAL)), now, destination=event.source)

    # Sending

    def _answer(self, plain: bytes, form: Manner | None, session: _Session, now: float) -> None:
        if session.channel is None:
            self._framing.send(plain, now, destination=session.association.client_sap)
        else:
            self._with_numbers(partial(self._send_sealed, plain, form, session), now)

    def _send_sealed(self, plain: bytes, form: Manner | None, session: _Session, now: float) -> None:
        assert session.channel is not None
        self._framing.send(session.channel.seal(plain, form), now, destination=session.association.client_sap)

    def _with_numbers(self, step: Callable[[float], None], now: float) -> None:
        """Do `step` as soon as it may use the numbers of the send counter that it needs."""
        sending = self._state.sending
        if sending.available >= _NUMBERS_PER_STEP and not self._waiting:
            step(now)
            return
        if len(self._waiting) >= _WAITING_MAX:
            raise RemoteProtocolError(f"more than {_WAITING_MAX} requests wait for an answer")
        if not self._waiting:
            event = sending.reservation()
            self._unpersisted += 1
            self._events.append(event)
        self._waiting.append(step)

    # Ends

    def _leave(self, client_sap: int | None, reason: str) -> None:
        if client_sap is not None and self._sessions.pop(client_sap, None) is not None:
            self._events.append(ClientLeft(client_sap, reason))

    def _close(self, reason: str, *, clean: bool) -> None:
        for client_sap in list(self._sessions):
            self._leave(client_sap, reason)
        if not self._closed:
            self._closed = True
            self._events.append(Closed(reason, clean))


def _exception(error: OpenAmiError, session: _Session | None) -> ExceptionResponse:
    """What the client is told of an error; details stay here."""
    not_allowed = StateError.SERVICE_NOT_ALLOWED
    if isinstance(error, ReplayedCounter):
        lowest = min(error.last + 1, 0xFFFFFFFF)
        return ExceptionResponse(not_allowed, ExceptionServiceError.INVOCATION_COUNTER_ERROR, lowest)
    if isinstance(error, SecurityError):
        if session is None:
            return ExceptionResponse(not_allowed, ExceptionServiceError.OPERATION_NOT_POSSIBLE)
        return ExceptionResponse(not_allowed, ExceptionServiceError.DECIPHERING_ERROR)
    if isinstance(error, PduTooLong):
        return ExceptionResponse(not_allowed, ExceptionServiceError.PDU_TOO_LONG)
    if isinstance(error, NotServed):
        return ExceptionResponse(StateError.SERVICE_UNKNOWN, ExceptionServiceError.SERVICE_NOT_SUPPORTED)
    return ExceptionResponse(not_allowed, ExceptionServiceError.OTHER_REASON)
