"""Interface class Special days table (class_id 11, version 0): days that follow a day profile of their own.

Source: public implementations and lists, counted beside the peer stack; no edition of the book was at hand.
"""

from __future__ import annotations

from typing import Annotated

from openami.protocols.dlms.cosem.attribute import Attribute, Method
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.types import (
    DATE_OCTETS,
    LONG_UNSIGNED,
    UNSIGNED,
    array_of,
    cosem_structure,
    structure_type,
)
from openami.protocols.dlms.date_time import CosemDate


@cosem_structure
class SpecialDayEntry:
    """spec_day_entry: on `specialday_date` (wildcards allowed) the day profile `day_id` holds."""

    index: Annotated[int, LONG_UNSIGNED]
    specialday_date: Annotated[CosemDate, DATE_OCTETS]
    day_id: Annotated[int, UNSIGNED]


class SpecialDaysTable(InterfaceClass, class_id=11, version=0):
    """`insert` replaces the entry of the same index; `delete` takes an index."""

    __slots__ = ()

    entries = Attribute(2, array_of(structure_type(SpecialDayEntry)), static=True)

    insert = Method(1, structure_type(SpecialDayEntry))
    delete = Method(2, LONG_UNSIGNED)
