"""The server's side: clients associate over one framing, each by its SAP, and are answered by logical devices.

A sans-I/O core like the client's. Whatever bytes come, the answer is an event, an APDU or silence, never an
exception, and what is kept is bounded: one association per configured client, one long value each way.
An event `Persist` must be made durable and handed to `persisted` before anything more leaves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from openami.model.errors import LocalProtocolError, RemoteProtocolError, SecurityError
from openami.protocols.dlms.apdu import Apdu, encode_apdu
from openami.protocols.dlms.association import Association
from openami.protocols.dlms.counters import CountersExhausted, Persist
from openami.protocols.dlms.errors import PduTooLong
from openami.protocols.dlms.events import Closed, Confirmed, Refused
from openami.protocols.dlms.framing import ApduReceived, Connected, Disconnected, Framing, Garbage
from openami.protocols.dlms.information_report import InformationReportRequest
from openami.protocols.dlms.notification import (
    LONG_INVOKE_ID,
    DataNotification,
    DataNotificationConfirm,
    EventNotificationRequest,
)
from openami.protocols.dlms.protection_form import Manner
from openami.protocols.dlms.server_association_control import ServerAssociationControl
from openami.protocols.dlms.server_exception import exception_of
from openami.protocols.dlms.server_protection import ServerEvent, ServerProtection
from openami.protocols.dlms.server_renewal import renewed_channel
from openami.protocols.dlms.server_session import Session
from openami.protocols.dlms.server_settings import ServerSettings, ServerState

_ACSE: Final = frozenset((0x60, 0x62))
_UNANSWERED: Final = frozenset(
    (0x08, 0x0E, 0x0F, 0x28, 0x2E, 0x61, 0x63, 0xC4, 0xC5, 0xC7, 0xCC, 0xCD, 0xCF, 0xD4, 0xD5, 0xD7, 0xD8)
)
"""Tags of answers: to answer an answer would let two servers talk for ever."""


class ServerConnection:
    """All clients of one link of one device.

    `utc` gives the UTC seconds that `now` stands for; logical devices live by it.
    """

    __slots__ = (
        "_closed",
        "_control",
        "_events",
        "_framing",
        "_heard",
        "_protection",
        "_sessions",
        "_settings",
        "_utc",
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
        self._utc = utc
        self._protection = ServerProtection(framing, state)
        self._control = ServerAssociationControl(settings, self._protection, random)
        self._sessions = self._control.sessions
        self._events = self._protection.events
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
        return b"" if self._protection.unpersisted else self._framing.data_to_send(now)

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
            self._control.leave(client_sap, f"silent for {self._settings.inactivity_timeout_s} s")
        if self._settings.close_when_idle and self._heard <= silent:
            self._close(f"nothing received for {self._settings.inactivity_timeout_s} s", clean=True)

    def closed(self, now: float) -> None:
        """The link has ended."""
        self._framing.closed(now)
        self._pump(now)

    def persisted(self, event: Persist, now: float) -> None:
        """`event` is durable (see `openami.protocols.dlms.counters.apply`); what waited for it goes on."""
        try:
            self._protection.persisted(event, now)
        except CountersExhausted as error:
            self._close(str(error), clean=False)

    def inform(
        self,
        client_sap: int,
        notification: DataNotification | EventNotificationRequest | InformationReportRequest,
        now: float,
    ) -> None:
        """Send a notification within the live association of `client_sap`, protected as its policy says.

        Raises `LocalProtocolError` if there is none. A push with the confirmed bit is answered by `Confirmed`.
        """
        session = self._sessions.get(client_sap)
        if session is None or not session.association.established:
            raise LocalProtocolError(f"client SAP {client_sap} has no association that could be informed")
        if session.association.short_names is not isinstance(notification, InformationReportRequest):
            what = type(notification).__name__
            raise LocalProtocolError(f"{what} does not go with the kind of names that client SAP {client_sap} uses")
        self._protection.inform(encode_apdu(notification), session, now)

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
                    self._control.leave(event.peer, event.reason)
                case Garbage():
                    self._events.append(event)
                case Connected():
                    self._control.leave(event.peer, "the client connects anew")

    def _take_apdu(self, event: ApduReceived, now: float) -> None:
        raw, client_sap = event.apdu, event.source
        session = self._sessions.get(client_sap)
        try:
            if len(raw) > self._settings.max_receive_pdu_size and raw[0] not in _ACSE:
                raise PduTooLong(len(raw), self._settings.max_receive_pdu_size)
            if raw and raw[0] in _ACSE:
                self._control.take_acse(event, session, now)
            else:
                self._take_service(event, session, now)
        except CountersExhausted as error:
            self._events.append(Refused(raw, error))
            self._control.leave(client_sap, str(error))
        except RemoteProtocolError as error:
            self._events.append(Refused(raw, error))
            if raw and raw[0] not in _UNANSWERED and not event.unconfirmed:
                exception = exception_of(error, in_session=session is not None)
                self._framing.send(encode_apdu(exception), now, destination=client_sap)

    def _take_service(self, event: ApduReceived, session: Session | None, now: float) -> None:
        if session is None:
            raise SecurityError(f"client SAP {event.source} sends a service without an association: refused")
        if session.association.server_sap != event.destination:
            raise SecurityError(f"server SAP {event.destination} is not the one of the association: refused")
        raw = self._protection.whole(event.apdu, session, now)
        if raw is None:
            session.heard = now
            return
        apdu, manner = self._open(raw, session)
        session.heard = now
        if not session.association.established:
            self._control.take_pass_3(apdu, manner, session, now)
            return
        if isinstance(apdu, DataNotificationConfirm):
            self._events.append(Confirmed(event.source, apdu.long_invoke_id_and_priority & LONG_INVOKE_ID))
            return
        session.measure(manner)
        answer = session.services.answer(apdu, self._utc(now))
        if answer is None:
            self._protection.not_answered(session, now)
        else:
            self._protection.answer(encode_apdu(answer), manner, session, now)

    def _open(self, raw: bytes, session: Session) -> tuple[Apdu, Manner | None]:
        """What came, opened under the client's keys of today; if they were changed, they were perhaps after it left."""
        settings = self._settings.associations.get(session.association.client_sap)
        renewed = renewed_channel(session, settings, self._protection.state)
        if renewed is not None and settings is not None:
            try:
                opened = self._protection.open(raw, session, renewed)
            except SecurityError:
                if settings.former is None:
                    raise
            else:
                self._protection.renew(session, renewed, settings)
                return opened
        return self._protection.open(raw, session)

    # Ends

    def _close(self, reason: str, *, clean: bool) -> None:
        for client_sap in list(self._sessions):
            self._control.leave(client_sap, reason)
        if not self._closed:
            self._closed = True
            self._events.append(Closed(reason, clean))
