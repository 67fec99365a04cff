"""G3-PLC (class_ids 90 to 92): MAC counters (version 1), MAC setup (1 to 3), 6LoWPAN adaptation setup (0 to 3).

Later versions add attributes at the end. The fields of the tables are not declared one by one: what they hold
differs between versions.
Source: public implementations and lists, counted beside the peer stack; no edition of the book was at hand.
"""

from __future__ import annotations

from openami.protocols.dlms.cosem.attribute import Attribute, Method
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.types import (
    ANY,
    BIT_STRING,
    BOOLEAN,
    DOUBLE_LONG_UNSIGNED,
    ENUM,
    INTEGER,
    LONG_UNSIGNED,
    STRUCTURE,
    UNSIGNED,
    array_of,
)

_TABLE = array_of(STRUCTURE)


class G3PLCMACLayerCounters(InterfaceClass, class_id=90, version=1):
    """Counters go on at 0 after their greatest value."""

    __slots__ = ()

    mac_tx_data_packet_count = Attribute(2, DOUBLE_LONG_UNSIGNED)
    mac_rx_data_packet_count = Attribute(3, DOUBLE_LONG_UNSIGNED)
    mac_tx_cmd_packet_count = Attribute(4, DOUBLE_LONG_UNSIGNED)
    mac_rx_cmd_packet_count = Attribute(5, DOUBLE_LONG_UNSIGNED)
    mac_csma_fail_count = Attribute(6, DOUBLE_LONG_UNSIGNED)
    mac_csma_no_ack_count = Attribute(7, DOUBLE_LONG_UNSIGNED)
    mac_bad_crc_count = Attribute(8, DOUBLE_LONG_UNSIGNED)
    mac_tx_data_broadcast_count = Attribute(9, DOUBLE_LONG_UNSIGNED)
    mac_rx_data_broadcast_count = Attribute(10, DOUBLE_LONG_UNSIGNED)

    reset = Method(1, INTEGER)


class G3PLCMACSetup1(InterfaceClass, class_id=91, version=1):
    """`mac_get_neighbour_table_entry` takes a short address and gives the neighbour's entry."""

    __slots__ = ()

    mac_short_address = Attribute(2, LONG_UNSIGNED)
    mac_rc_coord = Attribute(3, LONG_UNSIGNED)
    mac_pan_id = Attribute(4, LONG_UNSIGNED)
    mac_key_table = Attribute(5, _TABLE)
    mac_frame_counter = Attribute(6, DOUBLE_LONG_UNSIGNED)
    mac_tone_mask = Attribute(7, BIT_STRING, static=True)
    mac_tmr_ttl = Attribute(8, UNSIGNED, static=True)
    mac_max_frame_retries = Attribute(9, UNSIGNED, static=True)
    mac_neighbour_table_entry_ttl = Attribute(10, UNSIGNED, static=True)
    mac_neighbour_table = Attribute(11, _TABLE)
    mac_high_priority_window_size = Attribute(12, UNSIGNED, static=True)
    mac_csma_fairness_limit = Attribute(13, UNSIGNED, static=True)
    mac_beacon_randomization_window_length = Attribute(14, UNSIGNED, static=True)
    mac_a = Attribute(15, UNSIGNED, static=True)
    mac_k = Attribute(16, UNSIGNED, static=True)
    mac_min_cw_attempts = Attribute(17, UNSIGNED, static=True)
    mac_cenelec_legacy_mode = Attribute(18, UNSIGNED, static=True)
    mac_fcc_legacy_mode = Attribute(19, UNSIGNED, static=True)
    mac_max_be = Attribute(20, UNSIGNED, static=True)
    mac_max_csma_backoffs = Attribute(21, UNSIGNED, static=True)
    mac_min_be = Attribute(22, UNSIGNED, static=True)

    mac_get_neighbour_table_entry = Method(1, LONG_UNSIGNED, returns=_TABLE)


class G3PLCMACSetup2(G3PLCMACSetup1, class_id=91, version=2):
    """With broadcasts, transmit attenuation and neighbours' positions."""

    __slots__ = ()

    mac_broadcast_max_cw_enabled = Attribute(23, BOOLEAN, static=True)
    mac_transmit_atten = Attribute(24, UNSIGNED, static=True)
    mac_pos_table = Attribute(25, _TABLE)


class G3PLCMACSetup(G3PLCMACSetup2, class_id=91, version=3):
    """With the detection of duplicates."""

    __slots__ = ()

    mac_duplicate_detection_ttl = Attribute(26, UNSIGNED, static=True)

    mac_get_pos_table_entry = Method(2, LONG_UNSIGNED, returns=_TABLE)


class G3PLC6LoWPANSetup0(InterfaceClass, class_id=92, version=0):
    """The names of the adaptation sublayer's information base, with their prefix `adp`."""

    __slots__ = ()

    adp_max_hops = Attribute(2, UNSIGNED, static=True)
    adp_weak_lqi_value = Attribute(3, UNSIGNED, static=True)
    adp_security_level = Attribute(4, UNSIGNED, static=True)
    adp_prefix_table = Attribute(5, array_of(ANY))
    adp_routing_configuration = Attribute(6, _TABLE, static=True)
    adp_broadcast_log_table_entry_ttl = Attribute(7, LONG_UNSIGNED, static=True)
    adp_routing_table = Attribute(8, _TABLE)
    adp_context_information_table = Attribute(9, _TABLE)
    adp_blacklist_table = Attribute(10, _TABLE)
    adp_broadcast_log_table = Attribute(11, _TABLE)
    adp_group_table = Attribute(12, array_of(ANY))
    adp_max_join_wait_time = Attribute(13, LONG_UNSIGNED, static=True)
    adp_path_discovery_time = Attribute(14, UNSIGNED, static=True)
    adp_active_key_index = Attribute(15, UNSIGNED, static=True)
    adp_metric_type = Attribute(16, UNSIGNED, static=True)


class G3PLC6LoWPANSetup1(G3PLC6LoWPANSetup0, class_id=92, version=1):
    """With the coordinator and default routing."""

    __slots__ = ()

    adp_coord_short_address = Attribute(17, LONG_UNSIGNED)
    adp_disable_default_routing = Attribute(18, BOOLEAN, static=True)
    adp_device_type = Attribute(19, ENUM, static=True)


class G3PLC6LoWPANSetup2(G3PLC6LoWPANSetup1, class_id=92, version=2):
    """With the route to the coordinator."""

    __slots__ = ()

    adp_default_coord_route_enabled = Attribute(20, BOOLEAN, static=True)
    adp_destination_address = Attribute(21, array_of(ANY), static=True)


class G3PLC6LoWPANSetup(G3PLC6LoWPANSetup2, class_id=92, version=3):
    """With bounds of the link quality."""

    __slots__ = ()

    adp_low_lqi = Attribute(22, UNSIGNED, static=True)
    adp_high_lqi = Attribute(23, UNSIGNED, static=True)
