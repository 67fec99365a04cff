"""general-ciphering and general-signing: protected APDUs that say who protected them for whom, and with which key.

Structures and the octets of the choices as open descriptions of the Green Book print them (the clauses were not at
hand). Every field of the header counts for the tag and for the signature, with its length, also when it is empty.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated, Any, Final

from openami.protocols.dlms.axdr import OCTET_STRING, choice, enumerated, optional
from openami.protocols.dlms.ciphered import CIPHERED_CONTENT
from openami.protocols.wire.declared import Codec, codec_of, declared, encode_all


class KeyId(IntEnum):
    """Which key of the security context an identified key is."""

    GLOBAL_UNICAST_ENCRYPTION_KEY = 0
    GLOBAL_BROADCAST_ENCRYPTION_KEY = 1


class KekId(IntEnum):
    """Which key wraps a wrapped key."""

    MASTER_KEY = 0


class AgreementScheme(IntEnum):
    """key-parameters of an agreed key, one octet."""

    ONE_PASS_DIFFIE_HELLMAN = 1
    STATIC_UNIFIED_MODEL = 2


@declared
class IdentifiedKey:
    """A key that both sides have."""

    key_id: Annotated[KeyId, enumerated(KeyId, "key-id")]


@declared
class WrappedKey:
    """A new key, wrapped under one that both sides have."""

    kek_id: Annotated[KekId, enumerated(KekId, "kek-id")]
    key_ciphered_data: Annotated[bytes, OCTET_STRING]


@declared
class AgreedKey:
    """A key that both sides compute; one pass brings the ephemeral public key and its signature, static nothing."""

    key_parameters: Annotated[bytes, OCTET_STRING]
    key_ciphered_data: Annotated[bytes, OCTET_STRING]


KeyInfo = IdentifiedKey | WrappedKey | AgreedKey
_KEY_INFO: Final[Codec[Any]] = choice(
    "key-info",
    {
        0: (IdentifiedKey, codec_of(IdentifiedKey)),
        1: (WrappedKey, codec_of(WrappedKey)),
        2: (AgreedKey, codec_of(AgreedKey)),
    },
)


@declared
class GeneralHeader:
    """Who protects for whom, in which transaction."""

    transaction_id: Annotated[bytes, OCTET_STRING]
    originator_system_title: Annotated[bytes, OCTET_STRING]
    recipient_system_title: Annotated[bytes, OCTET_STRING]
    date_time: Annotated[bytes, OCTET_STRING] = b""
    other_information: Annotated[bytes, OCTET_STRING] = b""


@declared
class GeneralCiphering:
    """Any APDU, ciphered; without key-info both sides know the key otherwise."""

    header: GeneralHeader
    key_info: Annotated[KeyInfo | None, optional(_KEY_INFO, strict=True)]
    ciphered_content: Annotated[bytes, CIPHERED_CONTENT]


@declared
class GeneralSigning:
    """Any APDU, plain or ciphered, and the originator's signature."""

    header: GeneralHeader
    content: Annotated[bytes, OCTET_STRING]
    signature: Annotated[bytes, OCTET_STRING]


def header_octets(header: GeneralHeader) -> bytes:
    """The header as it counts for tags and signatures."""
    return encode_all(codec_of(GeneralHeader), header)


def signed_octets(header: GeneralHeader, content: bytes) -> bytes:
    """What a signature is made over: header and content, each field with its length."""
    return header_octets(header) + encode_all(OCTET_STRING, content)
