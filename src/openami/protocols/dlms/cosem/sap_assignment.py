"""Interface class SAP assignment (class_id 17, version 0): the logical devices of a physical device.

Source: public implementations and lists, counted beside the peer stack; no edition of the book was at hand.
"""

from __future__ import annotations

from typing import Annotated

from openami.protocols.dlms.cosem.attribute import Attribute, Method
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.types import (
    LONG_UNSIGNED,
    OCTET_STRING,
    array_of,
    cosem_structure,
    structure_type,
)


@cosem_structure
class SAPAssignmentElement:
    """asslist_element: SAP 1 is the management logical device."""

    sap: Annotated[int, LONG_UNSIGNED]
    logical_device_name: Annotated[bytes, OCTET_STRING]


class SAPAssignment(InterfaceClass, class_id=17, version=0):
    """Found at 0-0:41.0.0*255 of every physical device."""

    __slots__ = ()

    sap_assignment_list = Attribute(2, array_of(structure_type(SAPAssignmentElement)), static=True)

    connect_logical_device = Method(1, structure_type(SAPAssignmentElement))
