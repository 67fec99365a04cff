"""How a server judges AARQ: who may associate, proven how, protected how; and the AARE that says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final, NamedTuple

from openami.model.errors import OpenAmiError, RemoteProtocolError, SecurityError
from openami.protocols.dlms.acse import (
    AARE,
    AARQ,
    AcseRequirements,
    AcseServiceUser,
    ApplicationContextName,
    AssociationResult,
)
from openami.protocols.dlms.apdu import decode_apdu, encode_apdu
from openami.protocols.dlms.association import Association, AssociationSettings
from openami.protocols.dlms.authentication import Authentication, mechanism_number
from openami.protocols.dlms.ciphered import Ciphered, CipheredTag
from openami.protocols.dlms.conformance import SHORT_NAME_CONFORMANCE, Conformance
from openami.protocols.dlms.data import decode_data
from openami.protocols.dlms.hls import CHALLENGE_SIZES
from openami.protocols.dlms.hls_proof import Passes, prove, verify
from openami.protocols.dlms.initiate import (
    DLMS_VERSION,
    VAA_LOGICAL_NAME,
    VAA_SHORT_NAME,
    ConfirmedService,
    ConfirmedServiceError,
    InitiateRequest,
    InitiateResponse,
    ServiceErrorKind,
)
from openami.protocols.dlms.protection_form import Form
from openami.protocols.dlms.secure_channel import SecureChannel
from openami.protocols.dlms.security import read_header
from openami.protocols.dlms.server_settings import ServerSettings, ServerState

_PROTECTION: Final = 0x30
_PDU_SIZE_MIN: Final = 64
_VERSION_TOO_LOW: Final = 1
_PDU_SIZE_TOO_SHORT: Final = 3
_OTHER: Final = 0
_CIPHERED: Final = (
    ApplicationContextName.LOGICAL_NAME_REFERENCING_WITH_CIPHERING,
    ApplicationContextName.SHORT_NAME_REFERENCING_WITH_CIPHERING,
)
_SHORT_NAMES: Final = (
    ApplicationContextName.SHORT_NAME_REFERENCING_NO_CIPHERING,
    ApplicationContextName.SHORT_NAME_REFERENCING_WITH_CIPHERING,
)


class Rejection(RemoteProtocolError):
    """AARQ is refused with `diagnostic`; `initiate_error` is the code where it is about Initiate."""

    def __init__(self, reason: str, diagnostic: AcseServiceUser, initiate_error: int | None = None) -> None:
        super().__init__(f"association refused: {reason}")
        self.diagnostic = diagnostic
        self.initiate_error = initiate_error


class WrongPassword(Rejection):
    """The password of low-level security is another one."""

    def __init__(self) -> None:
        super().__init__("wrong password", AcseServiceUser.AUTHENTICATION_FAILURE)


class Accepted(NamedTuple):
    """What an accepted AARQ leads to. `server_challenge` is empty without HLS; with it pass 3 is awaited."""

    association: Association
    channel: SecureChannel | None
    server_challenge: bytes
    client_challenge: bytes


def judge(
    aarq: AARQ,
    association: Association,
    server: ServerSettings,
    state: ServerState,
    random: Callable[[int], bytes],
) -> Accepted:
    """Accept `aarq` for the client of `association`, or raise `Rejection`."""
    settings = association.settings
    server_challenge = random(server.challenge_size) if settings.authentication.high else b""
    ciphered = _check_context(aarq, settings, named=association.server_sap in server.short_names)
    association.short_names = aarq.application_context_name in _SHORT_NAMES
    client_challenge = _check_authentication(aarq, settings, server_challenge)
    association.client_system_title = _check_title(aarq, settings, server.system_title, needed=ciphered)
    raw, channel = aarq.user_information or b"", None
    if ciphered:
        raw, channel = _open(raw, association, server, state, random)
    initiate = _check_initiate(raw)
    association.client_max_receive_pdu_size = initiate.client_max_receive_pdu_size
    served = SHORT_NAME_CONFORMANCE if association.short_names else settings.conformance
    association.conformance = int(initiate.proposed_conformance & served)
    if channel is not None and initiate.dedicated_key is not None:
        if len(initiate.dedicated_key) != channel.keys.suite.key_size:
            raise Rejection("dedicated key of a wrong size", AcseServiceUser.NO_REASON_GIVEN, _OTHER)
        channel.keys = replace(channel.keys, dedicated_key=initiate.dedicated_key)
    association.established = not settings.authentication.high
    return Accepted(association, channel, server_challenge, client_challenge)


def accepting(accepted: Accepted, server: ServerSettings, context: ApplicationContextName | bytes) -> AARE:
    """The AARE that accepts; with a channel it uses up one number of the send counter."""
    association, channel = accepted.association, accepted.channel
    initiate = encode_apdu(
        InitiateResponse(
            negotiated_conformance=Conformance(association.conformance),
            server_max_receive_pdu_size=server.max_receive_pdu_size,
            vaa_name=VAA_SHORT_NAME if association.short_names else VAA_LOGICAL_NAME,
        )
    )
    high = association.authentication.high
    return AARE(
        application_context_name=context,
        result_source_diagnostic=AcseServiceUser.AUTHENTICATION_REQUIRED if high else AcseServiceUser.NULL,
        responding_ap_title=server.system_title if high or channel is not None else None,
        responder_acse_requirements=AcseRequirements.AUTHENTICATION if high else None,
        mechanism_name=association.authentication.mechanism_name if high else None,
        responding_authentication_value=accepted.server_challenge or None,
        user_information=initiate if channel is None else channel.seal(initiate, Form.GLOBAL),
    )


def rejecting(rejection: Rejection, context: ApplicationContextName | bytes) -> AARE:
    """The AARE that refuses, with a ConfirmedServiceError where the refusal is about Initiate."""
    error = None
    if rejection.initiate_error is not None:
        error = encode_apdu(
            ConfirmedServiceError(ConfirmedService.INITIATE_ERROR, ServiceErrorKind.INITIATE, rejection.initiate_error)
        )
    if isinstance(context, bytes):
        context = ApplicationContextName.LOGICAL_NAME_REFERENCING_NO_CIPHERING
    return AARE(
        application_context_name=context,
        result=AssociationResult.REJECTED_PERMANENT,
        result_source_diagnostic=rejection.diagnostic,
        user_information=error,
    )


def verify_pass_3(accepted: Accepted, system_title: bytes, argument: bytes | None) -> None:
    """The client's f(our challenge); raises `SecurityError` or `DecodeError` if it proves nothing."""
    association = accepted.association
    client = association.client_system_title or b""
    proof = decode_data(argument or b"").value
    passes = Passes(client, system_title, accepted.server_challenge, accepted.client_challenge)
    verify(association.settings.hls_credentials(), passes, proof if isinstance(proof, bytes) else b"")


