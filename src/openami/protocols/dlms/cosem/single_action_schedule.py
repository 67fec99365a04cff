"""Interface class Single action schedule (class_id 22, version 0): one script, executed at certain moments.

Source: public implementations and lists, counted beside the peer stack; no edition of the book was at hand.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated

from openami.protocols.dlms.cosem.attribute import Attribute
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.script_table import ACTION_ITEM
from openami.protocols.dlms.cosem.types import (
    DATE_OCTETS,
    TIME_OCTETS,
    array_of,
    cosem_structure,
    enum_of,
    structure_type,
)
from openami.protocols.dlms.date_time import CosemDate, CosemTime


class ScheduleType(IntEnum):
    """type: how many moments there are, whether their times may differ and their dates may hold wildcards."""

    ONE_MOMENT_WITH_WILDCARDS = 1
    SAME_TIME_WITHOUT_WILDCARDS = 2
    SAME_TIME_WITH_WILDCARDS = 3
    ANY_TIME_WITHOUT_WILDCARDS = 4
    ANY_TIME_WITH_WILDCARDS = 5


@cosem_structure
class ExecutionTimeDate:
    """execution_time_date: local time."""

    time: Annotated[CosemTime, TIME_OCTETS]
    date: Annotated[CosemDate, DATE_OCTETS]


class SingleActionSchedule(InterfaceClass, class_id=22, version=0):
    """The device executes `executed_script` at each `execution_time`."""

    __slots__ = ()

    executed_script = Attribute(2, ACTION_ITEM, static=True)
    type = Attribute(3, enum_of(ScheduleType), static=True)
    execution_time = Attribute(4, array_of(structure_type(ExecutionTimeDate)), static=True)
