"""Interface class Association SN (class_id 12, versions 2 to 4): objects by base name, and who may touch them.

Versions 0 and 1 are not declared: sources differ over whether 1 has `access_rights_list`, and nothing that prints
the methods of both was at hand. Version 3 adds users; version 4 has the members of 3, and its access modes are bits
as in Association LN version 3. Method numbers 1, 2, 4, 6 and 7 are reserved.
Source: public implementations and lists, counted beside the peer stack; no edition of the book was at hand.
"""

from __future__ import annotations

from typing import Annotated

from openami.model.obis import ObisCode
from openami.protocols.dlms.cosem.association_ln import UserListEntry
from openami.protocols.dlms.cosem.attribute import Attribute, Method
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.types import (
    ANY,
    INTEGER,
    LOGICAL_NAME,
    LONG,
    LONG_UNSIGNED,
    OCTET_STRING,
    UNSIGNED,
    array_of,
    cosem_structure,
    structure_type,
)
from openami.protocols.dlms.data import Data


@cosem_structure
class ObjectListElementSN:
    """objlist_element: `base_name` is the short name of attribute 1, signed as it travels."""

    base_name: Annotated[int, LONG]
    class_id: Annotated[int, LONG_UNSIGNED]
    version: Annotated[int, UNSIGNED]
    logical_name: Annotated[ObisCode, LOGICAL_NAME]


@cosem_structure
class AccessRightElementSN:
    """access_rights_element of one object."""

    base_name: Annotated[int, LONG]
    access_rights: Annotated[Data, ANY]
    method_rights: Annotated[Data, ANY]


@cosem_structure
class AttributeIdentification:
    """attribute_identification: an attribute by the logical name of its object."""

    class_id: Annotated[int, LONG_UNSIGNED]
    logical_name: Annotated[ObisCode, LOGICAL_NAME]
    attribute_id: Annotated[int, INTEGER]


class AssociationSN(InterfaceClass, class_id=12, version=2):
    """`read_by_logicalname` gives one value for each attribute that it is asked for."""

    __slots__ = ()

    object_list = Attribute(2, array_of(structure_type(ObjectListElementSN)), static=True)
    access_rights_list = Attribute(3, array_of(structure_type(AccessRightElementSN)), static=True)
    security_setup_reference = Attribute(4, LOGICAL_NAME, static=True)

    read_by_logicalname = Method(3, array_of(structure_type(AttributeIdentification)), returns=array_of(ANY))
    change_secret = Method(5, OCTET_STRING)
    reply_to_hls_authentication = Method(8, OCTET_STRING, returns=OCTET_STRING)


class AssociationSN3(AssociationSN, class_id=12, version=3):
    """With users."""

    __slots__ = ()

    user_list = Attribute(5, array_of(structure_type(UserListEntry)), static=True)
    current_user = Attribute(6, structure_type(UserListEntry))

    add_user = Method(9, structure_type(UserListEntry))
    remove_user = Method(10, structure_type(UserListEntry))


class AssociationSN4(AssociationSN3, class_id=12, version=4):
    """Access modes as bits."""
