"""Interface class Push setup (class_id 40, versions 0 to 3): what a server sends unasked, where to and when.

Version 1 adds restrictions of the pushed objects, the port, the client and protection; version 2 columns, back-off
and confirmation. Public lists show the members of version 2 for version 3 too; what else it changes was not at hand.
Source: public implementations and lists, counted beside the peer stack; no edition of the book was at hand.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated

from openami.model.obis import ObisCode
from openami.protocols.dlms.cosem.attribute import Attribute, Method
from openami.protocols.dlms.cosem.data_protection import PROTECTION_PARAMETERS
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.profile_generic import CAPTURE_OBJECT_DEFINITION
from openami.protocols.dlms.cosem.types import (
    ANY,
    DATE_TIME,
    DATE_TIME_OCTETS,
    DOUBLE_LONG_UNSIGNED,
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
from openami.protocols.dlms.data import Data
from openami.protocols.dlms.date_time import CosemDateTime
from openami.protocols.dlms.selective_access import CaptureObjectDefinition


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


class RestrictionType(IntEnum):
    """restriction_type."""

    NONE = 0
    BY_DATE = 1
    BY_ENTRY = 2


@cosem_structure
class Restriction:
    """restriction_element: null-data, or a structure of the first and the last date or entry."""

    restriction_type: Annotated[RestrictionType, enum_of(RestrictionType)]
    restriction_value: Annotated[Data, ANY]


@cosem_structure
class PushObject1(PushObject):
    """push_object_definition of version 1."""

    restriction: Annotated[Restriction, structure_type(Restriction)]


@cosem_structure
class PushObject2(PushObject1):
    """push_object_definition of version 2: with the columns of a profile (none: all)."""

    columns: Annotated[tuple[CaptureObjectDefinition, ...], array_of(CAPTURE_OBJECT_DEFINITION)]


@cosem_structure
class RepetitionDelay:
    """repetition_delay of version 2: seconds before the first repetition, their growth in percent, their bound.

    The exact formula was not at hand.
    """

    repetition_delay_min: Annotated[int, LONG_UNSIGNED]
    repetition_delay_exponent: Annotated[int, LONG_UNSIGNED]
    repetition_delay_max: Annotated[int, LONG_UNSIGNED]


class PushOperationMethod(IntEnum):
    """push_operation_method: what is waited for and what a missing answer starts."""

    UNCONFIRMED_RETRY_ON_SUPPORTING_LAYER_FAILURE = 0
    UNCONFIRMED_RETRY_ON_MISSING_SUPPORTING_LAYER_CONFIRMATION = 1
    CONFIRMED_RETRY_ON_MISSING_CONFIRMATION = 2


@cosem_structure
class ConfirmationParameters:
    """confirmation_parameters: unconfirmed data is pushed again from `start_date`, or for the last interval seconds."""

    confirmation_start_date: Annotated[CosemDateTime, DATE_TIME]
    confirmation_interval: Annotated[int, DOUBLE_LONG_UNSIGNED]


class PushSetup1(PushSetup, class_id=40, version=1):
    """With the port that it leaves by, the client that it goes to, and how it is protected."""

    __slots__ = ()

    push_object_list = Attribute(2, array_of(structure_type(PushObject1)), static=True)
    port_reference = Attribute(8, LOGICAL_NAME, static=True)
    push_client_sap = Attribute(9, INTEGER, static=True)
    push_protection_parameters = Attribute(10, PROTECTION_PARAMETERS, static=True)


class PushSetup2(PushSetup1, class_id=40, version=2):
    """With back-off and confirmation; `reset` forgets what was not confirmed."""

    __slots__ = ()

    push_object_list = Attribute(2, array_of(structure_type(PushObject2)), static=True)
    repetition_delay = Attribute(7, structure_type(RepetitionDelay), static=True)  # type: ignore[assignment]  # before: seconds
    push_operation_method = Attribute(11, enum_of(PushOperationMethod), static=True)
    confirmation_parameters = Attribute(12, structure_type(ConfirmationParameters), static=True)
    last_confirmation_date_time = Attribute(13, DATE_TIME)

    reset = Method(2, INTEGER)


class PushSetup3(PushSetup2, class_id=40, version=3):
    """The members of version 2."""

    __slots__ = ()
