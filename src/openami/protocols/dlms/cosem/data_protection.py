"""Interface class COSEM data protection (class_id 30, version 0): attributes read, set and methods invoked protected.

Member names and the types of the attributes are from public implementations; the parameters of the methods were not
printed there and stay open.
Source: public lists of the class; the peer stack has it not, and no edition of the book was at hand.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated

from openami.protocols.dlms.cosem.attribute import Attribute, Method
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.types import (
    ANY,
    ENUM,
    OCTET_STRING,
    STRUCTURE,
    array_of,
    cosem_structure,
    enum_of,
    structure_type,
)
from openami.protocols.dlms.data import Data


@cosem_structure
class KeyInfo:
    """key_info: identified, wrapped or agreed key, and its options."""

    key_info_type: Annotated[int, ENUM]
    key_info_options: Annotated[Data, ANY]


@cosem_structure
class ProtectionOptions:
    """protection_options, as the fields of a general-ciphering or general-signing APDU."""

    transaction_id: Annotated[bytes, OCTET_STRING]
    originator_system_title: Annotated[bytes, OCTET_STRING]
    recipient_system_title: Annotated[bytes, OCTET_STRING]
    other_information: Annotated[bytes, OCTET_STRING]
    key_info: Annotated[KeyInfo, structure_type(KeyInfo)]


class ProtectionType(IntEnum):
    """protection_type."""

    AUTHENTICATION = 0
    ENCRYPTION = 1
    AUTHENTICATION_AND_ENCRYPTION = 2
    DIGITAL_SIGNATURE = 3


@cosem_structure
class ProtectionParameters:
    """protection_parameters_element: one layer of protection; layers are applied in their order."""

    protection_type: Annotated[ProtectionType, enum_of(ProtectionType)]
    protection_options: Annotated[ProtectionOptions, structure_type(ProtectionOptions)]


PROTECTION_PARAMETERS = array_of(structure_type(ProtectionParameters))


class DataProtection(InterfaceClass, class_id=30, version=0):
    """`protection_buffer` holds the protected values of the objects in `protection_object_list`."""

    __slots__ = ()

    protection_buffer = Attribute(2, OCTET_STRING)
    protection_object_list = Attribute(3, array_of(STRUCTURE), static=True)
    protection_parameters_get = Attribute(4, PROTECTION_PARAMETERS, static=True)
    protection_parameters_set = Attribute(5, PROTECTION_PARAMETERS, static=True)
    required_protection = Attribute(6, ENUM, static=True)

    get_protected_attributes = Method(1, ANY, returns=ANY)
    set_protected_attributes = Method(2, ANY)
    invoke_protected_method = Method(3, ANY, returns=ANY)
