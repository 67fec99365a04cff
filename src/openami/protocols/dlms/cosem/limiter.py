"""Interface class Limiter (class_id 71, version 0): scripts executed while a value stays over or under a threshold.

Source: public implementations and lists, counted beside the peer stack; no edition of the book was at hand.
"""

from __future__ import annotations

from typing import Annotated

from openami.protocols.dlms.cosem.attribute import Attribute
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.register_monitor import VALUE_DEFINITION
from openami.protocols.dlms.cosem.script_table import ACTION_ITEM, ActionItem
from openami.protocols.dlms.cosem.types import (
    ANY,
    BOOLEAN,
    DATE_TIME_OCTETS,
    DOUBLE_LONG_UNSIGNED,
    LONG_UNSIGNED,
    array_of,
    cosem_structure,
    structure_type,
)
from openami.protocols.dlms.date_time import CosemDateTime


@cosem_structure
class EmergencyProfile:
    """emergency_profile: `emergency_duration` is in seconds from `emergency_activation_time` on."""

    emergency_profile_id: Annotated[int, LONG_UNSIGNED]
    emergency_activation_time: Annotated[CosemDateTime, DATE_TIME_OCTETS]
    emergency_duration: Annotated[int, DOUBLE_LONG_UNSIGNED]


@cosem_structure
class LimiterActions:
    """actions of a limiter."""

    action_over_threshold: Annotated[ActionItem, ACTION_ITEM]
    action_under_threshold: Annotated[ActionItem, ACTION_ITEM]


class Limiter(InterfaceClass, class_id=71, version=0):
    """Thresholds have the type of the monitored value; the minimum durations are seconds.

    An emergency profile holds only if its id is in `emergency_profile_group_id_list`.
    """

    __slots__ = ()

    monitored_value = Attribute(2, VALUE_DEFINITION, static=True)
    threshold_active = Attribute(3, ANY)
    threshold_normal = Attribute(4, ANY, static=True)
    threshold_emergency = Attribute(5, ANY, static=True)
    min_over_threshold_duration = Attribute(6, DOUBLE_LONG_UNSIGNED, static=True)
    min_under_threshold_duration = Attribute(7, DOUBLE_LONG_UNSIGNED, static=True)
    emergency_profile = Attribute(8, structure_type(EmergencyProfile), static=True)
    emergency_profile_group_id_list = Attribute(9, array_of(LONG_UNSIGNED), static=True)
    emergency_profile_active = Attribute(10, BOOLEAN)
    actions = Attribute(11, structure_type(LimiterActions), static=True)
