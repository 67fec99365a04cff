"""The server's association control: AARQ and AARE, the proofs of HLS, RLRQ and RLRE."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from openami.model.errors import RemoteProtocolError, SecurityError
from openami.protocols.dlms.acse import AARQ, RLRE, RLRQ, AcseServiceUser, ReleaseResponseReason
from openami.protocols.dlms.apdu import Apdu, decode_apdu, encode_apdu
from openami.protocols.dlms.association import Association, AssociationSettings
from openami.protocols.dlms.authentication import Authentication
from openami.protocols.dlms.block_transfer import BlockTransfer
from openami.protocols.dlms.conformance import Conformance
from openami.protocols.dlms.counters import CountersExhausted
from openami.protocols.dlms.events import ClientAssociated, ClientLeft, Refused
from openami.protocols.dlms.framing import ApduReceived
from openami.protocols.dlms.hls_reply import proof_of_client, reply
from openami.protocols.dlms.protection_form import Manner
from openami.protocols.dlms.server_association import (
    Accepted,
    Rejection,
    WrongPassword,
    accepting,
    judge,
    pass_4,
    rejecting,
    rejection_of,
    verify_pass_3,
    verify_release,
)
from openami.protocols.dlms.server_protection import ServerProtection
from openami.protocols.dlms.server_session import Session
from openami.protocols.dlms.server_settings import LogicalDevice, ServerSettings
from openami.protocols.dlms.service import Services
from openami.protocols.dlms.short_name_service import ShortNameServices


class ServerAssociationControl:
    """Makes and ends the associations of the clients of one link; `sessions` has each under its client SAP."""

    __slots__ = ("_protection", "_random", "_settings", "sessions")

    def __init__(self, settings: ServerSettings, protection: ServerProtection, random: Callable[[int], bytes]) -> None:
        self._settings = settings
        self._protection = protection
        self._random = random
        self.sessions: dict[int, Session] = {}

    def leave(self, client_sap: int | None, reason: str) -> None:
        """The session of `client_sap`, if there is one, ends."""
        session = None if client_sap is None else self.sessions.pop(client_sap, None)
        if client_sap is not None and session is not None:
            session.left = True
            self._protection.events.append(ClientLeft(client_sap, reason))

    def take_acse(self, event: ApduReceived, session: Session | None, now: float) -> None:
        """AARQ or RLRQ came from the client of `session`; raises `RemoteProtocolError` where the latter is wrong."""
        apdu = decode_apdu(event.apdu)
        if isinstance(apdu, AARQ):
            try:
                self._take_aarq(apdu, event, now)
            except CountersExhausted:
                raise
            except RemoteProtocolError as error:
                self._protection.events.append(Refused(event.apdu, error))
                refusal = rejecting(rejection_of(error), apdu.application_context_name)
                self._protection.framing.send(encode_apdu(refusal), now, destination=event.source)
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
        accepted = self._judge(aarq, event, settings, now)
        association = accepted.association
        self.leave(event.source, "the client associates anew")
        room = self._room(association.client_max_receive_pdu_size)
        transfer = self._transfer(association, room, protected=accepted.channel is not None)
        if transfer is not None:
            room = self._settings.response_bytes_max
        session = Session(accepted, self._services(association, device, room), room, now, transfer)
        self.sessions[event.source] = session
        self._protection.keep_window(session)
        step = partial(self._send_aare, session, accepted, aarq)
        if accepted.channel is None:
            step(now)
        else:
            self._protection.with_numbers(step, session, now)

    def _judge(self, aarq: AARQ, event: ApduReceived, settings: AssociationSettings, now: float) -> Accepted:
        """Under the client's keys; if they do not open what it sent, under those that they have taken the place of."""
        if settings.authentication is Authentication.LLS:
            return self._judge_password(aarq, event, settings, now)
        state, former = self._protection.state, settings.former
        try:
            association = Association(event.source, event.destination, settings)
            return judge(aarq, association, self._settings, state, self._random)
        except SecurityError:
            if former is None:
                raise
            return judge(
                aarq, Association(event.source, event.destination, former), self._settings, state, self._random
            )

    def _judge_password(self, aarq: AARQ, event: ApduReceived, settings: AssociationSettings, now: float) -> Accepted:
        """Unless too many were wrong."""
        state = self._protection.state
        lockout = state.lockouts[event.source]
        if lockout.holds(now):
            raise Rejection("too many passwords were wrong: wait", AcseServiceUser.AUTHENTICATION_FAILURE)
        try:
            association = Association(event.source, event.destination, settings)
            accepted = judge(aarq, association, self._settings, state, self._random)
        except WrongPassword:
            lockout.wrong(now)
            raise
        lockout.right()
        return accepted

    def _services(self, association: Association, device: LogicalDevice, room: int) -> Services | ShortNameServices:
        settings = self._settings
        if association.short_names:
            return ShortNameServices(association, device, settings, room, settings.short_names[association.server_sap])
        return Services(association, device, settings, room)

    def _transfer(self, association: Association, pdu_max: int, *, protected: bool) -> BlockTransfer | None:
        if not Conformance.GENERAL_BLOCK_TRANSFER & association.conformance:
            return None
        settings = self._settings
        return BlockTransfer(
            pdu_max, window=settings.block_window, limit=settings.value_bytes_max, serving=True, protected=protected
        )

    def _room(self, client_max: int) -> int:
        """Octets of APDU, protected or not, that the client and the framing take."""
        return min([limit for limit in (client_max, self._protection.framing.max_apdu) if limit], default=0xFFFF)

    def _send_aare(self, session: Session, accepted: Accepted, aarq: AARQ, now: float) -> None:
        aare = accepting(accepted, self._settings, aarq.application_context_name)
        self._protection.framing.send(encode_apdu(aare), now, destination=session.association.client_sap)
        if session.association.established:
            self._protection.events.append(ClientAssociated(session.association))

    def take_pass_3(self, apdu: Apdu, manner: Manner | None, session: Session, now: float) -> None:
        """The client proves itself; until then nothing else is served."""
        argument = proof_of_client(apdu)
        association = session.association
        try:
            verify_pass_3(session.accepted, self._settings.system_title, argument)
        except RemoteProtocolError as error:
            self._protection.events.append(Refused(encode_apdu(apdu), error))
            self._protection.answer(encode_apdu(reply(apdu, None)), manner, session, now)
            self.sessions.pop(association.client_sap, None)
            return
        self._protection.with_numbers(partial(self._send_pass_4, session, apdu, manner), session, now)

    def _send_pass_4(self, session: Session, pass_3: Apdu, manner: Manner | None, now: float) -> None:
        association = session.association
        proof = pass_4(session.accepted, self._settings.system_title, self._protection.state.sending.take)
        association.established = True
        self._protection.answer(encode_apdu(reply(pass_3, proof)), manner, session, now)
        self._protection.events.append(ClientAssociated(association))

    def _take_rlrq(self, rlrq: RLRQ, event: ApduReceived, session: Session | None, now: float) -> None:
        if session is not None:
            if session.channel is not None and rlrq.user_information:
                verify_release(rlrq.user_information, session.channel)
                self._protection.keep_window(session)
            self.leave(event.source, "released")
        self._protection.framing.send(encode_apdu(RLRE(ReleaseResponseReason.NORMAL)), now, destination=event.source)
