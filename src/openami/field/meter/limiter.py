"""The limiter: when too much is drawn for too long it acts, and again when that is over.

The threshold is the normal one, or the emergency one while an emergency profile of one of the meter's groups holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from openami.field.meter import codes
from openami.field.meter.agenda import AT_ONCE, NEVER
from openami.field.meter.scripts import run_script
from openami.field.meter.watching import next_look, number_of, watched_number
from openami.model.event import EventCode
from openami.protocols.dlms.cosem.limiter import EmergencyProfile, LimiterActions
from openami.protocols.dlms.cosem.register_monitor import ValueDefinition
from openami.protocols.dlms.cosem.script_table import ActionItem
from openami.protocols.dlms.data import Data, double_long_unsigned
from openami.protocols.dlms.date_time import CosemDateTime

if TYPE_CHECKING:
    from openami.field.meter.electricity import ElectricityMeter

UNLIMITED: Final = double_long_unsigned(0xFFFF_FFFF)
NO_EMERGENCY: Final = EmergencyProfile(0, CosemDateTime(None, None, None), 0)
FACTORY_ACTIONS: Final = LimiterActions(
    ActionItem(codes.DISCONNECT_SCRIPTS, 1), ActionItem(codes.DISCONNECT_SCRIPTS, 2)
)
FACTORY_VALUE: Final = ValueDefinition(3, codes.IMPORT_POWER, 2)


class Limiter:
    """With both thresholds at their factory value, the greatest that there is, nothing is watched."""

    __slots__ = (
        "_crossed_at",
        "_meter",
        "_over",
        "actions",
        "due",
        "emergency",
        "emergency_active",
        "groups",
        "min_over_s",
        "min_under_s",
        "monitored",
        "threshold_emergency",
        "threshold_normal",
    )

    def __init__(self, meter: ElectricityMeter) -> None:
        self._meter = meter
        self._over = False
        self._crossed_at: float | None = None
        self.monitored = FACTORY_VALUE
        self.threshold_normal = self.threshold_emergency = UNLIMITED
        self.min_over_s = self.min_under_s = 0
        self.emergency = NO_EMERGENCY
        self.emergency_active = False
        self.groups: tuple[int, ...] = ()
        self.actions = FACTORY_ACTIONS
        self.due = NEVER

    @property
    def threshold(self) -> Data:
        """The threshold that holds now."""
        return self.threshold_emergency if self.emergency_active else self.threshold_normal

    @property
    def _watching(self) -> bool:
        return self._over or self.threshold != UNLIMITED

    def act(self, second: float) -> None:
        self.emergency_active = self._in_emergency(second)
        if self._watching:
            self._look(second)
        self.due = min(self._next_look(second), self._next_emergency(second))

    def plan(self, second: float) -> None:
        """A setting has changed, or the clock: durations begin anew."""
        self._crossed_at = None
        self.due = AT_ONCE

    def _look(self, second: float) -> None:
        value = watched_number(self._meter, self.monitored)
        over = value is not None and value > number_of(self.threshold)
        if over is self._over:
            self._crossed_at = None
            return
        if self._crossed_at is None:
            self._crossed_at = second
        if second >= self._crossed_at + self._duration:
            self._cross(over)

    def _cross(self, over: bool) -> None:
        self._over, self._crossed_at = over, None
        now = self._meter.now
        if over:
            self._meter.log(EventCode.LIMITER_THRESHOLD_EXCEEDED, now)
            run_script(self._meter, self.actions.action_over_threshold, now, local=True)
        else:
            self._meter.log(EventCode.LIMITER_THRESHOLD_OK, now)
            run_script(self._meter, self.actions.action_under_threshold, now, local=True)

    @property
    def _duration(self) -> int:
        return self.min_under_s if self._over else self.min_over_s

    def _next_look(self, second: float) -> float:
        if not self._watching:
            return NEVER
        look = next_look(self._meter, second)
        return look if self._crossed_at is None else min(look, self._crossed_at + self._duration)

    def _emergency_times(self) -> tuple[float, float]:
        start = self._meter.clock.utc_seconds(self.emergency.emergency_activation_time)
        if start is None or self.emergency.emergency_profile_id not in self.groups:
            return NEVER, NEVER
        return start, start + self.emergency.emergency_duration

    def _in_emergency(self, second: float) -> bool:
        start, end = self._emergency_times()
        return start <= second < end

    def _next_emergency(self, second: float) -> float:
        return min((at for at in self._emergency_times() if at > second), default=NEVER)
