"""M-Bus: slave port setup (class_id 25), client (72), master port setup (74), server port setup (76), diagnostic (77).

The client in versions 0 and 1; version 2 is known to exist. Classes 76 and 77 are not in the peer stack: the members
of 77 are from public lists, and nothing that prints those of 76 was at hand to check them with.
Source: public implementations and lists, counted beside the peer stack except 76, 77, which it has not; no edition of
the book was at hand.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated

from openami.protocols.dlms.cosem.attribute import Attribute, Method
from openami.protocols.dlms.cosem.iec_local_port_setup import BAUD_RATE
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.modem import WindowElement
from openami.protocols.dlms.cosem.types import (
    ANY,
    DOUBLE_LONG_UNSIGNED,
    ENUM,
    INTEGER,
    LOGICAL_NAME,
    LONG_UNSIGNED,
    OCTET_STRING,
    STRUCTURE,
    UNSIGNED,
    array_of,
    cosem_structure,
    enum_of,
    structure_type,
)
from openami.protocols.dlms.data import Data


@cosem_structure
class CaptureDefinitionElement:
    """capture_definition_element: DIF and VIF with their extensions, as they stand in the telegram."""

    data_information_block: Annotated[bytes, OCTET_STRING]
    value_information_block: Annotated[bytes, OCTET_STRING]


@cosem_structure
class DataSendElement:
    """data_definition_element of `data_send`."""

    data_information_block: Annotated[bytes, OCTET_STRING]
    value_information_block: Annotated[bytes, OCTET_STRING]
    data: Annotated[Data, ANY]


class EncryptionKeyStatus(IntEnum):
    """encryption_key_status."""

    NO_ENCRYPTION_KEY = 0
    ENCRYPTION_KEY_SET = 1
    ENCRYPTION_KEY_TRANSFERRED = 2
    ENCRYPTION_KEY_SET_AND_TRANSFERRED = 3
    ENCRYPTION_KEY_IN_USE = 4


class MBusSlavePortSetup(InterfaceClass, class_id=25, version=0):
    """`addr_state` is 0 while no address was assigned."""

    __slots__ = ()

    default_baud = Attribute(2, BAUD_RATE, static=True)
    avail_baud = Attribute(3, BAUD_RATE, static=True)
    addr_state = Attribute(4, ENUM)
    bus_address = Attribute(5, UNSIGNED)


class MBusClient0(InterfaceClass, class_id=72, version=0):
    """The slave's `version` of the book is `slave_version` here: each class has a version of its own."""

    __slots__ = ()

    mbus_port_reference = Attribute(2, LOGICAL_NAME, static=True)
    capture_definition = Attribute(3, array_of(structure_type(CaptureDefinitionElement)), static=True)
    capture_period = Attribute(4, DOUBLE_LONG_UNSIGNED, static=True)
    primary_address = Attribute(5, UNSIGNED)
    identification_number = Attribute(6, DOUBLE_LONG_UNSIGNED)
    manufacturer_id = Attribute(7, LONG_UNSIGNED)
    slave_version = Attribute(8, UNSIGNED)
    device_type = Attribute(9, UNSIGNED)
    access_number = Attribute(10, UNSIGNED)
    status = Attribute(11, UNSIGNED)
    alarm = Attribute(12, UNSIGNED)

    slave_install = Method(1, UNSIGNED)
    slave_deinstall = Method(2, INTEGER)
    capture = Method(3, INTEGER)
    reset_alarm = Method(4, INTEGER)
    synchronize_clock = Method(5, INTEGER)
    data_send = Method(6, array_of(structure_type(DataSendElement)))
    set_encryption_key = Method(7, OCTET_STRING)
    transfer_key = Method(8, OCTET_STRING)


class MBusClient(MBusClient0, class_id=72, version=1):
    """With the configuration field of the telegram and the state of the key."""

    __slots__ = ()

    configuration = Attribute(13, LONG_UNSIGNED)
    encryption_key_status = Attribute(14, enum_of(EncryptionKeyStatus))


class MBusMasterPortSetup(InterfaceClass, class_id=74, version=0):
    """The port that an M-Bus client reads its slaves by."""

    __slots__ = ()

    comm_speed = Attribute(2, BAUD_RATE, static=True)


class DLMSServerMBusPortSetup(InterfaceClass, class_id=76, version=0):
    """A DLMS server behind an M-Bus port."""

    __slots__ = ()

    m_bus_profile_selection = Attribute(2, OCTET_STRING, static=True)
    m_bus_port_communication_state = Attribute(3, ENUM)
    m_bus_data_header_type = Attribute(4, ENUM, static=True)
    primary_address = Attribute(5, UNSIGNED)
    identification_number = Attribute(6, DOUBLE_LONG_UNSIGNED, static=True)
    manufacturer_id = Attribute(7, LONG_UNSIGNED, static=True)
    m_bus_version = Attribute(8, UNSIGNED, static=True)
    device_type = Attribute(9, UNSIGNED, static=True)
    max_pdu_size = Attribute(10, LONG_UNSIGNED, static=True)
    listening_window = Attribute(11, array_of(structure_type(WindowElement)), static=True)


class MBusDiagnostic(InterfaceClass, class_id=77, version=0):
    """`received_signal_strength` is −dBm."""

    __slots__ = ()

    received_signal_strength = Attribute(2, UNSIGNED)
    channel_id = Attribute(3, UNSIGNED)
    link_status = Attribute(4, ENUM)
    broadcast_frames_counter = Attribute(5, array_of(STRUCTURE))
    transmissions_counter = Attribute(6, DOUBLE_LONG_UNSIGNED)
    fcs_ok_frames_counter = Attribute(7, DOUBLE_LONG_UNSIGNED)
    fcs_nok_frames_counter = Attribute(8, DOUBLE_LONG_UNSIGNED)
    capture_time = Attribute(9, ANY)

    reset = Method(1, INTEGER)
