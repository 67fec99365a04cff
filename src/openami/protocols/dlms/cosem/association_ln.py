"""Interface class Association LN (class_id 15, versions 0 to 3): who talks to whom, and what he may touch.

Version 1 adds the reference to a security setup, version 2 users; version 3 has the members of version 2 and access
modes whose bits say what a request and its answer have to be.
Source: public implementations and lists, counted beside the peer stack; no edition of the book was at hand.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import Annotated

from openami.model.obis import ObisCode
from openami.protocols.dlms.cosem.attribute import Attribute, Method
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.types import (
    ANY,
    BIT_STRING,
    ENUM,
    INTEGER,
    LOGICAL_NAME,
    LONG_UNSIGNED,
    OCTET_STRING,
    UNSIGNED,
    VISIBLE_STRING,
    CosemType,
    array_of,
    cosem_structure,
    enum_of,
    structure_type,
)
from openami.protocols.dlms.data import Data, DataType


class AttributeAccessMode(IntEnum):
    """attribute_access_item.access_mode of versions 0 to 2."""

    NO_ACCESS = 0
    READ_ONLY = 1
    WRITE_ONLY = 2
    READ_AND_WRITE = 3
    AUTHENTICATED_READ_ONLY = 4
    AUTHENTICATED_WRITE_ONLY = 5
    AUTHENTICATED_READ_AND_WRITE = 6


class MethodAccessMode(IntEnum):
    """method_access_item.access_mode of versions 1 and 2."""

    NO_ACCESS = 0
    ACCESS = 1
    AUTHENTICATED_ACCESS = 2


class AccessBits(IntFlag):
    """access_mode of version 3, of attributes; of methods READ stands for access and WRITE is not used."""

    READ = 0x01
    WRITE = 0x02
    AUTHENTICATED_REQUEST = 0x04
    ENCRYPTED_REQUEST = 0x08
    DIGITALLY_SIGNED_REQUEST = 0x10
    AUTHENTICATED_RESPONSE = 0x20
    ENCRYPTED_RESPONSE = 0x40
    DIGITALLY_SIGNED_RESPONSE = 0x80


class AssociationStatus(IntEnum):
    """association_status."""

    NON_ASSOCIATED = 0
    ASSOCIATION_PENDING = 1
    ASSOCIATED = 2


def _selectors_to_data(selectors: tuple[int, ...]) -> Data:
    if not selectors:
        return Data(DataType.NULL_DATA, None)
    return Data(DataType.ARRAY, tuple(Data(DataType.INTEGER, selector) for selector in selectors))


def _selectors_from_data(data: Data) -> tuple[int, ...]:
    return () if data.type is DataType.NULL_DATA else array_of(INTEGER).from_data(data)


ACCESS_SELECTORS: CosemType[tuple[int, ...]] = CosemType("access_selectors", _selectors_to_data, _selectors_from_data)


def _method_access_from_data(data: Data) -> int:
    return int(data.value) if data.type is DataType.BOOLEAN else ENUM.from_data(data)


METHOD_ACCESS: CosemType[int] = CosemType("enum or boolean", ENUM.to_data, _method_access_from_data)


@cosem_structure
class AttributeAccessItem:
    """attribute_access_item: `access_selectors` is empty (null-data) where there is no selective access.

    `access_mode` is an `AttributeAccessMode`; in an association of version 3 it is `AccessBits`.
    """

    attribute_id: Annotated[int, INTEGER]
    access_mode: Annotated[int, ENUM]
    access_selectors: Annotated[tuple[int, ...], ACCESS_SELECTORS] = ()


@cosem_structure
class MethodAccessItem:
    """method_access_item: `access_mode` is a `MethodAccessMode`; in an association of version 3 it is `AccessBits`.

    In version 0 it is a boolean.
    """

    method_id: Annotated[int, INTEGER]
    access_mode: Annotated[int, METHOD_ACCESS]


@cosem_structure
class AccessRight:
    """access_right of one object."""

    attribute_access: Annotated[tuple[AttributeAccessItem, ...], array_of(structure_type(AttributeAccessItem))]
    method_access: Annotated[tuple[MethodAccessItem, ...], array_of(structure_type(MethodAccessItem))]


@cosem_structure
class ObjectListElement:
    """object_list_element: an object of this association and what may be done with it."""

    class_id: Annotated[int, LONG_UNSIGNED]
    version: Annotated[int, UNSIGNED]
    logical_name: Annotated[ObisCode, LOGICAL_NAME]
    access_rights: Annotated[AccessRight, structure_type(AccessRight)]


@cosem_structure
class AssociatedPartners:
    """associated_partners_type."""

    client_sap: Annotated[int, INTEGER]
    server_sap: Annotated[int, LONG_UNSIGNED]


@cosem_structure
class XDlmsContext:
    """xDLMS_context_type; `conformance` is 24 characters 0 or 1, bit 0 first."""

    conformance: Annotated[str, BIT_STRING]
    max_receive_pdu_size: Annotated[int, LONG_UNSIGNED]
    max_send_pdu_size: Annotated[int, LONG_UNSIGNED]
    dlms_version_number: Annotated[int, UNSIGNED]
    quality_of_service: Annotated[int, INTEGER]
    cyphering_info: Annotated[bytes, OCTET_STRING]


@cosem_structure
class UserListEntry:
    """user_list_entry of version 2."""

    user_id: Annotated[int, UNSIGNED]
    user_name: Annotated[str, VISIBLE_STRING]


class AssociationLN0(InterfaceClass, class_id=15, version=0):
    """`application_context_name` and `authentication_mechanism_name` are structures or octet-strings, by maker."""

    __slots__ = ()

    object_list = Attribute(2, array_of(structure_type(ObjectListElement)), static=True)
    associated_partners_id = Attribute(3, structure_type(AssociatedPartners))
    application_context_name = Attribute(4, ANY)
    xdlms_context_info = Attribute(5, structure_type(XDlmsContext))
    authentication_mechanism_name = Attribute(6, ANY)
    secret = Attribute(7, OCTET_STRING)
    association_status = Attribute(8, enum_of(AssociationStatus))

    reply_to_hls_authentication = Method(1, OCTET_STRING, returns=OCTET_STRING)
    change_hls_secret = Method(2, OCTET_STRING)
    add_object = Method(3, structure_type(ObjectListElement))
    remove_object = Method(4, structure_type(ObjectListElement))


class AssociationLN(AssociationLN0, class_id=15, version=1):
    """With the security setup that protects the association."""

    __slots__ = ()

    security_setup_reference = Attribute(9, LOGICAL_NAME, static=True)


class AssociationLN2(AssociationLN, class_id=15, version=2):
    """With users."""

    __slots__ = ()

    user_list = Attribute(10, array_of(structure_type(UserListEntry)), static=True)
    current_user = Attribute(11, structure_type(UserListEntry))

    add_user = Method(5, structure_type(UserListEntry))
    remove_user = Method(6, structure_type(UserListEntry))


class AssociationLN3(AssociationLN2, class_id=15, version=3):
    """Access modes as bits."""

    __slots__ = ()
