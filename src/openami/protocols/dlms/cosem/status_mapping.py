"""Interface class Status mapping (class_id 63, version 0): a status word and what its bits mean.

Source: public lists of the class; the peer stack has it not, and no edition of the book was at hand.
"""

from __future__ import annotations

from typing import Annotated

from openami.protocols.dlms.cosem.attribute import Attribute
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.types import ANY, UNSIGNED, cosem_structure, structure_type
from openami.protocols.dlms.data import Data


@cosem_structure
class MappingTable:
    """mapping_table: the reference table's entries for the bits: an array, or the number of the first (in a row)."""

    ref_table_id: Annotated[int, UNSIGNED]
    ref_table_mapping: Annotated[Data, ANY]


class StatusMapping(InterfaceClass, class_id=63, version=0):
    """`status_word` is read as a bit string, whatever its type."""

    __slots__ = ()

    status_word = Attribute(2, ANY)
    mapping_table = Attribute(3, structure_type(MappingTable), static=True)
