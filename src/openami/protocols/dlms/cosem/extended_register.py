"""Interface class Extended register (class_id 4, version 0): a register with a status and the time of capture.

Source: public implementations and lists, counted beside the peer stack; no edition of the book was at hand.
"""

from __future__ import annotations

from openami.protocols.dlms.cosem.attribute import Attribute, Method
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.register import SCAL_UNIT_TYPE
from openami.protocols.dlms.cosem.types import ANY, DATE_TIME_OCTETS, INTEGER


class ExtendedRegister(InterfaceClass, class_id=4, version=0):
    """`capture_time` says when `value` was taken."""

    __slots__ = ()

    value = Attribute(2, ANY)
    scaler_unit = Attribute(3, SCAL_UNIT_TYPE, static=True)
    status = Attribute(4, ANY)
    capture_time = Attribute(5, DATE_TIME_OCTETS)

    reset = Method(1, INTEGER)
