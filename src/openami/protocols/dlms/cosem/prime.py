"""PRIME power line carrier (class_ids 80 to 86, version 0): link layer, counters, MAC parameters and neighbours.

Source: public implementations and lists, counted beside the peer stack; no edition of the book was at hand.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated

from openami.protocols.dlms.cosem.attribute import Attribute, Method
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.types import (
    DOUBLE_LONG_UNSIGNED,
    INTEGER,
    LONG,
    LONG_UNSIGNED,
    OCTET_STRING,
    UNSIGNED,
    array_of,
    cosem_structure,
    enum_of,
    structure_type,
)


@cosem_structure
class MulticastEntry:
    """multicast_entry: a group and how many nodes below this one are in it."""

    mcast_entry_lcid: Annotated[int, INTEGER]
    mcast_entry_members: Annotated[int, LONG]


@cosem_structure
class DirectEntry:
    """direct_table element: a connection that this switch node forwards directly."""

    dconn_entry_src_sid: Annotated[int, LONG]
    dconn_entry_src_lnid: Annotated[int, LONG]
    dconn_entry_src_lcid: Annotated[int, LONG]
    dconn_entry_dst_sid: Annotated[int, LONG]
    dconn_entry_dst_lnid: Annotated[int, LONG]
    dconn_entry_dst_lcid: Annotated[int, LONG]
    dconn_entry_did: Annotated[bytes, OCTET_STRING]


@cosem_structure
class AvailableSwitch:
    """available_switches element: a switch node whose beacons are heard."""

    slist_entry_sna: Annotated[bytes, OCTET_STRING]
    slist_entry_lsid: Annotated[int, LONG]
    slist_entry_level: Annotated[int, INTEGER]
    slist_entry_rx_lvl: Annotated[int, INTEGER]
    slist_entry_rx_snr: Annotated[int, INTEGER]


@cosem_structure
class PhyCommunication:
    """phy_comm element: how a neighbour is heard and talked to."""

    phycomm_eui: Annotated[bytes, OCTET_STRING]
    phycomm_tx_power: Annotated[int, INTEGER]
    phycomm_tx_coding: Annotated[int, INTEGER]
    phycomm_rx_coding: Annotated[int, INTEGER]
    phycomm_rx_lvl: Annotated[int, INTEGER]
    phycomm_snr: Annotated[int, INTEGER]
    phycomm_tx_power_mod: Annotated[int, INTEGER]
    phycomm_tx_coding_mod: Annotated[int, INTEGER]
    phycomm_rx_coding_mod: Annotated[int, INTEGER]


class LLCSSCSSetup(InterfaceClass, class_id=80, version=0):
    """IEC 61334-4-32 LLC SSCS setup: addresses that the convergence sublayer was given."""

    __slots__ = ()

    service_node_address = Attribute(2, LONG_UNSIGNED)
    base_node_address = Attribute(3, LONG_UNSIGNED)

    reset = Method(1, INTEGER)


class PRIMEPhysicalLayerCounters(InterfaceClass, class_id=81, version=0):
    """Counters go on at 0 after their greatest value."""

    __slots__ = ()

    phy_stats_crc_incorrect_count = Attribute(2, LONG_UNSIGNED)
    phy_stats_crc_fail_count = Attribute(3, LONG_UNSIGNED)
    phy_stats_tx_drop_count = Attribute(4, LONG_UNSIGNED)
    phy_stats_rx_drop_count = Attribute(5, LONG_UNSIGNED)

    reset = Method(1, INTEGER)


class PRIMEMACSetup(InterfaceClass, class_id=82, version=0):
    """Times are seconds."""

    __slots__ = ()

    mac_min_switch_search_time = Attribute(2, UNSIGNED, static=True)
    mac_max_promotion_pdu = Attribute(3, UNSIGNED, static=True)
    mac_promotion_pdu_tx_period = Attribute(4, UNSIGNED, static=True)
    mac_beacons_per_frame = Attribute(5, UNSIGNED, static=True)
    mac_scp_max_tx_attempts = Attribute(6, UNSIGNED, static=True)
    mac_ctl_re_tx_timer = Attribute(7, UNSIGNED, static=True)
    mac_max_ctl_re_tx = Attribute(8, UNSIGNED, static=True)


class PRIMEState(IntEnum):
    """mac_state."""

    DISCONNECTED = 0
    TERMINAL = 1
    SWITCH = 2
    BASE = 3


class PRIMEMACFunctionalParameters(InterfaceClass, class_id=83, version=0):
    """Identifiers of the node and its place in the subnetwork."""

    __slots__ = ()

    mac_lnid = Attribute(2, LONG)
    mac_lsid = Attribute(3, UNSIGNED)
    mac_sid = Attribute(4, UNSIGNED)
    mac_sna = Attribute(5, OCTET_STRING)
    mac_state = Attribute(6, enum_of(PRIMEState))
    mac_scp_length = Attribute(7, LONG)
    mac_node_hierarchy_level = Attribute(8, UNSIGNED)
    mac_beacon_slot_count = Attribute(9, UNSIGNED)
    mac_beacon_rx_slot = Attribute(10, UNSIGNED)
    mac_beacon_tx_slot = Attribute(11, UNSIGNED)
    mac_beacon_rx_frequency = Attribute(12, UNSIGNED)
    mac_beacon_tx_frequency = Attribute(13, UNSIGNED)
    mac_capabilities = Attribute(14, LONG_UNSIGNED)


class PRIMEMACCounters(InterfaceClass, class_id=84, version=0):
    """Counters go on at 0 after their greatest value."""

    __slots__ = ()

    mac_tx_data_pkt_count = Attribute(2, DOUBLE_LONG_UNSIGNED)
    mac_rx_data_pkt_count = Attribute(3, DOUBLE_LONG_UNSIGNED)
    mac_tx_ctrl_pkt_count = Attribute(4, DOUBLE_LONG_UNSIGNED)
    mac_rx_ctrl_pkt_count = Attribute(5, DOUBLE_LONG_UNSIGNED)
    mac_csma_fail_count = Attribute(6, DOUBLE_LONG_UNSIGNED)
    mac_csma_ch_busy_count = Attribute(7, DOUBLE_LONG_UNSIGNED)

    reset = Method(1, INTEGER)


class PRIMEMACNetworkAdministrationData(InterfaceClass, class_id=85, version=0):
    """Tables of the MAC layer."""

    __slots__ = ()

    mac_list_multicast_entries = Attribute(2, array_of(structure_type(MulticastEntry)))
    mac_list_switch_table = Attribute(3, array_of(LONG))
    mac_list_direct_table = Attribute(4, array_of(structure_type(DirectEntry)))
    mac_list_available_switches = Attribute(5, array_of(structure_type(AvailableSwitch)))
    mac_list_phy_comm = Attribute(6, array_of(structure_type(PhyCommunication)))

    reset = Method(1, INTEGER)


class PRIMEApplicationIdentification(InterfaceClass, class_id=86, version=0):
    """What runs on the node."""

    __slots__ = ()

    firmware_version = Attribute(2, OCTET_STRING)
    vendor_id = Attribute(3, LONG_UNSIGNED)
    product_id = Attribute(4, LONG_UNSIGNED)
