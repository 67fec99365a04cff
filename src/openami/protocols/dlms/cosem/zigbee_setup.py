"""ZigBee (class_ids 101 to 105, version 0): start-up, joining, fragmentation, network control and tunnels.

Members from public lists of the classes; the peer stack does not have them. Parameters of methods that were not
printed there stay open.
Source: public lists of the classes; the peer stack has them not, and no edition of the book was at hand.
"""

from __future__ import annotations

from openami.protocols.dlms.cosem.attribute import Attribute, Method
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.types import (
    ANY,
    BOOLEAN,
    DOUBLE_LONG_UNSIGNED,
    ENUM,
    INTEGER,
    LONG_UNSIGNED,
    OCTET_STRING,
    STRUCTURE,
    UNSIGNED,
    array_of,
)


class ZigBeeSASStartup(InterfaceClass, class_id=101, version=0):
    """The start-up attribute set of a device or a coordinator."""

    __slots__ = ()

    short_address = Attribute(2, LONG_UNSIGNED)
    extended_pan_id = Attribute(3, OCTET_STRING)
    pan_id = Attribute(4, LONG_UNSIGNED)
    channel_mask = Attribute(5, DOUBLE_LONG_UNSIGNED)
    protocol_version = Attribute(6, UNSIGNED, static=True)
    stack_profile = Attribute(7, ENUM, static=True)
    start_up_control = Attribute(8, UNSIGNED)
    trust_center_address = Attribute(9, OCTET_STRING)
    link_key = Attribute(10, OCTET_STRING)
    network_key = Attribute(11, OCTET_STRING)
    use_insecure_join = Attribute(12, BOOLEAN, static=True)


class ZigBeeSASJoin(InterfaceClass, class_id=102, version=0):
    """Times are seconds."""

    __slots__ = ()

    scan_attempts = Attribute(2, UNSIGNED, static=True)
    time_between_scans = Attribute(3, LONG_UNSIGNED, static=True)
    rejoin_interval = Attribute(4, LONG_UNSIGNED, static=True)
    rejoin_retry_interval = Attribute(5, LONG_UNSIGNED, static=True)


class ZigBeeSASAPSFragmentation(InterfaceClass, class_id=103, version=0):
    """The delay is milliseconds between blocks; the window is frames without acknowledgement."""

    __slots__ = ()

    aps_interframe_delay = Attribute(2, LONG_UNSIGNED, static=True)
    aps_max_window_size = Attribute(3, LONG_UNSIGNED, static=True)


class ZigBeeNetworkControl(InterfaceClass, class_id=104, version=0):
    """The coordinator: who may join, and who is in."""

    __slots__ = ()

    enable_disable_joining = Attribute(2, BOOLEAN, static=True)
    join_timeout = Attribute(3, LONG_UNSIGNED, static=True)
    active_devices = Attribute(4, array_of(STRUCTURE))

    register_device = Method(1, ANY)
    unregister_device = Method(2, ANY)
    unregister_all_devices = Method(3, INTEGER)
    backup_pan = Method(4, ANY, returns=ANY)
    restore_pan = Method(5, ANY)
    identify_device = Method(6, ANY)
    remove_mirror = Method(7, ANY)
    update_network_key = Method(8, ANY)
    update_link_key = Method(9, ANY)
    create_pan = Method(10, ANY)
    remove_pan = Method(11, ANY)


class ZigBeeTunnelSetup(InterfaceClass, class_id=105, version=0):
    """Sizes are octets, the time-out seconds."""

    __slots__ = ()

    maximum_incoming_transfer_size = Attribute(2, LONG_UNSIGNED, static=True)
    maximum_outgoing_transfer_size = Attribute(3, LONG_UNSIGNED, static=True)
    protocol_address = Attribute(4, OCTET_STRING, static=True)
    close_tunnel_timeout = Attribute(5, LONG_UNSIGNED, static=True)
