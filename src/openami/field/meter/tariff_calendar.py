"""The activity calendar as a value, and as a function of the meter that lives by it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from openami.field.meter import codes
from openami.field.meter.agenda import NEVER
from openami.field.meter.date_pattern import latest, matches
from openami.field.meter.scripts import run_script
from openami.model.event import EventCode
from openami.protocols.dlms.cosem.activity_calendar import DayProfile, DayProfileAction, Season, WeekProfile
from openami.protocols.dlms.cosem.script_table import ActionItem
from openami.protocols.dlms.cosem.special_days_table import SpecialDayEntry
from openami.protocols.dlms.date_time import CosemDateTime, CosemTime

if TYPE_CHECKING:
    from openami.field.meter.electricity import ElectricityMeter

LOOK_BACK_DAYS: Final = 7
NOT_SPECIFIED: Final = CosemDateTime(None, None, None)
_HOURS: Final = 24


@dataclass(frozen=True, slots=True)
class Calendar:
    """Seasons choose weeks, weeks choose days, days say which script runs when. Shared by all meters that have it."""

    name: bytes
    seasons: tuple[Season, ...] = ()
    weeks: tuple[WeekProfile, ...] = ()
    days: tuple[DayProfile, ...] = ()

    def actions(self, day: date, special_days: tuple[SpecialDayEntry, ...]) -> list[DayProfileAction]:
        """What is to be done on `day`, in the order of its times."""
        day_id = self._day_id(day, special_days)
        found = next((one.day_schedule for one in self.days if one.day_id == day_id), ())
        return sorted(found, key=lambda action: _seconds(action.start_time))

    def _day_id(self, day: date, special_days: tuple[SpecialDayEntry, ...]) -> int | None:
        for special in special_days:
            if matches(special.specialday_date, day):
                return special.day_id
        week = self._week(day)
        if week is None:
            return None
        days = week.monday, week.tuesday, week.wednesday, week.thursday, week.friday, week.saturday, week.sunday
        return days[day.weekday()]

    def _week(self, day: date) -> WeekProfile | None:
        """The week of the season that began last."""
        begun = [(start, one.week_name) for one in self.seasons if (start := latest(one.season_start.date, day))]
        if not begun:
            return None
        name = max(begun, key=lambda season: season[0])[1]
        return next((week for week in self.weeks if week.week_profile_name == name), None)


@lru_cache(maxsize=64)
def two_tariffs(tariff_2_hours: tuple[int, ...]) -> Calendar:
    """Every day the same: the second tariff in the hours `tariff_2_hours`, the first in all others."""
    scripts = [1 + (hour in tariff_2_hours) for hour in range(_HOURS)]
    schedule = tuple(
        DayProfileAction(CosemTime(hour, 0, 0, 0), codes.TARIFF_SCRIPTS, script)
        for hour, script in enumerate(scripts)
        if hour == 0 or script != scripts[hour - 1]
    )
    season = Season(b"1", CosemDateTime(None, 1, 1, None, 0, 0, 0, 0), b"1")
    return Calendar(b"factory", (season,), (WeekProfile(b"1", *(1,) * 7),), (DayProfile(1, schedule),))


class TariffCalendar:
    """Runs the script of each day profile action at its local time. Summer time is in the clock: an action whose time
    is skipped runs an hour later by the wall, one whose time comes twice runs the first time.
    """

    __slots__ = ("_activate_at", "_done", "_meter", "activation_time", "active", "due", "passive", "special_days")

    def __init__(self, meter: ElectricityMeter, calendar: Calendar) -> None:
        self._meter = meter
        self.active = calendar
        self.passive = Calendar(b"")
        self.special_days: tuple[SpecialDayEntry, ...] = ()
        self.activation_time = NOT_SPECIFIED
        self._activate_at = NEVER
        self._done: tuple[date, DayProfileAction] | None = None
        self.due = NEVER

    def set_activation_time(self, at: CosemDateTime) -> None:
        """The passive calendar becomes active at `at`; never if `at` is not one instant."""
        when = self._meter.clock.utc_seconds(at)
        self.activation_time = at
        self._activate_at = NEVER if when is None else when
        self.plan(self._meter.clock.reading(self._meter.now))

    def activate_passive(self, second: float) -> None:
        """The passive calendar is the active one from now on."""
        self.active, self._activate_at = self.passive, NEVER
        self._meter.log(EventCode.CALENDAR_ACTIVATED, self._meter.now)
        self.plan(second)

    def act(self, second: float) -> None:
        if second >= self._activate_at:
            self.activate_passive(second)
        else:
            self._enter(second)

    def plan(self, second: float) -> None:
        """Whatever has changed, calendar or clock: do what holds now, even if it was done before."""
        self._done = None
        self._enter(second)

    def _enter(self, second: float) -> None:
        valid = self._valid(self._local(second))
        if valid is not None and valid != self._done:
            self._done = valid
            _, action = valid
            run_script(self._meter, ActionItem(action.script_logical_name, action.script_selector), self._meter.now)
        self.due = min(self._activate_at, self._next(second))

    def _valid(self, local: datetime) -> tuple[date, DayProfileAction] | None:
        """The action that was due last, up to a week ago."""
        for back in range(LOOK_BACK_DAYS + 1):
            day = local.date() - timedelta(days=back)
            actions = self.active.actions(day, self.special_days)
            begun = [action for action in actions if _start(day, action) <= local]
            if begun:
                return day, begun[-1]
        return None

    def _next(self, second: float) -> float:
        """The next action of this day, or the next local midnight, where another day profile may begin."""
        day = self._local(second).date()
        starts = [_start(day, action) for action in self.active.actions(day, self.special_days)]
        starts.append(datetime(day.year, day.month, day.day) + timedelta(days=1))
        return next(at for start in starts if (at := self._meter.clock.second_of(start)) > second)

    def _local(self, second: float) -> datetime:
        return self._meter.clock.local(second)


def _seconds(start: CosemTime) -> int:
    return (start.hour or 0) * 3600 + (start.minute or 0) * 60 + (start.second or 0)


def _start(day: date, action: DayProfileAction) -> datetime:
    midnight = datetime(day.year, day.month, day.day)
    return midnight + timedelta(seconds=_seconds(action.start_time))
