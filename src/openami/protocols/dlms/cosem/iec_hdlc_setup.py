"""Interface class IEC HDLC setup (class_id 23, version 1): a port that speaks HDLC.

Version 0 has the same members; its maximum lengths are unsigned.
Source: public implementations and lists, counted beside the peer stack; no edition of the book was at hand.
"""

from __future__ import annotations

from openami.protocols.dlms.cosem.attribute import Attribute
from openami.protocols.dlms.cosem.iec_local_port_setup import BAUD_RATE
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.types import LONG_UNSIGNED, UNSIGNED


class IECHDLCSetup0(InterfaceClass, class_id=23, version=0):
    """The time-outs are milliseconds between octets and seconds without traffic."""

    __slots__ = ()

    comm_speed = Attribute(2, BAUD_RATE, static=True)
    window_size_transmit = Attribute(3, UNSIGNED, static=True)
    window_size_receive = Attribute(4, UNSIGNED, static=True)
    max_info_field_length_transmit = Attribute(5, UNSIGNED, static=True)
    max_info_field_length_receive = Attribute(6, UNSIGNED, static=True)
    inter_octet_time_out = Attribute(7, LONG_UNSIGNED, static=True)
    inactivity_time_out = Attribute(8, LONG_UNSIGNED, static=True)
    device_address = Attribute(9, LONG_UNSIGNED, static=True)


class IECHDLCSetup(InterfaceClass, class_id=23, version=1):
    """The time-outs are milliseconds between octets and seconds without traffic."""

    __slots__ = ()

    comm_speed = Attribute(2, BAUD_RATE, static=True)
    window_size_transmit = Attribute(3, UNSIGNED, static=True)
    window_size_receive = Attribute(4, UNSIGNED, static=True)
    max_info_field_length_transmit = Attribute(5, LONG_UNSIGNED, static=True)
    max_info_field_length_receive = Attribute(6, LONG_UNSIGNED, static=True)
    inter_octet_time_out = Attribute(7, LONG_UNSIGNED, static=True)
    inactivity_time_out = Attribute(8, LONG_UNSIGNED, static=True)
    device_address = Attribute(9, LONG_UNSIGNED, static=True)
