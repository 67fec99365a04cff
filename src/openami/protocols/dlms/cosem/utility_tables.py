"""Interface class Utility tables (class_id 26, version 0): a table of ANSI C12.19 inside a COSEM object.

Source: public implementations and lists, counted beside the peer stack; no edition of the book was at hand.
"""

from __future__ import annotations

from openami.protocols.dlms.cosem.attribute import Attribute
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.types import DOUBLE_LONG_UNSIGNED, LONG_UNSIGNED, OCTET_STRING


class UtilityTables(InterfaceClass, class_id=26, version=0):
    """`length` is the number of octets in `buffer`."""

    __slots__ = ()

    table_id = Attribute(2, LONG_UNSIGNED, static=True)
    length = Attribute(3, DOUBLE_LONG_UNSIGNED)
    buffer = Attribute(4, OCTET_STRING)
