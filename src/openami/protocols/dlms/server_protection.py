"""What comes to a server and what leaves it: protected as was agreed, with counters that are durable beforehand."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Final, TypeAlias

from openami.model.errors import RemoteProtocolError
from openami.protocols.dlms.apdu import Apdu, decode_apdu
from openami.protocols.dlms.association import AssociationSettings
from openami.protocols.dlms.counters import Persist
from openami.protocols.dlms.events import ClientAssociated, ClientLeft, Closed, Confirmed, Refused
from openami.protocols.dlms.framing import Framing, Garbage
from openami.protocols.dlms.protected_tags import check_protected
from openami.protocols.dlms.protection_form import Manner
from openami.protocols.dlms.secure_channel import SecureChannel
from openami.protocols.dlms.server_session import Session
from openami.protocols.dlms.server_settings import ServerState

ServerEvent: TypeAlias = Persist | ClientAssociated | ClientLeft | Confirmed | Refused | Garbage | Closed

_NUMBERS_PER_STEP: Final = 2
_WAITING_MAX: Final = 16


class ServerProtection:
    """The way of plain APDUs to the clients of one link and back. All of them share one send counter.

    `unpersisted` counts the events `Persist` that have to be made durable before anything more leaves.
    """

    __slots__ = ("_waiting", "events", "framing", "state", "unpersisted")

    def __init__(self, framing: Framing, state: ServerState) -> None:
        self.framing = framing
        self.state = state
        self.events: deque[ServerEvent] = deque()
        self.unpersisted = 0
        self._waiting: deque[Callable[[float], None]] = deque()

    # Receiving

    def open(self, raw: bytes, session: Session, channel: SecureChannel | None = None) -> tuple[Apdu, Manner | None]:
        """The plain APDU of what came and the manner in which it came, in which it is answered.

        `channel` takes the place of the session's, if it is given.
        """
        channel, tag = channel or session.channel, raw[0] if raw else 0
        if not check_protected(tag, protected=channel is not None) or channel is None:
            return decode_apdu(raw), None
        plain, manner = channel.open_with_manner(decode_apdu(raw))
        if channel.transactions.last >= 0:
            self._keep_transactions(session, channel)
        if not session.association.authentication.high or not session.association.established:
            self.keep_window(session)
        return decode_apdu(plain), manner

    def renew(self, session: Session, channel: SecureChannel, settings: AssociationSettings) -> None:
        """The client of `session` has used its new keys: from now on they are those of the session."""
        assert settings.keys is not None
        key, association = settings.keys.global_unicast_encryption_key, session.association
        channel.receiving = self.state.keep(association.client_sap, channel.peer_system_title, key, channel.receiving)
        session.channel, association.settings = channel, settings
        self.keep_window(session)

    # Sending

    def answer(self, plain: bytes, manner: Manner | None, session: Session, now: float) -> None:
        """Send `plain` to the client of `session`, in the manner in which its request came."""
        if session.channel is None:
            self.framing.send(plain, now, destination=session.association.client_sap)
        else:
            self.with_numbers(partial(self._send_sealed, plain, manner, session), now)

    def _send_sealed(self, plain: bytes, manner: Manner | None, session: Session, now: float) -> None:
        assert session.channel is not None
        self.framing.send(session.channel.seal(plain, manner), now, destination=session.association.client_sap)

    # What must be durable

    def with_numbers(self, step: Callable[[float], None], now: float) -> None:
        """Do `step` as soon as it may use the numbers of the send counter that it needs.

        Raises `CountersExhausted`, and `RemoteProtocolError` where too much waits already.
        """
        sending = self.state.sending
        if sending.available >= _NUMBERS_PER_STEP and not self._waiting:
            step(now)
            return
        if len(self._waiting) >= _WAITING_MAX:
            raise RemoteProtocolError(f"more than {_WAITING_MAX} requests wait for an answer")
        if not self._waiting:
            self._persist(sending.reservation())
        self._waiting.append(step)

    def persisted(self, event: Persist, now: float) -> None:
        """`event` is durable; what waited for its numbers goes on. Raises `CountersExhausted`."""
        self.unpersisted -= 1
        if event.reserve:
            self.state.sending.reserved(event)
            waiting, self._waiting = self._waiting, deque()
            for step in waiting:
                self.with_numbers(step, now)

    def _persist(self, event: Persist) -> None:
        self.unpersisted += 1
        self.events.append(event)

    def keep_window(self, session: Session) -> None:
        """Make the client's window durable: at the start of a session, and at each APDU where no HLS makes it fresh.

        With HLS our challenge does: an APDU of an earlier session is older than pass 3 of this one.
        """
        association, channel = session.association, session.channel
        if channel is not None:
            key = channel.keys.global_unicast_encryption_key
            name = self.state.window_name(association.client_sap, channel.peer_system_title, key)
            self._persist(Persist(name, channel.receiving.last + 1))

    def _keep_transactions(self, session: Session, channel: SecureChannel) -> None:
        name = self.state.transactions_name(session.association.client_sap, channel.peer_system_title)
        self._persist(Persist(name, channel.transactions.last + 1))
