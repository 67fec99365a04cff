"""Interface class Data (class_id 1, version 0): one value of any type.

Source: public implementations and lists, counted beside the peer stack; no edition of the book was at hand.
"""

from __future__ import annotations

from openami.protocols.dlms.cosem.attribute import Attribute
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.types import ANY


class Data(InterfaceClass, class_id=1, version=0):
    """Not to be confused with `openami.protocols.dlms.data.Data`, the A-XDR value that `value` holds."""

    __slots__ = ()

    value = Attribute(2, ANY)
