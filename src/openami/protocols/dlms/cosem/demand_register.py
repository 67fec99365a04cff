"""Interface class Demand register (class_id 5, version 0): an average over a block or sliding window of periods.

Source: public implementations and lists, counted beside the peer stack; no edition of the book was at hand.
"""

from __future__ import annotations

from openami.protocols.dlms.cosem.attribute import Attribute, Method
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.register import SCAL_UNIT_TYPE
from openami.protocols.dlms.cosem.types import (
    ANY,
    DATE_TIME_OCTETS,
    DOUBLE_LONG_UNSIGNED,
    INTEGER,
    LONG_UNSIGNED,
)


class DemandRegister(InterfaceClass, class_id=5, version=0):
    """`period` is seconds; a window of `number_of_periods` periods slides on by one of them (1: block demand)."""

    __slots__ = ()

    current_average_value = Attribute(2, ANY)
    last_average_value = Attribute(3, ANY)
    scaler_unit = Attribute(4, SCAL_UNIT_TYPE, static=True)
    status = Attribute(5, ANY)
    capture_time = Attribute(6, DATE_TIME_OCTETS)
    start_time_current = Attribute(7, DATE_TIME_OCTETS)
    period = Attribute(8, DOUBLE_LONG_UNSIGNED, static=True)
    number_of_periods = Attribute(9, LONG_UNSIGNED, static=True)

    reset = Method(1, INTEGER)
    next_period = Method(2, INTEGER)
