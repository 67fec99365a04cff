"""Interface class Clock (class_id 8, version 0): local time, its deviation from UTC and daylight saving.

Source: public implementations and lists, counted beside the peer stack; no edition of the book was at hand.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated

from openami.protocols.dlms.cosem.attribute import Attribute, Method
from openami.protocols.dlms.cosem.interface_class import InterfaceClass
from openami.protocols.dlms.cosem.types import (
    BOOLEAN,
    DATE_TIME_OCTETS,
    INTEGER,
    LONG,
    UNSIGNED,
    cosem_structure,
    enum_of,
    structure_type,
)
from openami.protocols.dlms.date_time import CosemDateTime

SHIFT_TIME_MAX_S = 900
"""`shift_time` moves the clock by -900 to 900 seconds."""


class ClockBase(IntEnum):
    """Where the time comes from."""

    NOT_DEFINED = 0
    INTERNAL_CRYSTAL = 1
    MAINS_FREQUENCY_50_HZ = 2
    MAINS_FREQUENCY_60_HZ = 3
    GPS = 4
    RADIO_CONTROLLED = 5


@cosem_structure
class PresetTime:
    """The parameter of `preset_adjusting_time`."""

    preset_time: Annotated[CosemDateTime, DATE_TIME_OCTETS]
    validity_interval_start: Annotated[CosemDateTime, DATE_TIME_OCTETS]
    validity_interval_end: Annotated[CosemDateTime, DATE_TIME_OCTETS]


class Clock(InterfaceClass, class_id=8, version=0):
    """`time_zone` is the deviation of normal local time in minutes: UTC = local time + deviation."""

    __slots__ = ()

    time = Attribute(2, DATE_TIME_OCTETS)
    time_zone = Attribute(3, LONG, static=True)
    status = Attribute(4, UNSIGNED)
    daylight_savings_begin = Attribute(5, DATE_TIME_OCTETS, static=True)
    daylight_savings_end = Attribute(6, DATE_TIME_OCTETS, static=True)
    daylight_savings_deviation = Attribute(7, INTEGER, static=True)
    daylight_savings_enabled = Attribute(8, BOOLEAN, static=True)
    clock_base = Attribute(9, enum_of(ClockBase), static=True)

    adjust_to_quarter = Method(1, INTEGER)
    adjust_to_measuring_period = Method(2, INTEGER)
    adjust_to_minute = Method(3, INTEGER)
    adjust_to_preset_time = Method(4, INTEGER)
    preset_adjusting_time = Method(5, structure_type(PresetTime))
    shift_time = Method(6, LONG)
