"""Interface class Register table (class_id 61, version 0): values of objects that differ in value group E only.

Source: public lists of the class; the peer stack has it not, and no edition of the book was at hand.
"""

from __future__ import annotations

from typing import Annotated

from openami.model.obis import ObisCode
from openami.protocols.dlms.cosem.attribute import Attribute, Method
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.register import SCAL_UNIT_TYPE
from openami.protocols.dlms.cosem.types import (
    ANY,
    INTEGER,
    LOGICAL_NAME,
    LONG_UNSIGNED,
    UNSIGNED,
    array_of,
    cosem_structure,
    structure_type,
)


@cosem_structure
class TableCellDefinition:
    """table_cell_definition: in `logical_name` value group E is 255; `group_e_values` are those of the cells."""

    class_id: Annotated[int, LONG_UNSIGNED]
    logical_name: Annotated[ObisCode, LOGICAL_NAME]
    group_e_values: Annotated[tuple[int, ...], array_of(UNSIGNED)]
    attribute_index: Annotated[int, INTEGER]


class RegisterTable(InterfaceClass, class_id=61, version=0):
    """`table_cell_values` is an array or a compact array, one value for each of the group E values."""

    __slots__ = ()

    table_cell_values = Attribute(2, ANY)
    table_cell_definition = Attribute(3, structure_type(TableCellDefinition), static=True)
    scaler_unit = Attribute(4, SCAL_UNIT_TYPE, static=True)

    reset = Method(1, INTEGER)
    capture = Method(2, INTEGER)
