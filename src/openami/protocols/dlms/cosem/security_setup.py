"""Interface class Security setup (class_id 64, version 0): security policy, suite, system titles and keys.

Version 0 is what security suite 0 needs; certificates and key agreement came with version 1 and suites 1 and 2.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated

from openami.protocols.dlms.cosem.attribute import Attribute, Method
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.types import (
    ENUM,
    OCTET_STRING,
    array_of,
    cosem_structure,
    enum_of,
    structure_type,
)


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
