"""S-FSK power line carrier (class_ids 50 to 56): what the physical, MAC and link layers are set to and have counted.

Member names, numbers and types are from public lists of the classes (class 50 also in version 1); what the elements
of `synchronization_register` and of `broadcast_frames_counter` hold is from public implementations.
Source: public lists of the classes; the peer stack has them not, and no edition of the book was at hand.
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
    LONG_UNSIGNED,
    OCTET_STRING,
    UNSIGNED,
    array_of,
    cosem_structure,
    enum_of,
    structure_type,
)


class Phase(IntEnum):
    """initiator_electrical_phase."""

    NOT_DEFINED = 0
    PHASE_1 = 1
    PHASE_2 = 2
    PHASE_3 = 3


class DeltaPhase(IntEnum):
    """delta_electrical_phase: between the server's and the client's phase, in degrees."""

    NOT_DEFINED = 0
    SAME_PHASE = 1
    DEGREES_60 = 2
    DEGREES_120 = 3
    DEGREES_180 = 4
    DEGREES_MINUS_120 = 5
    DEGREES_MINUS_60 = 6


class Repeater(IntEnum):
    """repeater."""

    NEVER = 0
    ALWAYS = 1
    DYNAMIC = 2


@cosem_structure
class Frequencies:
    """frequencies_type, in hertz."""

    mark_frequency: Annotated[int, DOUBLE_LONG_UNSIGNED]
    space_frequency: Annotated[int, DOUBLE_LONG_UNSIGNED]


@cosem_structure
class InitiatorDescriptor:
    """initiator_descriptor: the client that registered this server last."""

    system_title: Annotated[bytes, OCTET_STRING]
    mac_address: Annotated[int, LONG_UNSIGNED]
    l_sap_selector: Annotated[int, UNSIGNED]


@cosem_structure
class CountOfAddress:
    """How often something came from a MAC address."""

    mac_address: Annotated[int, LONG_UNSIGNED]
    counter: Annotated[int, DOUBLE_LONG_UNSIGNED]


@cosem_structure
class DesynchronizationListing:
    """desynchronization_listing: how often synchronization was lost, by reason."""

    nb_physical_layer_desynchronization: Annotated[int, DOUBLE_LONG_UNSIGNED]
    nb_time_out_not_addressed_desynchronization: Annotated[int, DOUBLE_LONG_UNSIGNED]
    nb_time_out_frame_not_ok_desynchronization: Annotated[int, DOUBLE_LONG_UNSIGNED]
    nb_write_request_desynchronization: Annotated[int, DOUBLE_LONG_UNSIGNED]
    nb_wrong_initiator_desynchronization: Annotated[int, DOUBLE_LONG_UNSIGNED]


@cosem_structure
class ReplyStatus:
    """reply_status element: what waits for the client at an L-SAP."""

    l_sap_selector: Annotated[int, UNSIGNED]
    length_of_waiting_l_sdu: Annotated[int, UNSIGNED]


class SFSKPhyMACSetup0(InterfaceClass, class_id=50, version=0):
    """Gains are decibels."""

    __slots__ = ()

    initiator_electrical_phase = Attribute(2, enum_of(Phase), static=True)
    delta_electrical_phase = Attribute(3, enum_of(DeltaPhase))
    max_receiving_gain = Attribute(4, UNSIGNED, static=True)
    max_transmitting_gain = Attribute(5, UNSIGNED, static=True)
    search_initiator_gain = Attribute(6, UNSIGNED, static=True)
    frequencies = Attribute(7, structure_type(Frequencies), static=True)
    mac_address = Attribute(8, LONG_UNSIGNED)
    mac_group_addresses = Attribute(9, array_of(LONG_UNSIGNED), static=True)
    repeater = Attribute(10, enum_of(Repeater), static=True)
    repeater_status = Attribute(11, BOOLEAN)
    min_delta_credit = Attribute(12, UNSIGNED)
    initiator_mac_address = Attribute(13, LONG_UNSIGNED)
    synchronization_locked = Attribute(14, BOOLEAN)


class SFSKPhyMACSetup(InterfaceClass, class_id=50, version=1):
    """With a threshold in place of the gain, and the speed: 0 to 5 are 300 to 7200 bit/s at 50 Hz."""

    __slots__ = ()

    initiator_electrical_phase = Attribute(2, enum_of(Phase), static=True)
    delta_electrical_phase = Attribute(3, enum_of(DeltaPhase))
    max_receiving_gain = Attribute(4, UNSIGNED, static=True)
    max_transmitting_gain = Attribute(5, UNSIGNED, static=True)
    search_initiator_threshold = Attribute(6, UNSIGNED, static=True)
    frequencies = Attribute(7, structure_type(Frequencies), static=True)
    mac_address = Attribute(8, LONG_UNSIGNED)
    mac_group_addresses = Attribute(9, array_of(LONG_UNSIGNED), static=True)
    repeater = Attribute(10, enum_of(Repeater), static=True)
    repeater_status = Attribute(11, BOOLEAN)
    min_delta_credit = Attribute(12, UNSIGNED)
    initiator_mac_address = Attribute(13, LONG_UNSIGNED)
    synchronization_locked = Attribute(14, BOOLEAN)
    transmission_speed = Attribute(15, ENUM, static=True)


class SFSKActiveInitiator(InterfaceClass, class_id=51, version=0):
    """`reset_new_not_synchronized` takes a MAC address."""

    __slots__ = ()

    active_initiator = Attribute(2, structure_type(InitiatorDescriptor))

    reset_new_not_synchronized = Method(1, LONG_UNSIGNED)


class SFSKMACSynchronizationTimeouts(InterfaceClass, class_id=52, version=0):
    """0 switches a time-out off."""

    __slots__ = ()

    search_initiator_timeout = Attribute(2, LONG_UNSIGNED, static=True)
    synchronization_confirmation_timeout = Attribute(3, LONG_UNSIGNED, static=True)
    time_out_not_addressed = Attribute(4, LONG_UNSIGNED, static=True)
    time_out_frame_not_ok = Attribute(5, LONG_UNSIGNED, static=True)


class SFSKMACCounters(InterfaceClass, class_id=53, version=0):
    """Counters go on at 0 after their greatest value."""

    __slots__ = ()

    synchronization_register = Attribute(2, array_of(structure_type(CountOfAddress)))
    desynchronization_listing = Attribute(3, structure_type(DesynchronizationListing))
    broadcast_frames_counter = Attribute(4, array_of(structure_type(CountOfAddress)))
    repetitions_counter = Attribute(5, DOUBLE_LONG_UNSIGNED)
    transmissions_counter = Attribute(6, DOUBLE_LONG_UNSIGNED)
    crc_ok_frames_counter = Attribute(7, DOUBLE_LONG_UNSIGNED)
    crc_nok_frames_counter = Attribute(8, DOUBLE_LONG_UNSIGNED)

    reset = Method(1, INTEGER)


class IEC61334LLCSetup(InterfaceClass, class_id=55, version=1):
    """IEC 61334-4-32 LLC setup: lengths are octets."""

    __slots__ = ()

    max_frame_length = Attribute(2, UNSIGNED, static=True)
    reply_status_list = Attribute(3, array_of(structure_type(ReplyStatus)))


class SFSKReportingSystemList(InterfaceClass, class_id=56, version=0):
    """System titles of servers that have reported and are not registered, the newest first."""

    __slots__ = ()

    reporting_system_list = Attribute(2, array_of(OCTET_STRING))
