"""Interface class Schedule (class_id 10, version 0): a timetable of scripts, by weekday and special day.

Source: public implementations and lists, counted beside the peer stack; no edition of the book was at hand.
"""

from __future__ import annotations

from typing import Annotated

from openami.model.obis import ObisCode
from openami.protocols.dlms.cosem.attribute import Attribute, Method
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.types import (
    BIT_STRING,
    BOOLEAN,
    DATE_OCTETS,
    LOGICAL_NAME,
    LONG_UNSIGNED,
    TIME_OCTETS,
    array_of,
    cosem_structure,
    structure_type,
)
from openami.protocols.dlms.date_time import CosemDate, CosemTime


@cosem_structure
class ScheduleEntry:
    """schedule_table_entry: `validity_window` is minutes in which a missed switching is made up for, FFFF for ever.

    `exec_weekdays` has a bit for each weekday, Monday first; `exec_specdays` one for each day_id.
    """

    index: Annotated[int, LONG_UNSIGNED]
    enable: Annotated[bool, BOOLEAN]
    script_logical_name: Annotated[ObisCode, LOGICAL_NAME]
    script_selector: Annotated[int, LONG_UNSIGNED]
    switch_time: Annotated[CosemTime, TIME_OCTETS]
    validity_window: Annotated[int, LONG_UNSIGNED]
    exec_weekdays: Annotated[str, BIT_STRING]
    exec_specdays: Annotated[str, BIT_STRING]
    begin_date: Annotated[CosemDate, DATE_OCTETS]
    end_date: Annotated[CosemDate, DATE_OCTETS]


@cosem_structure
class EnableDisable:
    """The parameter of `enable_disable`: range A is disabled, range B enabled; 0 to 0 is no range."""

    first_index_a: Annotated[int, LONG_UNSIGNED]
    last_index_a: Annotated[int, LONG_UNSIGNED]
    first_index_b: Annotated[int, LONG_UNSIGNED]
    last_index_b: Annotated[int, LONG_UNSIGNED]


@cosem_structure
class IndexRange:
    """The parameter of `delete`."""

    first_index: Annotated[int, LONG_UNSIGNED]
    last_index: Annotated[int, LONG_UNSIGNED]


class Schedule(InterfaceClass, class_id=10, version=0):
    """`insert` replaces the entry of the same index."""

    __slots__ = ()

    entries = Attribute(2, array_of(structure_type(ScheduleEntry)), static=True)

    enable_disable = Method(1, structure_type(EnableDisable))
    insert = Method(2, structure_type(ScheduleEntry))
    delete = Method(3, structure_type(IndexRange))
