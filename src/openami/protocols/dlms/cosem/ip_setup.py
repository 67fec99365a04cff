"""Internet set-up: TCP-UDP setup (class_id 41), IPv4 setup (42), MAC address setup (43), IPv6 setup (48), NTP (100).

Source: public implementations and lists, counted beside the peer stack; no edition of the book was at hand.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated

from openami.protocols.dlms.cosem.attribute import Attribute, Method
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.types import (
    BOOLEAN,
    DOUBLE_LONG_UNSIGNED,
    ENUM,
    INTEGER,
    LOGICAL_NAME,
    LONG_UNSIGNED,
    OCTET_STRING,
    UNSIGNED,
    array_of,
    cosem_structure,
    enum_of,
    structure_type,
)


class AddressConfigMode(IntEnum):
    """address_config_mode of IPv6 setup."""

    AUTO_CONFIGURATION = 0
    DHCP_V6 = 1
    MANUAL = 2
    NEIGHBOUR_DISCOVERY = 3


@cosem_structure
class IPOption:
    """IP_options_element of IPv4 setup."""

    ip_option_type: Annotated[int, UNSIGNED]
    ip_option_length: Annotated[int, UNSIGNED]
    ip_option_data: Annotated[bytes, OCTET_STRING]


@cosem_structure
class IPv6Address:
    """The parameter of `add_ipv6_address` and `remove_ipv6_address`: type 0 unicast, 1 multicast, 2 gateway."""

    ipv6_address_type: Annotated[int, ENUM]
    ipv6_address: Annotated[bytes, OCTET_STRING]


@cosem_structure
class NeighbourDiscoverySetup:
    """neighbor_discovery_setup element; the times are seconds."""

    rs_max_retry: Annotated[int, UNSIGNED]
    rs_retry_wait_time: Annotated[int, LONG_UNSIGNED]
    ra_send_period: Annotated[int, DOUBLE_LONG_UNSIGNED]


class TCPUDPSetup(InterfaceClass, class_id=41, version=0):
    """`ip_reference` is the logical name of an IP setup object; 0 seconds of `inactivity_time_out` mean none."""

    __slots__ = ()

    tcp_udp_port = Attribute(2, LONG_UNSIGNED, static=True)
    ip_reference = Attribute(3, LOGICAL_NAME, static=True)
    mss = Attribute(4, LONG_UNSIGNED, static=True)
    nb_of_sim_conn = Attribute(5, UNSIGNED, static=True)
    inactivity_time_out = Attribute(6, LONG_UNSIGNED, static=True)


class IPv4Setup(InterfaceClass, class_id=42, version=0):
    """Addresses are numbers, most significant octet first."""

    __slots__ = ()

    dl_reference = Attribute(2, LOGICAL_NAME, static=True)
    ip_address = Attribute(3, DOUBLE_LONG_UNSIGNED)
    multicast_ip_address = Attribute(4, array_of(DOUBLE_LONG_UNSIGNED))
    ip_options = Attribute(5, array_of(structure_type(IPOption)), static=True)
    subnet_mask = Attribute(6, DOUBLE_LONG_UNSIGNED)
    gateway_ip_address = Attribute(7, DOUBLE_LONG_UNSIGNED)
    use_dhcp_flag = Attribute(8, BOOLEAN, static=True)
    primary_dns_address = Attribute(9, DOUBLE_LONG_UNSIGNED)
    secondary_dns_address = Attribute(10, DOUBLE_LONG_UNSIGNED)

    add_mc_ip_address = Method(1, DOUBLE_LONG_UNSIGNED)
    delete_mc_ip_address = Method(2, DOUBLE_LONG_UNSIGNED)
    get_nbof_mc_ip_addresses = Method(3, INTEGER, returns=LONG_UNSIGNED)


class MACAddressSetup(InterfaceClass, class_id=43, version=0):
    """`mac_address` is as many octets as the link has."""

    __slots__ = ()

    mac_address = Attribute(2, OCTET_STRING, static=True)


class IPv6Setup(InterfaceClass, class_id=48, version=0):
    """Addresses are sixteen octets."""

    __slots__ = ()

    dl_reference = Attribute(2, LOGICAL_NAME, static=True)
    address_config_mode = Attribute(3, enum_of(AddressConfigMode), static=True)
    unicast_ipv6_addresses = Attribute(4, array_of(OCTET_STRING))
    multicast_ipv6_addresses = Attribute(5, array_of(OCTET_STRING))
    gateway_ipv6_addresses = Attribute(6, array_of(OCTET_STRING))
    primary_dns_address = Attribute(7, OCTET_STRING)
    secondary_dns_address = Attribute(8, OCTET_STRING)
    traffic_class = Attribute(9, UNSIGNED, static=True)
    neighbor_discovery_setup = Attribute(10, array_of(structure_type(NeighbourDiscoverySetup)), static=True)

    add_ipv6_address = Method(1, structure_type(IPv6Address))
    remove_ipv6_address = Method(2, structure_type(IPv6Address))


@cosem_structure
class NTPAuthenticationKey:
    """authentication_keys element."""

    key_id: Annotated[int, DOUBLE_LONG_UNSIGNED]
    key: Annotated[bytes, OCTET_STRING]


class NTPSetup(InterfaceClass, class_id=100, version=0):
    """`authentication_method`: 0 none, 1 shared secrets, 2 autokey."""

    __slots__ = ()

    activated = Attribute(2, BOOLEAN, static=True)
    server_address = Attribute(3, OCTET_STRING, static=True)
    server_port = Attribute(4, LONG_UNSIGNED, static=True)
    authentication_method = Attribute(5, ENUM, static=True)
    authentication_keys = Attribute(6, array_of(structure_type(NTPAuthenticationKey)), static=True)
    client_key = Attribute(7, OCTET_STRING, static=True)

    synchronize = Method(1, INTEGER)
    add_authentication_key = Method(2, structure_type(NTPAuthenticationKey))
    delete_authentication_key = Method(3, DOUBLE_LONG_UNSIGNED)
