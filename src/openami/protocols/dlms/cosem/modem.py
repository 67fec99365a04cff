"""Modems: Modem configuration (class_id 27), Auto answer (28), Auto connect (29).

Class 27 in versions 0 and 1, class 28 in 0 to 2, class 29 in 0 to 2. Auto answer version 1 is as the peer
stack has it: with the members of version 0.
Source: public implementations and lists, counted beside the peer stack; no edition of the book was at hand.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated

from openami.protocols.dlms.cosem.attribute import Attribute, Method
from openami.protocols.dlms.cosem.iec_local_port_setup import BAUD_RATE
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.types import (
    DATE_TIME_OCTETS,
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
from openami.protocols.dlms.date_time import CosemDateTime


@cosem_structure
class InitialisationString:
    """initialisation_string_element of version 0."""

    request: Annotated[bytes, OCTET_STRING]
    response: Annotated[bytes, OCTET_STRING]


@cosem_structure
class DelayedInitialisationString:
    """initialisation_string_element of version 1; the delay is milliseconds."""

    request: Annotated[bytes, OCTET_STRING]
    response: Annotated[bytes, OCTET_STRING]
    delay_after_response: Annotated[int, LONG_UNSIGNED]


@cosem_structure
class WindowElement:
    """window_element: an interval that repeats where the date-times hold wildcards."""

    start_time: Annotated[CosemDateTime, DATE_TIME_OCTETS]
    end_time: Annotated[CosemDateTime, DATE_TIME_OCTETS]


@cosem_structure
class NumberOfRings:
    """number_of_rings: 0 means that the modem does not answer."""

    nr_rings_in_window: Annotated[int, UNSIGNED]
    nr_rings_out_of_window: Annotated[int, UNSIGNED]


@cosem_structure
class AllowedCaller:
    """list_of_allowed_callers_element."""

    caller_id: Annotated[bytes, OCTET_STRING]
    call_type: Annotated[int, ENUM]


class AutoAnswerStatus(IntEnum):
    """status of an auto answer object."""

    INACTIVE = 0
    ACTIVE = 1
    LOCKED = 2


class ModemConfiguration0(InterfaceClass, class_id=27, version=0):
    """Named PSTN modem configuration."""

    __slots__ = ()

    comm_speed = Attribute(2, BAUD_RATE, static=True)
    initialization_string = Attribute(3, array_of(structure_type(InitialisationString)), static=True)
    modem_profile = Attribute(4, array_of(OCTET_STRING), static=True)


class ModemConfiguration(InterfaceClass, class_id=27, version=1):
    """`modem_profile` maps Hayes result codes, `OK` first, to the modem's own."""

    __slots__ = ()

    comm_speed = Attribute(2, BAUD_RATE, static=True)
    initialization_string = Attribute(3, array_of(structure_type(DelayedInitialisationString)), static=True)
    modem_profile = Attribute(4, array_of(OCTET_STRING), static=True)


class AutoAnswer0(InterfaceClass, class_id=28, version=0):
    """Named PSTN auto answer."""

    __slots__ = ()

    mode = Attribute(2, ENUM, static=True)
    listening_window = Attribute(3, array_of(structure_type(WindowElement)), static=True)
    status = Attribute(4, enum_of(AutoAnswerStatus))
    number_of_calls = Attribute(5, UNSIGNED, static=True)
    number_of_rings = Attribute(6, structure_type(NumberOfRings), static=True)


class AutoAnswer1(AutoAnswer0, class_id=28, version=1):
    """The members of version 0."""

    __slots__ = ()


class AutoAnswer(AutoAnswer0, class_id=28, version=2):
    """With the callers that are let in."""

    __slots__ = ()

    list_of_allowed_callers = Attribute(7, array_of(structure_type(AllowedCaller)), static=True)


class AutoConnect1(InterfaceClass, class_id=29, version=1):
    """`repetition_delay` is seconds."""

    __slots__ = ()

    mode = Attribute(2, ENUM, static=True)
    repetitions = Attribute(3, UNSIGNED, static=True)
    repetition_delay = Attribute(4, LONG_UNSIGNED, static=True)
    calling_window = Attribute(5, array_of(structure_type(WindowElement)), static=True)
    destination_list = Attribute(6, array_of(OCTET_STRING), static=True)


class AutoConnect0(AutoConnect1, class_id=29, version=0):
    """Named PSTN auto dial; `destination_list` holds telephone numbers."""

    __slots__ = ()


class AutoConnect(AutoConnect1, class_id=29, version=2):
    """`connect` initiates the connection, following the rules of `mode`."""

    __slots__ = ()

    connect = Method(1, INTEGER)
