"""Interface class Script table (class_id 9, version 0): what a device does when one of its scripts is executed.

Source: public implementations and lists, counted beside the peer stack; no edition of the book was at hand.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated

from openami.model.obis import ObisCode
from openami.protocols.dlms.cosem.attribute import Attribute, Method
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.types import (
    ANY,
    INTEGER,
    LOGICAL_NAME,
    LONG_UNSIGNED,
    array_of,
    cosem_structure,
    enum_of,
    structure_type,
)
from openami.protocols.dlms.data import Data


class ServiceId(IntEnum):
    """service_id of an action_specification."""

    WRITE_ATTRIBUTE = 1
    EXECUTE_METHOD = 2


@cosem_structure
class ActionSpecification:
    """action_specification: set attribute `index` to `parameter`, or invoke method `index` with it."""

    service_id: Annotated[ServiceId, enum_of(ServiceId)]
    class_id: Annotated[int, LONG_UNSIGNED]
    logical_name: Annotated[ObisCode, LOGICAL_NAME]
    index: Annotated[int, INTEGER]
    parameter: Annotated[Data, ANY]


@cosem_structure
class Script:
    """script: identifiers count from 1; the actions are done in their order."""

    script_identifier: Annotated[int, LONG_UNSIGNED]
    actions: Annotated[tuple[ActionSpecification, ...], array_of(structure_type(ActionSpecification))]


@cosem_structure
class ActionItem:
    """action_item: a script of a script table; other classes name what they do by it. Selector 0 does nothing."""

    script_logical_name: Annotated[ObisCode, LOGICAL_NAME]
    script_selector: Annotated[int, LONG_UNSIGNED]


ACTION_ITEM = structure_type(ActionItem)


class ScriptTable(InterfaceClass, class_id=9, version=0):
    """`execute` takes a script_identifier."""

    __slots__ = ()

    scripts = Attribute(2, array_of(structure_type(Script)), static=True)

    execute = Method(1, LONG_UNSIGNED)
