"""ACSE: how an application association is requested, answered and released.

Component tags as in the Green Book's ASN.1 of the COSEM ACSE APDUs, checked against published messages.
`user_information` holds the octets of an xDLMS APDU (Initiate, ConfirmedServiceError or a ciphered one).
Unknown application contexts and mechanisms stay octets, so that a server can refuse them by name.
"""

from __future__ import annotations

from dataclasses import field
from enum import IntEnum, IntFlag
from typing import Annotated, Any, Final, NamedTuple

from openami.protocols.dlms.ber import (
    INTEGER,
    OCTET_STRING,
    OCTETS,
    Component,
    contents,
    enumerated_integer,
    sequence,
    tagged,
)
from openami.protocols.dlms.user_information import USER_INFORMATION
from openami.protocols.wire.cursor import Cursor
from openami.protocols.wire.declared import Codec


class ApplicationContextName(IntEnum):
    """Last arc of 2.16.756.5.8.1.x."""

    LOGICAL_NAME_REFERENCING_NO_CIPHERING = 1
    SHORT_NAME_REFERENCING_NO_CIPHERING = 2
    LOGICAL_NAME_REFERENCING_WITH_CIPHERING = 3
    SHORT_NAME_REFERENCING_WITH_CIPHERING = 4


class MechanismName(IntEnum):
    """Last arc of 2.16.756.5.8.2.x."""

    LOWEST_LEVEL_SECURITY = 0
    LOW_LEVEL_SECURITY = 1
    HIGH_LEVEL_SECURITY = 2
    HIGH_LEVEL_SECURITY_MD5 = 3
    HIGH_LEVEL_SECURITY_SHA1 = 4
    HIGH_LEVEL_SECURITY_GMAC = 5
    HIGH_LEVEL_SECURITY_SHA256 = 6
    HIGH_LEVEL_SECURITY_ECDSA = 7


class AcseRequirements(IntFlag):
    """Functional units beyond the kernel."""

    AUTHENTICATION = 0x80


class AssociationResult(IntEnum):
    """The answer to an association request."""

    ACCEPTED = 0
    REJECTED_PERMANENT = 1
    REJECTED_TRANSIENT = 2


class AcseServiceUser(IntEnum):
    """Diagnostic of the application."""

    NULL = 0
    NO_REASON_GIVEN = 1
    APPLICATION_CONTEXT_NAME_NOT_SUPPORTED = 2
    CALLING_AP_TITLE_NOT_RECOGNIZED = 3
    CALLING_AP_INVOCATION_IDENTIFIER_NOT_RECOGNIZED = 4
    CALLING_AE_QUALIFIER_NOT_RECOGNIZED = 5
    CALLING_AE_INVOCATION_IDENTIFIER_NOT_RECOGNIZED = 6
    CALLED_AP_TITLE_NOT_RECOGNIZED = 7
    CALLED_AP_INVOCATION_IDENTIFIER_NOT_RECOGNIZED = 8
    CALLED_AE_QUALIFIER_NOT_RECOGNIZED = 9
    CALLED_AE_INVOCATION_IDENTIFIER_NOT_RECOGNIZED = 10
    AUTHENTICATION_MECHANISM_NAME_NOT_RECOGNISED = 11
    AUTHENTICATION_MECHANISM_NAME_REQUIRED = 12
    AUTHENTICATION_FAILURE = 13
    AUTHENTICATION_REQUIRED = 14


class AcseServiceProvider(IntEnum):
    """Diagnostic of ACSE itself."""

    NULL = 0
    NO_REASON_GIVEN = 1
    NO_COMMON_ACSE_VERSION = 2


class ReleaseRequestReason(IntEnum):
    """Why an association is to end."""

    NORMAL = 0
    URGENT = 1
    USER_DEFINED = 30


class ReleaseResponseReason(IntEnum):
    """How the end was taken."""

    NORMAL = 0
    NOT_FINISHED = 1
    USER_DEFINED = 30


