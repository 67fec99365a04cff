"""ISO/IEC 8802-2 LLC setup, types 1 to 3 (class_ids 57 to 59, version 0): link layers of networks with such a LAN.

Source: two public lists that agree in names, numbers and types, one of which names Blue Book edition 16 as its own
source; the peer stack has them not, and no edition of the book was at hand.
"""

from __future__ import annotations

from openami.protocols.dlms.cosem.attribute import Attribute
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.types import LONG_UNSIGNED, UNSIGNED


class LLCType1Setup(InterfaceClass, class_id=57, version=0):
    """Unacknowledged connectionless operation; the length is octets."""

    __slots__ = ()

    max_octets_ui_pdu = Attribute(2, LONG_UNSIGNED, static=True)


class LLCType2Setup(InterfaceClass, class_id=58, version=0):
    """Connections; windows are frames, timers seconds."""

    __slots__ = ()

    transmit_window_size_k = Attribute(2, UNSIGNED, static=True)
    receive_window_size_rw = Attribute(3, UNSIGNED, static=True)
    max_octets_i_pdu_n1 = Attribute(4, LONG_UNSIGNED, static=True)
    max_number_transmissions_n2 = Attribute(5, UNSIGNED, static=True)
    acknowledgement_timer = Attribute(6, LONG_UNSIGNED, static=True)
    p_bit_timer = Attribute(7, LONG_UNSIGNED, static=True)
    reject_timer = Attribute(8, LONG_UNSIGNED, static=True)
    busy_state_timer = Attribute(9, LONG_UNSIGNED, static=True)


class LLCType3Setup(InterfaceClass, class_id=59, version=0):
    """Acknowledged connectionless operation; times are seconds, all bits set is for ever."""

    __slots__ = ()

    max_octets_acn_pdu_n3 = Attribute(2, LONG_UNSIGNED, static=True)
    max_number_transmissions_n4 = Attribute(3, UNSIGNED, static=True)
    acknowledgement_time_t1 = Attribute(4, LONG_UNSIGNED, static=True)
    receive_lifetime_var_t2 = Attribute(5, LONG_UNSIGNED, static=True)
    transmit_lifetime_var_t3 = Attribute(6, LONG_UNSIGNED, static=True)
