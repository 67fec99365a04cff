"""Interface class Function control (class_id 122, version 0): functions of a device, switched on and off.

Source: public implementations and lists, counted beside the peer stack; no edition of the book was at hand.
"""

from __future__ import annotations

from typing import Annotated

from openami.protocols.dlms.cosem.attribute import Attribute, Method
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.register_activation import ObjectDefinition
from openami.protocols.dlms.cosem.types import BOOLEAN, OCTET_STRING, array_of, cosem_structure, structure_type


@cosem_structure
class FunctionStatus:
    """function_status_element."""

    function_name: Annotated[bytes, OCTET_STRING]
    function_status: Annotated[bool, BOOLEAN]


@cosem_structure
class FunctionDefinition:
    """function_list element: the objects that belong to a function."""

    function_name: Annotated[bytes, OCTET_STRING]
    function_specification: Annotated[tuple[ObjectDefinition, ...], array_of(structure_type(ObjectDefinition))]


class FunctionControl(InterfaceClass, class_id=122, version=0):
    """A function's status is true while it is enabled."""

    __slots__ = ()

    activation_status = Attribute(2, array_of(structure_type(FunctionStatus)))
    function_list = Attribute(3, array_of(structure_type(FunctionDefinition)), static=True)

    set_function_status = Method(1, array_of(structure_type(FunctionStatus)))
    add_function = Method(2, structure_type(FunctionDefinition))
    remove_function = Method(3, structure_type(FunctionDefinition))