_NAMES: Final = bytes.fromhex("6085740508")  # 2.16.756.5.8, the arc of the DLMS User Association


def _object_identifier(arc: int, kind: type[IntEnum]) -> Codec[Any]:
    """Contents of an OBJECT IDENTIFIER: a member of `kind`, or the octets of another name."""
    prefix = _NAMES + bytes((arc,))
    known = {prefix + bytes((member,)): member for member in kind}

    def take(cursor: Cursor) -> Any:
        octets = cursor.take_rest()
        return known.get(octets, octets)

    def put(value: Any) -> bytes:
        return value if isinstance(value, bytes) else prefix + bytes((value,))

    return contents(kind.__name__, take, put)


def _take_requirements(cursor: Cursor) -> AcseRequirements:
    unused, bits = cursor.take(2)
    if unused > 7:
        raise cursor.error(f"bit string with {unused} unused bits of 8", back=2)
    return AcseRequirements(bits)


def _put_requirements(value: AcseRequirements) -> bytes:
    return bytes((7, value))


class _Diagnostic(NamedTuple):
    tag: int
    kind: type[IntEnum]
    codec: Codec[Any]


_DIAGNOSTICS: Final = [
    _Diagnostic(tag, kind, tagged(tag, tagged(0x02, enumerated_integer(kind, "diagnostic"))))
    for tag, kind in ((0xA1, AcseServiceUser), (0xA2, AcseServiceProvider))
]


def _take_diagnostic(cursor: Cursor) -> Any:
    tag = cursor.peek()
    for each in _DIAGNOSTICS:
        if each.tag == tag:
            return each.codec.decode(cursor)
    raise cursor.error(f"{tag:#04x} is no source of a diagnostic")


def _put_diagnostic(value: Any, out: bytearray) -> None:
    for each in _DIAGNOSTICS:
        if isinstance(value, each.kind):
            return each.codec.encode(value, out)
    raise TypeError(f"{value!r} is no diagnostic")


_DIAGNOSTIC: Final = Codec("diagnostic", _take_diagnostic, _put_diagnostic)
_CONTEXT_NAME: Final = tagged(0x06, _object_identifier(1, ApplicationContextName))
_MECHANISM_NAME: Final = _object_identifier(2, MechanismName)
_REQUIREMENTS: Final = contents("requirements", _take_requirements, _put_requirements)
_CHARSTRING: Final = tagged(0x80, OCTETS)
_RESULT: Final = tagged(0x02, enumerated_integer(AssociationResult, "association result"))


@sequence(0x60)
class AARQ:
    """A-ASSOCIATE request. The authentication value may be a password and stays out of the representation."""

    protocol_version: Annotated[bytes | None, Component(0x80, OCTETS)] = None
    application_context_name: Annotated[ApplicationContextName | bytes, Component(0xA1, _CONTEXT_NAME)] = (
        ApplicationContextName.LOGICAL_NAME_REFERENCING_NO_CIPHERING
    )
    called_ap_title: Annotated[bytes | None, Component(0xA2, OCTET_STRING)] = None
    called_ae_qualifier: Annotated[bytes | None, Component(0xA3, OCTET_STRING)] = None
    called_ap_invocation_id: Annotated[int | None, Component(0xA4, INTEGER)] = None
    called_ae_invocation_id: Annotated[int | None, Component(0xA5, INTEGER)] = None
    calling_ap_title: Annotated[bytes | None, Component(0xA6, OCTET_STRING)] = None
    calling_ae_qualifier: Annotated[bytes | None, Component(0xA7, OCTET_STRING)] = None
    calling_ap_invocation_id: Annotated[int | None, Component(0xA8, INTEGER)] = None
    calling_ae_invocation_id: Annotated[int | None, Component(0xA9, INTEGER)] = None
    sender_acse_requirements: Annotated[AcseRequirements | None, Component(0x8A, _REQUIREMENTS)] = None
    mechanism_name: Annotated[MechanismName | bytes | None, Component(0x8B, _MECHANISM_NAME)] = None
    calling_authentication_value: Annotated[bytes | None, Component(0xAC, _CHARSTRING)] = field(
        default=None, repr=False
    )
    implementation_information: Annotated[bytes | None, Component(0x9D, OCTETS)] = None
    user_information: Annotated[bytes | None, Component(0xBE, USER_INFORMATION)] = field(default=None, repr=False)


