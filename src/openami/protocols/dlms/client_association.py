"""What a client proposes in AARQ, and how it judges the AARE that answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from openami.model.errors import RemoteProtocolError, SecurityError
from openami.protocols.dlms.acse import (
    AARE,
    AARQ,
    RLRQ,
    AcseRequirements,
    AssociationResult,
    ReleaseRequestReason,
)
from openami.protocols.dlms.apdu import decode_apdu, encode_apdu
from openami.protocols.dlms.association_advice import advice, advice_on_proof
from openami.protocols.dlms.authentication import Authentication, mechanism_number
from openami.protocols.dlms.ciphered import Ciphered, CipheredTag
from openami.protocols.dlms.client_settings import ClientSettings
from openami.protocols.dlms.conformance import Conformance
from openami.protocols.dlms.counters import ReceiveWindow, SendCounter
from openami.protocols.dlms.errors import AssociationRejected
from openami.protocols.dlms.hls import check_challenge
from openami.protocols.dlms.hls_proof import Passes, prove, verify
from openami.protocols.dlms.hls_reply import ProofRefused, proof_of_server, proving
from openami.protocols.dlms.initiate import ConfirmedServiceError, InitiateRequest, InitiateResponse
from openami.protocols.dlms.protection_form import GENERAL_FORMS, Form, form_of_key
from openami.protocols.dlms.request import Action, Read
from openami.protocols.dlms.secure_channel import SecureChannel
from openami.protocols.dlms.security import SecurityControl, check_system_title


class AssociationProposal:
    """One attempt to associate: its challenge, its keys, and what the server made of it."""

    __slots__ = ("_random", "agreed", "challenge", "keys", "server_challenge", "server_system_title", "settings")

    def __init__(self, settings: ClientSettings, random: Callable[[int], bytes]) -> None:
        self.settings = settings
        self._random = random
        self.keys = settings.keys
        if settings.keys is not None and settings.use_dedicated_key:
            self.keys = replace(settings.keys, dedicated_key=random(settings.keys.suite.key_size))
        self.challenge = random(settings.challenge_size) if settings.authentication.high else b""
        self.server_challenge = b""
        self.server_system_title = b""
        self.agreed = InitiateResponse()

    def aarq(self, channel: SecureChannel | None) -> AARQ:
        """The request; with `channel` its user-information is ciphered and uses up one counter number."""
        settings = self.settings
        authenticated = settings.authentication is not Authentication.NONE
        value = self.challenge or None
        if settings.authentication is Authentication.LLS and settings.password is not None:
            value = settings.password.reveal()
        return AARQ(
            application_context_name=settings.application_context,
            calling_ap_title=settings.system_title or None,
            sender_acse_requirements=AcseRequirements.AUTHENTICATION if authenticated else None,
            mechanism_name=settings.authentication.mechanism_name,
            calling_authentication_value=value,
            user_information=self._initiate_request(channel),
        )

    def rlrq(self, channel: SecureChannel | None) -> RLRQ:
        """The request to release; ciphered user-information proves that the client asks for it."""
        if channel is None:
            return RLRQ(ReleaseRequestReason.NORMAL)
        return RLRQ(ReleaseRequestReason.NORMAL, self._initiate_request(channel))

    def channel(self, sending: SendCounter, receiving: ReceiveWindow, transactions: ReceiveWindow) -> SecureChannel:
        """The protected conversation that the settings ask for; its peer is known for sure with AARE only."""
        settings, keys, policy = self.settings, self.keys, self.settings.security_policy
        assert keys is not None
        return SecureChannel(
            keys,
            settings.system_title,
            settings.server_system_title or b"",
            sending,
            receiving,
            control=policy.request or policy.response or SecurityControl.AUTHENTICATED_ENCRYPTION,
            required=policy.response,
            form=_form(settings),
            asymmetric=settings.asymmetric,
            random=self._random,
            transactions=transactions,
            sign=policy.request_signed,
            signature_required=policy.response_signed,
        )

    def pass_3(self, take_counter: Callable[[], int]) -> Action | Read:
        """Prove ourselves: reply_to_HLS_authentication with f(challenge of the server)."""
        own, peer = self.settings.system_title, self.server_system_title
        passes = Passes(own, peer, self.server_challenge, self.challenge)
        proof = prove(self.settings.hls_credentials(), passes, take_counter)
        return proving(proof, short_names=self.settings.short_names)

    def verify_pass_4(self, answer: Any) -> None:
        """The server proves itself: the method returns f(our challenge). Raises `SecurityError`, `DecodeError`."""
        try:
            proof = proof_of_server(answer)
        except ProofRefused as error:
            raise ProofRefused(f"{error}; {advice_on_proof(self.settings)}") from None
        own, peer = self.settings.system_title, self.server_system_title
        verify(self.settings.hls_credentials(), Passes(peer, own, self.challenge, self.server_challenge), proof)

    def accept(self, aare: AARE) -> None:
        """Take the server's answer; raises `AssociationRejected`, or `SecurityError` if it agrees to something else."""
        settings = self.settings
        if aare.result is not AssociationResult.ACCEPTED:
            causes = (_initiate_error(aare), advice(aare.result_source_diagnostic, settings))
            raise AssociationRejected(aare.result, aare.result_source_diagnostic, "; ".join(filter(None, causes)))
        if aare.application_context_name != settings.application_context:
            raise SecurityError("AARE accepts another application context than AARQ proposed: refused")
        if settings.authentication.high:
            if mechanism_number(aare.mechanism_name) not in (settings.authentication, 0):
                raise SecurityError("AARE names another authentication mechanism than AARQ proposed: refused")
            self.server_challenge = check_challenge(aare.responding_authentication_value, self.challenge)
        self.server_system_title = server_title(settings, aare)

    def initiate_response(self, aare: AARE, channel: SecureChannel | None) -> InitiateResponse:
        """What the server agrees to, from user-information that is protected as everything else will be."""
        raw = aare.user_information
        if not raw:
            raise RemoteProtocolError("AARE has no user-information, which must hold the InitiateResponse")
        if channel is not None:
            raw = _open(raw, channel)
        initiate = decode_apdu(raw)
        if not isinstance(initiate, InitiateResponse):
            raise RemoteProtocolError(f"AARE holds {type(initiate).__name__} where InitiateResponse was due")
        self.agreed = initiate
        return initiate

    def _initiate_request(self, channel: SecureChannel | None) -> bytes:
        dedicated = self.keys.dedicated_key if self.keys is not None and self.settings.use_dedicated_key else None
        conformance = self.settings.proposed_conformance
        if channel is not None and (channel.form in GENERAL_FORMS or channel.sign):
            conformance |= Conformance.GENERAL_PROTECTION
        plain = encode_apdu(
            InitiateRequest(
                dedicated_key=dedicated if channel is not None else None,
                proposed_conformance=conformance,
                client_max_receive_pdu_size=self.settings.max_receive_pdu_size,
            )
        )
        return plain if channel is None else channel.seal(plain, Form.GLOBAL)


