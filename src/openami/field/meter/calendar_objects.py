"""The meter's activity calendar and special days as COSEM objects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from openami.field.meter import codes
from openami.field.meter.tariff_calendar import Calendar
from openami.protocols.dlms.access_result import ActionResult
from openami.protocols.dlms.cosem.activity_calendar import ActivityCalendar
from openami.protocols.dlms.cosem.attribute import Attribute
from openami.protocols.dlms.cosem.refusal import ActionRefused
from openami.protocols.dlms.cosem.special_days_table import SpecialDayEntry, SpecialDaysTable

if TYPE_CHECKING:
    from openami.field.meter.electricity import ElectricityMeter

SPECIAL_DAYS_MAX: Final = 256
_PASSIVE: Final[dict[str, Attribute[Any]]] = {
    "name": ActivityCalendar.calendar_name_passive,
    "seasons": ActivityCalendar.season_profile_passive,
    "weeks": ActivityCalendar.week_profile_table_passive,
    "days": ActivityCalendar.day_profile_table_passive,
}


def activity_calendar_object(meter: ElectricityMeter) -> ActivityCalendar:
    """Class Activity calendar at 0-0:13.0.0*255. Only the passive calendar can be written."""
    calendar = meter.calendar
    item = ActivityCalendar(
        codes.ACTIVITY_CALENDAR,
        calendar_name_active=calendar.active.name,
        season_profile_active=calendar.active.seasons,
        week_profile_table_active=calendar.active.weeks,
        day_profile_table_active=calendar.active.days,
    )
    for part, attribute in _PASSIVE.items():
        item.bind(attribute, _reader(meter, part), _writer(meter, part))
    item.bind(
        ActivityCalendar.activate_passive_calendar_time,
        lambda _now: calendar.activation_time,
        lambda at, _: calendar.set_activation_time(at),
    )
    item.handle(
        ActivityCalendar.activate_passive_calendar, lambda _, now: calendar.activate_passive(meter.clock.reading(now))
    )
    return item


def _reader(meter: ElectricityMeter, part: str) -> Callable[[float], Any]:
    return lambda _now: getattr(meter.calendar.passive, part)


def _writer(meter: ElectricityMeter, part: str) -> Callable[[Any, float], None]:
    def write(value: Any, _now: float) -> None:
        passive: Calendar = meter.calendar.passive
        meter.calendar.passive = replace(passive, **{part: value})

    return write


def special_days_object(meter: ElectricityMeter) -> SpecialDaysTable:
    """Class Special days table at 0-0:11.0.0*255."""
    item = SpecialDaysTable(codes.SPECIAL_DAYS)
    item.bind(
        SpecialDaysTable.entries,
        lambda _now: meter.calendar.special_days,
        lambda entries, now: _set(meter, entries, now),
    )
    item.handle(SpecialDaysTable.insert, lambda entry, now: _insert(meter, entry, now))
    item.handle(SpecialDaysTable.delete, lambda index, now: _delete(meter, index, now))
    return item


def _set(meter: ElectricityMeter, entries: tuple[SpecialDayEntry, ...], now: float) -> None:
    meter.calendar.special_days = entries
    meter.calendar.plan(meter.clock.reading(now))


def _insert(meter: ElectricityMeter, entry: SpecialDayEntry, now: float) -> None:
    others = _without(meter, entry.index)
    if len(others) >= SPECIAL_DAYS_MAX:
        raise ActionRefused(ActionResult.OTHER_REASON)
    _set(meter, (*others, entry), now)


def _delete(meter: ElectricityMeter, index: int, now: float) -> None:
    others = _without(meter, index)
    if len(others) == len(meter.calendar.special_days):
        raise ActionRefused(ActionResult.OTHER_REASON)
    _set(meter, others, now)


def _without(meter: ElectricityMeter, index: int) -> tuple[SpecialDayEntry, ...]:
    return tuple(entry for entry in meter.calendar.special_days if entry.index != index)