@sequence(0x61)
class AARE:
    """A-ASSOCIATE response. The authentication value is a challenge or empty."""

    protocol_version: Annotated[bytes | None, Component(0x80, OCTETS)] = None
    application_context_name: Annotated[ApplicationContextName | bytes, Component(0xA1, _CONTEXT_NAME)] = (
        ApplicationContextName.LOGICAL_NAME_REFERENCING_NO_CIPHERING
    )
    result: Annotated[AssociationResult, Component(0xA2, _RESULT)] = AssociationResult.ACCEPTED
    result_source_diagnostic: Annotated[AcseServiceUser | AcseServiceProvider, Component(0xA3, _DIAGNOSTIC)] = (
        AcseServiceUser.NULL
    )
    responding_ap_title: Annotated[bytes | None, Component(0xA4, OCTET_STRING)] = None
    responding_ae_qualifier: Annotated[bytes | None, Component(0xA5, OCTET_STRING)] = None
    responding_ap_invocation_id: Annotated[int | None, Component(0xA6, INTEGER)] = None
    responding_ae_invocation_id: Annotated[int | None, Component(0xA7, INTEGER)] = None
    responder_acse_requirements: Annotated[AcseRequirements | None, Component(0x88, _REQUIREMENTS)] = None
    mechanism_name: Annotated[MechanismName | bytes | None, Component(0x89, _MECHANISM_NAME)] = None
    responding_authentication_value: Annotated[bytes | None, Component(0xAA, _CHARSTRING)] = None
    implementation_information: Annotated[bytes | None, Component(0x9D, OCTETS)] = None
    user_information: Annotated[bytes | None, Component(0xBE, USER_INFORMATION)] = None


@sequence(0x62)
class RLRQ:
    """A-RELEASE request."""

    reason: Annotated[
        ReleaseRequestReason | None, Component(0x80, enumerated_integer(ReleaseRequestReason, "release reason"))
    ] = None
    user_information: Annotated[bytes | None, Component(0xBE, USER_INFORMATION)] = None


@sequence(0x63)
class RLRE:
    """A-RELEASE response."""

    reason: Annotated[
        ReleaseResponseReason | None, Component(0x80, enumerated_integer(ReleaseResponseReason, "release reason"))
    ] = None
    user_information: Annotated[bytes | None, Component(0xBE, USER_INFORMATION)] = None


def recounted(raw: bytes) -> bytes:
    """`raw`, or with its lengths put right if they are one short, as a Landis+Gyr E650 sends its AARE.

    That meter counts the tag of the conformance block as one octet and sends two, so that the lengths of the APDU,
    of its user information and of the octet string therein all end one octet early.
    """
    tail = _INITIATE_TAILS.get(raw[:1], 0)
    if not 3 <= len(raw) - 3 < 0x7F or raw[1] != len(raw) - 3 or raw[-tail:][:3] != b"\x5f\x1f\x04":
        return raw
    at = raw.rfind(b"\xbe")
    rest = len(raw) - at
    if at < 0 or [*raw[at + 1 : at + 4]] != [rest - 3, 0x04, rest - 5]:
        return raw
    mended = bytearray(raw)
    for length in (1, at + 1, at + 3):
        mended[length] += 1
    return bytes(mended)


# Octets from the tag of the conformance block to the end of an InitiateRequest and of an InitiateResponse.
_INITIATE_TAILS: Final = {b"\x60": 9, b"\x61": 11}
