"""Interface class Register monitor (class_id 21, version 0): scripts executed where a value crosses thresholds.

Source: public implementations and lists, counted beside the peer stack; no edition of the book was at hand.
"""

from __future__ import annotations

from typing import Annotated

from openami.model.obis import ObisCode
from openami.protocols.dlms.cosem.attribute import Attribute
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.script_table import ACTION_ITEM, ActionItem
from openami.protocols.dlms.cosem.types import (
    ANY,
    INTEGER,
    LOGICAL_NAME,
    LONG_UNSIGNED,
    array_of,
    cosem_structure,
    structure_type,
)


@cosem_structure
class ValueDefinition:
    """value_definition: the attribute whose value is watched."""

    class_id: Annotated[int, LONG_UNSIGNED]
    logical_name: Annotated[ObisCode, LOGICAL_NAME]
    attribute_index: Annotated[int, INTEGER]


VALUE_DEFINITION = structure_type(ValueDefinition)


@cosem_structure
class ActionSet:
    """action_set: what happens when the value crosses the threshold upwards, and downwards."""

    action_up: Annotated[ActionItem, ACTION_ITEM]
    action_down: Annotated[ActionItem, ACTION_ITEM]


class RegisterMonitor(InterfaceClass, class_id=21, version=0):
    """`actions` has one set for each of the `thresholds`, whose type is that of the monitored value."""

    __slots__ = ()

    thresholds = Attribute(2, array_of(ANY), static=True)
    monitored_value = Attribute(3, VALUE_DEFINITION, static=True)
    actions = Attribute(4, array_of(structure_type(ActionSet)), static=True)
