"""Interface class IEC local port setup (class_id 19, version 1): the optical port of IEC 62056-21.

Source: public implementations and lists, counted beside the peer stack; no edition of the book was at hand.
"""

from __future__ import annotations

from enum import IntEnum

from openami.protocols.dlms.cosem.attribute import Attribute
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.types import OCTET_STRING, enum_of


class DefaultMode(IntEnum):
    """default_mode: the protocol that the port starts with."""

    IEC_62056_21_MODES_A_TO_E = 0
    HDLC = 1
    NOT_SPECIFIED = 2


class BaudRate(IntEnum):
    """Speeds of ports, in bit/s."""

    BAUD_300 = 0
    BAUD_600 = 1
    BAUD_1200 = 2
    BAUD_2400 = 3
    BAUD_4800 = 4
    BAUD_9600 = 5
    BAUD_19200 = 6
    BAUD_38400 = 7
    BAUD_57600 = 8
    BAUD_115200 = 9


BAUD_RATE = enum_of(BaudRate)


class ResponseTime(IntEnum):
    """response_time: the shortest time between request and response."""

    MS_20 = 0
    MS_200 = 1


class IECLocalPortSetup(InterfaceClass, class_id=19, version=1):
    """`pass_p1`, `pass_p2` and `pass_w5` are passwords of IEC 62056-21."""

    __slots__ = ()

    default_mode = Attribute(2, enum_of(DefaultMode), static=True)
    default_baud = Attribute(3, BAUD_RATE, static=True)
    prop_baud = Attribute(4, BAUD_RATE, static=True)
    response_time = Attribute(5, enum_of(ResponseTime), static=True)
    device_addr = Attribute(6, OCTET_STRING, static=True)
    pass_p1 = Attribute(7, OCTET_STRING, static=True)
    pass_p2 = Attribute(8, OCTET_STRING, static=True)
    pass_w5 = Attribute(9, OCTET_STRING, static=True)


class IECLocalPortSetup0(IECLocalPortSetup, class_id=19, version=0):
    """Older meters name this version: the members are those of version 1, as another stack counts them."""

    __slots__ = ()
