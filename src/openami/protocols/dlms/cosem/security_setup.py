"""Interface class Security setup (class_id 64, versions 0 and 1): policy, suite, system titles, keys, certificates.

Version 0 is what security suite 0 needs; certificates and key agreement came with version 1 and suites 1 and 2.
Source: public implementations and lists, counted beside the peer stack; no edition of the book was at hand.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import Annotated

from openami.protocols.dlms.cosem.attribute import Attribute, Method
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.types import (
    ANY,
    ENUM,
    OCTET_STRING,
    array_of,
    cosem_structure,
    enum_of,
    structure_type,
)
from openami.protocols.dlms.data import Data


class SecurityPolicy(IntEnum):
    """security_policy of version 0: what every message has to be."""

    NOTHING = 0
    AUTHENTICATED = 1
    ENCRYPTED = 2
    AUTHENTICATED_AND_ENCRYPTED = 3


class KeyId(IntEnum):
    """key_id of `global_key_transfer`."""

    GLOBAL_UNICAST_ENCRYPTION_KEY = 0
    GLOBAL_BROADCAST_ENCRYPTION_KEY = 1
    AUTHENTICATION_KEY = 2
    MASTER_KEY = 3


@cosem_structure
class KeyData:
    """key_data: a new key, wrapped under the master key (AES key wrap)."""

    key_id: Annotated[KeyId, enum_of(KeyId)]
    key_wrapped: Annotated[bytes, OCTET_STRING]


class SecuritySetup(InterfaceClass, class_id=64, version=0):
    """`security_activate` may only make the policy stronger."""

    __slots__ = ()

    security_policy = Attribute(2, enum_of(SecurityPolicy), static=True)
    security_suite = Attribute(3, ENUM, static=True)
    client_system_title = Attribute(4, OCTET_STRING)
    server_system_title = Attribute(5, OCTET_STRING, static=True)

    security_activate = Method(1, enum_of(SecurityPolicy))
    global_key_transfer = Method(2, array_of(structure_type(KeyData)))


class SecurityPolicyBits(IntFlag):
    """security_policy of version 1: bit by bit what a request and its answer have to be; bits 0 and 1 are unused."""

    NOTHING = 0
    AUTHENTICATED_REQUEST = 0x04
    ENCRYPTED_REQUEST = 0x08
    DIGITALLY_SIGNED_REQUEST = 0x10
    AUTHENTICATED_RESPONSE = 0x20
    ENCRYPTED_RESPONSE = 0x40
    DIGITALLY_SIGNED_RESPONSE = 0x80


class CertificateEntity(IntEnum):
    """certificate_entity."""

    SERVER = 0
    CLIENT = 1
    CERTIFICATION_AUTHORITY = 2
    OTHER = 3


class CertificateType(IntEnum):
    """certificate_type; also the kind of key pair that `generate_key_pair` makes."""

    DIGITAL_SIGNATURE = 0
    KEY_AGREEMENT = 1
    TLS = 2
    OTHER = 3


@cosem_structure
class CertificateInfo:
    """certificate_info: what a stored certificate says of itself."""

    certificate_entity: Annotated[CertificateEntity, enum_of(CertificateEntity)]
    certificate_type: Annotated[CertificateType, enum_of(CertificateType)]
    serial_number: Annotated[bytes, OCTET_STRING]
    issuer: Annotated[bytes, OCTET_STRING]
    subject: Annotated[bytes, OCTET_STRING]
    subject_alt_name: Annotated[bytes, OCTET_STRING]


@cosem_structure
class KeyAgreementData:
    """key_agreement_data: an ephemeral public key and the signature over key_id and key."""

    key_id: Annotated[KeyId, enum_of(KeyId)]
    key_data: Annotated[bytes, OCTET_STRING]


@cosem_structure
class CertificateIdentification:
    """certificate_identification: by entity (type 0), or by serial number and issuer (type 1).

    The options are a structure: entity, type and system title, or serial number and issuer.
    """

    certificate_identification_type: Annotated[int, ENUM]
    certification_identification_options: Annotated[Data, ANY]


class SecuritySetup1(InterfaceClass, class_id=64, version=1):
    """Keys are transferred wrapped or agreed; certificates are imported and exported as they are encoded (DER)."""

    __slots__ = ()

    security_policy = Attribute(2, ENUM, static=True)
    security_suite = Attribute(3, ENUM, static=True)
    client_system_title = Attribute(4, OCTET_STRING)
    server_system_title = Attribute(5, OCTET_STRING, static=True)
    certificates = Attribute(6, array_of(structure_type(CertificateInfo)))

    security_activate = Method(1, ENUM)
    key_transfer = Method(2, array_of(structure_type(KeyData)))
    key_agreement = Method(
        3, array_of(structure_type(KeyAgreementData)), returns=array_of(structure_type(KeyAgreementData))
    )
    generate_key_pair = Method(4, enum_of(CertificateType))
    generate_certificate_request = Method(5, enum_of(CertificateType), returns=OCTET_STRING)
    import_certificate = Method(6, OCTET_STRING)
    export_certificate = Method(7, structure_type(CertificateIdentification), returns=OCTET_STRING)
    remove_certificate = Method(8, structure_type(CertificateIdentification))
