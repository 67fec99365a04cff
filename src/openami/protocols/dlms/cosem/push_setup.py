"""Interface class Push setup (class_id 40, version 0): what a server sends unasked, where to and when."""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated

from openami.model.obis import ObisCode
from openami.protocols.dlms.cosem.attribute import Attribute, Method
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.types import (
    DATE_TIME_OCTETS,
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
from openami.protocols.dlms.date_time import CosemDateTime


class TransportService(IntEnum):
    """transport_service_type."""

    TCP = 0
    UDP = 1
    FTP = 2
    SMTP = 3
    SMS = 4
    HDLC = 5
    M_BUS = 6
    ZIGBEE = 7


class PushMessage(IntEnum):
    """message_type: how the push is encoded."""

    A_XDR_ENCODED_XDLMS_APDU = 0
    XML_ENCODED_XDLMS_APDU = 1


@cosem_structure
class PushObject:
    """push_object_definition: attribute `attribute_index` of an object; `data_index` 0 is all of it."""

    class_id: Annotated[int, LONG_UNSIGNED]
    logical_name: Annotated[ObisCode, LOGICAL_NAME]
    attribute_index: Annotated[int, INTEGER]
    data_index: Annotated[int, LONG_UNSIGNED]


@cosem_structure
class SendDestinationAndMethod:
    """send_destination_and_method; `destination` is for example `b"192.0.2.1:4059"`."""

    transport_service: Annotated[TransportService, enum_of(TransportService)]
    destination: Annotated[bytes, OCTET_STRING]
    message: Annotated[PushMessage, enum_of(PushMessage)]


@cosem_structure
class CommunicationWindow:
    """window_element: pushes are allowed between the two."""

    start_time: Annotated[CosemDateTime, DATE_TIME_OCTETS]
    end_time: Annotated[CosemDateTime, DATE_TIME_OCTETS]


class PushSetup(InterfaceClass, class_id=40, version=0):
    """`randomisation_start_interval` and `repetition_delay` are seconds."""

    __slots__ = ()

    push_object_list = Attribute(2, array_of(structure_type(PushObject)), static=True)
    send_destination_and_method = Attribute(3, structure_type(SendDestinationAndMethod), static=True)
    communication_window = Attribute(4, array_of(structure_type(CommunicationWindow)), static=True)
    randomisation_start_interval = Attribute(5, LONG_UNSIGNED, static=True)
    number_of_retries = Attribute(6, UNSIGNED, static=True)
    repetition_delay = Attribute(7, LONG_UNSIGNED, static=True)

    push = Method(1, INTEGER)
