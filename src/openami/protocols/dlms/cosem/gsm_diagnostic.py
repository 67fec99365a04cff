"""Interface class GSM diagnostic (class_id 47, versions 0 and 1): the network that a modem is in.

Version 2 is known to exist; what it changes was not at hand.
Source: public implementations and lists, counted beside the peer stack; no edition of the book was at hand.
"""

from __future__ import annotations

from typing import Annotated

from openami.protocols.dlms.cosem.attribute import Attribute
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.types import (
    DATE_TIME,
    DOUBLE_LONG_UNSIGNED,
    ENUM,
    LONG_UNSIGNED,
    UNSIGNED,
    VISIBLE_STRING,
    array_of,
    cosem_structure,
    structure_type,
)


@cosem_structure
class CellInfo0:
    """cell_info_type of version 0."""

    cell_id: Annotated[int, LONG_UNSIGNED]
    location_id: Annotated[int, LONG_UNSIGNED]
    signal_quality: Annotated[int, UNSIGNED]
    ber: Annotated[int, UNSIGNED]


@cosem_structure
class CellInfo:
    """cell_info_type of version 1; `signal_quality` 0 to 31 is −113 to −51 dBm, 99 unknown."""

    cell_id: Annotated[int, DOUBLE_LONG_UNSIGNED]
    location_id: Annotated[int, LONG_UNSIGNED]
    signal_quality: Annotated[int, UNSIGNED]
    ber: Annotated[int, UNSIGNED]
    mcc: Annotated[int, LONG_UNSIGNED]
    mnc: Annotated[int, LONG_UNSIGNED]
    channel_number: Annotated[int, DOUBLE_LONG_UNSIGNED]


@cosem_structure
class AdjacentCell0:
    """adjacent_cell_info of version 0."""

    cell_id: Annotated[int, LONG_UNSIGNED]
    signal_quality: Annotated[int, UNSIGNED]


@cosem_structure
class AdjacentCell:
    """adjacent_cell_info of version 1."""

    cell_id: Annotated[int, DOUBLE_LONG_UNSIGNED]
    signal_quality: Annotated[int, UNSIGNED]


class GSMDiagnostic0(InterfaceClass, class_id=47, version=0):
    """Cells as in GSM."""

    __slots__ = ()

    operator = Attribute(2, VISIBLE_STRING)
    status = Attribute(3, ENUM)
    cs_attachment = Attribute(4, ENUM)
    ps_status = Attribute(5, ENUM)
    cell_info = Attribute(6, structure_type(CellInfo0))
    adjacent_cells = Attribute(7, array_of(structure_type(AdjacentCell0)))
    capture_time = Attribute(8, DATE_TIME)


class GSMDiagnostic(InterfaceClass, class_id=47, version=1):
    """Cells as in UMTS and LTE."""

    __slots__ = ()

    operator = Attribute(2, VISIBLE_STRING)
    status = Attribute(3, ENUM)
    cs_attachment = Attribute(4, ENUM)
    ps_status = Attribute(5, ENUM)
    cell_info = Attribute(6, structure_type(CellInfo))
    adjacent_cells = Attribute(7, array_of(structure_type(AdjacentCell)))
    capture_time = Attribute(8, DATE_TIME)
