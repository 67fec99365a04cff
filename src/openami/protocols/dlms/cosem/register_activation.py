"""Interface class Register activation (class_id 6, version 0): which tariff registers count at a time.

Source: public implementations and lists, counted beside the peer stack; no edition of the book was at hand.
"""

from __future__ import annotations

from typing import Annotated

from openami.model.obis import ObisCode
from openami.protocols.dlms.cosem.attribute import Attribute, Method
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.types import (
    LOGICAL_NAME,
    LONG_UNSIGNED,
    OCTET_STRING,
    UNSIGNED,
    array_of,
    cosem_structure,
    structure_type,
)


@cosem_structure
class ObjectDefinition:
    """object_definition: an object by class and name."""

    class_id: Annotated[int, LONG_UNSIGNED]
    logical_name: Annotated[ObisCode, LOGICAL_NAME]


@cosem_structure
class RegisterActivationMask:
    """register_act_mask: `index_list` counts the assigned registers from 1."""

    mask_name: Annotated[bytes, OCTET_STRING]
    index_list: Annotated[tuple[int, ...], array_of(UNSIGNED)]


class RegisterActivation(InterfaceClass, class_id=6, version=0):
    """The registers of the mask that is named `active_mask` count; the others stand still."""

    __slots__ = ()

    register_assignment = Attribute(2, array_of(structure_type(ObjectDefinition)), static=True)
    mask_list = Attribute(3, array_of(structure_type(RegisterActivationMask)), static=True)
    active_mask = Attribute(4, OCTET_STRING)

    add_register = Method(1, structure_type(ObjectDefinition))
    add_mask = Method(2, structure_type(RegisterActivationMask))
    delete_mask = Method(3, OCTET_STRING)
