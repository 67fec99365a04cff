"""Interface class IEC twisted pair (1) setup (class_id 24, version 1): a port of IEC 62056-31 (Euridis).

The peer stack that shows these members calls them version 0.
"""

from __future__ import annotations

from openami.protocols.dlms.cosem.attribute import Attribute
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.types import ENUM, INTEGER, UNSIGNED, array_of


class IECTwistedPairSetup(InterfaceClass, class_id=24, version=1):
    """`mode` is 0 for inactive, 1 for active."""

    __slots__ = ()

    mode = Attribute(2, ENUM, static=True)
    comm_speed = Attribute(3, ENUM, static=True)
    primary_address_list = Attribute(4, array_of(UNSIGNED), static=True)
    tabi_list = Attribute(5, array_of(INTEGER), static=True)
