"""Interface class Activity calendar (class_id 20, version 0): seasons, weeks and days that execute scripts.

A season names a week, a week names a day for each weekday, and a day executes scripts at times: usually those of the
tariffication script table. The passive calendar becomes the active one at `activate_passive_calendar_time`.
Source: public implementations and lists, counted beside the peer stack; no edition of the book was at hand.
"""

from __future__ import annotations

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
    TIME_OCTETS,
    UNSIGNED,
    array_of,
    cosem_structure,
    structure_type,
)
from openami.protocols.dlms.date_time import CosemDateTime, CosemTime


@cosem_structure
class Season:
    """season: from `season_start` (wildcards allowed) the week `week_name` holds."""

    season_profile_name: Annotated[bytes, OCTET_STRING]
    season_start: Annotated[CosemDateTime, DATE_TIME_OCTETS]
    week_name: Annotated[bytes, OCTET_STRING]


@cosem_structure
class WeekProfile:
    """week_profile: a day_id for each weekday."""

    week_profile_name: Annotated[bytes, OCTET_STRING]
    monday: Annotated[int, UNSIGNED]
    tuesday: Annotated[int, UNSIGNED]
    wednesday: Annotated[int, UNSIGNED]
    thursday: Annotated[int, UNSIGNED]
    friday: Annotated[int, UNSIGNED]
    saturday: Annotated[int, UNSIGNED]
    sunday: Annotated[int, UNSIGNED]


@cosem_structure
class DayProfileAction:
    """day_profile_action: the script to execute at `start_time`, local time."""

    start_time: Annotated[CosemTime, TIME_OCTETS]
    script_logical_name: Annotated[ObisCode, LOGICAL_NAME]
    script_selector: Annotated[int, LONG_UNSIGNED]


@cosem_structure
class DayProfile:
    """day_profile."""

    day_id: Annotated[int, UNSIGNED]
    day_schedule: Annotated[tuple[DayProfileAction, ...], array_of(structure_type(DayProfileAction))]


SEASONS = array_of(structure_type(Season))
WEEKS = array_of(structure_type(WeekProfile))
DAYS = array_of(structure_type(DayProfile))


class ActivityCalendar(InterfaceClass, class_id=20, version=0):
    """Two calendars: the active one, and the passive one that waits for its time."""

    __slots__ = ()

    calendar_name_active = Attribute(2, OCTET_STRING, static=True)
    season_profile_active = Attribute(3, SEASONS, static=True)
    week_profile_table_active = Attribute(4, WEEKS, static=True)
    day_profile_table_active = Attribute(5, DAYS, static=True)
    calendar_name_passive = Attribute(6, OCTET_STRING, static=True)
    season_profile_passive = Attribute(7, SEASONS, static=True)
    week_profile_table_passive = Attribute(8, WEEKS, static=True)
    day_profile_table_passive = Attribute(9, DAYS, static=True)
    activate_passive_calendar_time = Attribute(10, DATE_TIME_OCTETS, static=True)

    activate_passive_calendar = Method(1, INTEGER)
