"""What comes to a server and what leaves it: protected as was agreed, with counters that are durable beforehand."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final, TypeAlias

from openami.model.errors import LocalProtocolError, RemoteProtocolError
from openami.protocols.dlms.apdu import Apdu, decode_apdu, encode_apdu
from openami.protocols.dlms.association import AssociationSettings
from openami.protocols.dlms.counters import Persist
from openami.protocols.dlms.events import ClientAssociated, ClientLeft, Closed, Confirmed, Refused
from openami.protocols.dlms.framing import Framing, Garbage
from openami.protocols.dlms.general_block_transfer import GeneralBlockTransfer
from openami.protocols.dlms.protected_tags import GENERAL_BLOCK_TRANSFER, check_protected
from openami.protocols.dlms.protection_form import Manner
from openami.protocols.dlms.secure_channel import SecureChannel
from openami.protocols.dlms.server_session import Session
from openami.protocols.dlms.server_settings import ServerState
from openami.protocols.dlms.service_context import NotServed

ServerEvent: TypeAlias = Persist | ClientAssociated | ClientLeft | Confirmed | Refused | Garbage | Closed

_Send: TypeAlias = Callable[[bytes, Session, float], None]
_Step: TypeAlias = Callable[[float], None]
_BLOCK: Final = bytes((GENERAL_BLOCK_TRANSFER,))
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
        self._waiting: deque[tuple[_Step, Session]] = deque()

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
        self._protected(plain, manner, session, self._send_answer, now)

    def inform(self, plain: bytes, session: Session, now: float) -> None:
        """Send `plain`, for which the client of `session` has not asked. Raises `LocalProtocolError` if it cannot."""
        room, transfer = session.room(None), session.transfer
        if transfer is None and len(plain) > room:
            client_sap = session.association.client_sap
            raise LocalProtocolError(f"notification of {len(plain)} bytes, client SAP {client_sap} takes {room}")
        if transfer is not None and transfer.sending:
            raise LocalProtocolError("an answer in blocks is under way; inform the client when it has it")
        self._protected(plain, None, session, self._send_unasked, now)

    def _protected(self, plain: bytes, manner: Manner | None, session: Session, send: _Send, now: float) -> None:
        if session.channel is None:
            send(plain, session, now)
        else:
            self.with_numbers(lambda later: send(_sealed(plain, manner, session), session, later), session, now)

    def _send_answer(self, octets: bytes, session: Session, now: float) -> None:
        transfer = session.transfer
        if transfer is None:
            self.framing.send(octets, now, destination=session.association.client_sap)
        elif transfer.carries(octets):
            self._send_blocks(transfer.send(octets), session, now)
        else:
            transfer.restart()
            self.framing.send(octets, now, destination=session.association.client_sap)

    def _send_unasked(self, octets: bytes, session: Session, now: float) -> None:
        transfer = session.transfer
        if transfer is not None and len(octets) > transfer.pdu_max:
            self._send_blocks(transfer.unanswered(octets), session, now)
        else:
            self.framing.send(octets, now, destination=session.association.client_sap, unconfirmed=True)

    # In blocks

    def whole(self, raw: bytes, session: Session, now: float) -> bytes | None:
        """The APDU that `raw` is or completes, None while blocks of it are due; raises `RemoteProtocolError`."""
        transfer = session.transfer
        if raw[:1] != _BLOCK:
            if transfer is not None:
                transfer.restart()
            return raw
        block = decode_apdu(raw)
        if transfer is None or not isinstance(block, GeneralBlockTransfer):
            raise NotServed("general-block-transfer was not negotiated in this association")
        whole = transfer.take(block)
        if whole is None and transfer.turn_due(block):
            self._send_blocks(transfer.turn(), session, now)
        return whole

    def not_answered(self, session: Session, now: float) -> None:
        """The request has no answer; if it came in blocks, its client at least hears that they came."""
        if session.transfer is not None:
            self._send_blocks(session.transfer.acknowledged(), session, now)

    def _send_blocks(self, blocks: list[GeneralBlockTransfer], session: Session, now: float) -> None:
        for block in blocks:
            self.framing.send(encode_apdu(block), now, destination=session.association.client_sap)

    # What must be durable

    def with_numbers(self, step: _Step, session: Session, now: float) -> None:
        """Do `step` of `session` as soon as it may use the numbers of the send counter that it needs.

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
        self._waiting.append((step, session))

    def persisted(self, event: Persist, now: float) -> None:
        """`event` is durable; what waited for its numbers goes on. Raises `CountersExhausted`."""
        self.unpersisted -= 1
        if event.reserve:
            self.state.sending.reserved(event)
            waiting, self._waiting = self._waiting, deque()
            for step, session in waiting:
                if not session.left:
                    self.with_numbers(step, session, now)

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


def _sealed(plain: bytes, manner: Manner | None, session: Session) -> bytes:
    assert session.channel is not None
    return session.channel.seal(plain, manner)