def pass_4(accepted: Accepted, system_title: bytes, take_counter: Callable[[], int]) -> bytes:
    """Our f(the client's challenge)."""
    association = accepted.association
    client = association.client_system_title or b""
    passes = Passes(system_title, client, accepted.client_challenge, accepted.server_challenge)
    return prove(association.settings.hls_credentials(), passes, take_counter)


def verify_release(raw: bytes, channel: SecureChannel) -> None:
    """The user-information of RLRQ proves who asks; raises `RemoteProtocolError` if it is not the client's."""
    apdu = decode_apdu(raw)
    if not isinstance(apdu, Ciphered) or apdu.tag is not CipheredTag.GLO_INITIATE_REQUEST:
        raise SecurityError("RLRQ brings plain user-information into a protected association: refused")
    channel.open(apdu)


def _check_context(aarq: AARQ, settings: AssociationSettings, *, named: bool) -> bool:
    """Whether the association is ciphered; a client may cipher more than it must, never less.

    `named` tells that the device has short names.
    """
    context = aarq.application_context_name
    ciphered, must = context in _CIPHERED, settings.security_policy.protects
    known = isinstance(context, ApplicationContextName) and (named or context not in _SHORT_NAMES)
    if not known or (ciphered and settings.keys is None) or (must and not ciphered):
        what = "application context is not the one agreed"
        raise Rejection(what, AcseServiceUser.APPLICATION_CONTEXT_NAME_NOT_SUPPORTED)
    return ciphered


