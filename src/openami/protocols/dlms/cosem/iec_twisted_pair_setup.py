"""Interface class IEC twisted pair (1) setup (class_id 24, versions 0 and 1): a port of IEC 62056-31 (Euridis).

The peer stack shows these members as version 0, public lists as version 1; how the two differ was not at hand.
Source: public implementations and lists, counted beside the peer stack; no edition of the book was at hand.
"""

from __future__ import annotations

from openami.protocols.dlms.cosem.attribute import Attribute
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.types import ENUM, INTEGER, UNSIGNED, array_of


class IECTwistedPairSetup0(InterfaceClass, class_id=24, version=0):
    """`mode` is 0 for inactive, 1 for active."""

    __slots__ = ()

    mode = Attribute(2, ENUM, static=True)
    comm_speed = Attribute(3, ENUM, static=True)
    primary_address_list = Attribute(4, array_of(UNSIGNED), static=True)
    tabi_list = Attribute(5, array_of(INTEGER), static=True)


class IECTwistedPairSetup(IECTwistedPairSetup0, class_id=24, version=1):
    """The same members."""

    __slots__ = ()
