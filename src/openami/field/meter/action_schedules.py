"""Single action schedules: scripts that run at moments of local time, once or again and again."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from openami.field.meter import codes
from openami.field.meter.agenda import NEVER
from openami.field.meter.date_pattern import moments
from openami.field.meter.scripts import run_script
from openami.model.obis import ObisCode
from openami.protocols.dlms.access_result import DataAccessResult
from openami.protocols.dlms.cosem.refusal import Refused
from openami.protocols.dlms.cosem.script_table import ActionItem
from openami.protocols.dlms.cosem.single_action_schedule import (
    ExecutionTimeDate,
    ScheduleType,
    SingleActionSchedule,
)
from openami.protocols.dlms.date_time import CosemDate, CosemTime

if TYPE_CHECKING:
    from openami.field.meter.electricity import ElectricityMeter

Times = tuple[ExecutionTimeDate, ...]
TIMES_MAX: Final = 16
MONTHLY: Final[Times] = (ExecutionTimeDate(CosemTime(0, 0, 0, 0), CosemDate(None, None, 1)),)
"""Local midnight at the beginning of each month."""

HOURLY: Final[Times] = (ExecutionTimeDate(CosemTime(None, 0, 0, 0), CosemDate(None, None, None)),)

SCHEDULES: Final[dict[ObisCode, ActionItem]] = {
    codes.BILLING_SCHEDULE: ActionItem(codes.BILLING_SCRIPTS, 1),
    codes.DISCONNECT_SCHEDULE: ActionItem(codes.DISCONNECT_SCRIPTS, 1),
    codes.IMAGE_SCHEDULE: ActionItem(codes.IMAGE_SCRIPTS, 1),
    codes.PUSH_SCHEDULE: ActionItem(codes.PUSH_SCRIPTS, 1),
}


class ActionSchedules:
    """All schedules of one meter. What was missed without supply or by setting the clock forward runs once, late."""

    __slots__ = ("_due", "_meter", "due", "scripts", "times")

    def __init__(self, meter: ElectricityMeter) -> None:
        self._meter = meter
        self.scripts = SCHEDULES
        self.times: dict[ObisCode, Times] = {codes.BILLING_SCHEDULE: MONTHLY}
        if meter.config.push_rows:
            self.times[codes.PUSH_SCHEDULE] = HOURLY
            self.scripts = {**SCHEDULES, codes.PUSH_SCHEDULE: ActionItem(codes.PUSH_SCRIPTS, 3)}
        self._due: dict[ObisCode, float] = {}
        self.due = NEVER

    def set_times(self, code: ObisCode, times: Times, second: float) -> None:
        """Another list of moments for one schedule; those before `second` have passed."""
        self.times = {**self.times, code: times}
        self._due[code] = self._next(times, second)
        self.due = min(self._due.values())

    def set_script(self, code: ObisCode, script: ActionItem) -> None:
        """Another script for one schedule."""
        self.scripts = {**self.scripts, code: script}

    def act(self, second: float) -> None:
        for code, due in list(self._due.items()):
            if due <= second:
                self._due[code] = self._next(self.times[code], second)
                run_script(self._meter, self.scripts[code], self._meter.now)
        self.due = min(self._due.values(), default=NEVER)

    def plan(self, second: float) -> None:
        for code, times in self.times.items():
            if self._due.get(code, NEVER) > second:
                self._due[code] = self._next(times, second)
        self.due = min(self._due.values(), default=NEVER)

    def _next(self, times: Times, second: float) -> float:
        return min((self._next_of(one, second) for one in times), default=NEVER)

    def _next_of(self, one: ExecutionTimeDate, second: float) -> float:
        clock = self._meter.clock
        for local in moments(one.date, one.time, _whole(clock.local(second))):
            at = clock.second_of(local)
            if at > second:
                return at
        return NEVER


def _whole(local: datetime) -> datetime:
    return local.replace(microsecond=0)


def schedule_object(code: ObisCode, meter: ElectricityMeter) -> SingleActionSchedule:
    """One of the single action schedules."""
    schedules = meter.schedules
    item = SingleActionSchedule(code, type=ScheduleType.ANY_TIME_WITH_WILDCARDS)
    item.bind(
        SingleActionSchedule.executed_script,
        lambda _now: schedules.scripts[code],
        lambda script, _: schedules.set_script(code, script),
    )
    item.bind(
        SingleActionSchedule.execution_time,
        lambda _now: schedules.times.get(code, ()),
        lambda times, now: _set_times(meter, code, times, now),
    )
    return item


def _set_times(meter: ElectricityMeter, code: ObisCode, times: Times, now: float) -> None:
    if len(times) > TIMES_MAX:
        raise Refused(DataAccessResult.OTHER_REASON)
    meter.schedules.set_times(code, times, meter.clock.reading(now))