def _form(settings: ClientSettings) -> Form:
    if settings.key_choice is not None:
        return form_of_key(settings.key_choice)
    if settings.use_dedicated_key:
        return Form.GENERAL_DEDICATED if settings.use_general_glo else Form.DEDICATED
    return Form.GENERAL_GLOBAL if settings.use_general_glo else Form.GLOBAL


def server_title(settings: ClientSettings, aare: AARE) -> bytes:
    """The system title of the server, which must be the pinned one if one is pinned; empty if none is needed."""
    claimed = aare.responding_ap_title
    if settings.keys is None and not settings.authentication.needs_system_titles:
        return claimed or b""
    title = check_system_title(claimed or settings.server_system_title or b"")
    if settings.server_system_title not in (None, title):
        called = _hex(settings.server_system_title)
        raise SecurityError(f"system title {title.hex()} answered where {called} was called")
    if title == settings.system_title:
        raise SecurityError(f"the server claims our own system title {title.hex()}: refused")
    return title


def _open(raw: bytes, channel: SecureChannel) -> bytes:
    apdu = decode_apdu(raw)
    if not isinstance(apdu, Ciphered) or apdu.tag is not CipheredTag.GLO_INITIATE_RESPONSE:
        raise SecurityError("AARE brings a plain InitiateResponse into a protected association: refused")
    return channel.open(apdu)


def _initiate_error(aare: AARE) -> str:
    """Why the server refuses, if its user-information says so plainly."""
    if not aare.user_information or aare.user_information[0] != 0x0E:
        return ""
    error = decode_apdu(aare.user_information)
    return error.text if isinstance(error, ConfirmedServiceError) else ""


def _hex(title: bytes | None) -> str:
    return title.hex() if title else "none"