def _check_authentication(aarq: AARQ, settings: AssociationSettings, server_challenge: bytes) -> bytes:
    """The client's challenge with HLS, otherwise nothing; the password is compared here."""
    mechanism, value = mechanism_number(aarq.mechanism_name), aarq.calling_authentication_value
    if mechanism == 0 and settings.authentication is not Authentication.NONE:
        raise Rejection("no authentication is named", AcseServiceUser.AUTHENTICATION_MECHANISM_NAME_REQUIRED)
    if mechanism != settings.authentication:
        what = f"authentication mechanism {mechanism} is not the one agreed"
        raise Rejection(what, AcseServiceUser.AUTHENTICATION_MECHANISM_NAME_NOT_RECOGNISED)
    if settings.authentication is Authentication.LLS:
        assert settings.password is not None
        if value is None or not settings.password.matches(value):
            raise WrongPassword
    if not settings.authentication.high:
        return b""
    if value is None or len(value) not in CHALLENGE_SIZES or value == server_challenge:
        raise Rejection("challenge must have 8 to 64 bytes", AcseServiceUser.AUTHENTICATION_FAILURE)
    return value


def _check_title(aarq: AARQ, settings: AssociationSettings, own: bytes, *, needed: bool) -> bytes | None:
    title = aarq.calling_ap_title
    if not needed and not settings.authentication.needs_system_titles:
        return title if title is not None and len(title) == 8 else None
    if title is None:
        title = settings.client_system_title
    if title is None or len(title) != 8 or title == own or settings.client_system_title not in (None, title):
        what = f"client system title {title.hex() if title else '(none)'} is not the one agreed"
        raise Rejection(what, AcseServiceUser.CALLING_AP_TITLE_NOT_RECOGNIZED)
    return title


def _open(
    raw: bytes,
    association: Association,
    server: ServerSettings,
    state: ServerState,
    random: Callable[[int], bytes],
) -> tuple[bytes, SecureChannel]:
    """The InitiateRequest that ciphered user-information holds, and the channel that opened it."""
    settings, title = association.settings, association.client_system_title
    assert settings.keys is not None
    assert title is not None
    apdu = decode_apdu(raw)
    if not isinstance(apdu, Ciphered) or apdu.tag is not CipheredTag.GLO_INITIATE_REQUEST:
        raise SecurityError("AARQ brings a plain InitiateRequest into a protected association: refused")
    key = settings.keys.global_unicast_encryption_key
    window = state.window(association.client_sap, title, key)
    policy, begun = settings.security_policy, read_header(apdu.content).control & _PROTECTION
    channel = SecureChannel(
        settings.keys,
        server.system_title,
        title,
        state.sending,
        window,
        control=int(policy.response) or begun,
        required=int(policy.request) or begun,
        asymmetric=settings.asymmetric,
        random=random,
        transactions=state.transactions(association.client_sap, title),
        sign=policy.response_signed,
        signature_required=policy.request_signed,
    )
    plain = channel.open(apdu)
    channel.receiving = state.keep(association.client_sap, title, key, window)
    association.protection = channel.required
    return plain, channel


def _check_initiate(raw: bytes) -> InitiateRequest:
    try:
        initiate = decode_apdu(raw)
    except RemoteProtocolError:
        initiate = None
    if not isinstance(initiate, InitiateRequest):
        raise Rejection("AARQ holds no InitiateRequest", AcseServiceUser.NO_REASON_GIVEN, _OTHER)
    if initiate.proposed_dlms_version_number < DLMS_VERSION:
        what = f"DLMS version {initiate.proposed_dlms_version_number}, at least {DLMS_VERSION} is needed"
        raise Rejection(what, AcseServiceUser.NO_REASON_GIVEN, _VERSION_TOO_LOW)
    size = initiate.client_max_receive_pdu_size
    if size and size < _PDU_SIZE_MIN:
        what = f"client takes APDUs of {size} bytes, at least {_PDU_SIZE_MIN} are needed"
        raise Rejection(what, AcseServiceUser.NO_REASON_GIVEN, _PDU_SIZE_TOO_SHORT)
    return initiate


def rejection_of(error: OpenAmiError) -> Rejection:
    """What a security error inside AARQ is to the client: authentication failure, without the details."""
    if isinstance(error, Rejection):
        return error
    return Rejection(str(error), AcseServiceUser.AUTHENTICATION_FAILURE)
