"""Register monitors: scripts that run when a value crosses a threshold, upwards or downwards."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from openami.field.meter import codes
from openami.field.meter.agenda import AT_ONCE, NEVER
from openami.field.meter.scripts import run_script
from openami.field.meter.watching import check_watched, next_look, number_of, watched_number
from openami.model.obis import ObisCode
from openami.protocols.dlms.access_result import DataAccessResult
from openami.protocols.dlms.cosem.refusal import Refused
from openami.protocols.dlms.cosem.register_monitor import ActionSet, RegisterMonitor, ValueDefinition
from openami.protocols.dlms.data import Data

if TYPE_CHECKING:
    from openami.field.meter.electricity import ElectricityMeter

THRESHOLDS_MAX: Final = 8
FACTORY_VALUE: Final = ValueDefinition(3, codes.IMPORT_POWER, 2)


class Watch:
    """One register monitor that has been set up. Without thresholds nothing is watched.

    What counts is the change from one look at the value to the next; the first look after a change of settings only
    remembers it.
    """

    __slots__ = ("_last", "_meter", "actions", "due", "monitored", "thresholds")

    def __init__(self, meter: ElectricityMeter) -> None:
        self._meter = meter
        self._last: int | None = None
        self.monitored = FACTORY_VALUE
        self.thresholds: tuple[Data, ...] = ()
        self.actions: tuple[ActionSet, ...] = ()
        self.due = NEVER

    def act(self, second: float) -> None:
        before, self._last = self._last, watched_number(self._meter, self.monitored)
        self.due = next_look(self._meter, second) if self.thresholds else NEVER
        if before is None or self._last is None:
            return
        for threshold, actions in zip(self.thresholds, self.actions, strict=False):
            limit = number_of(threshold)
            if before <= limit < self._last:
                run_script(self._meter, actions.action_up, self._meter.now, local=True)
            elif self._last <= limit < before:
                run_script(self._meter, actions.action_down, self._meter.now, local=True)

    def plan(self, second: float) -> None:
        self._last = None
        self.due = AT_ONCE if self.thresholds else NEVER


NO_WATCHES: Final[Mapping[ObisCode, Watch]] = MappingProxyType({})


def register_monitor_object(code: ObisCode, meter: ElectricityMeter) -> RegisterMonitor:
    """One of the register monitors; writing to it for the first time makes the meter watch."""
    watch = meter.watches.get(code)
    item = RegisterMonitor(code)
    item.bind(
        RegisterMonitor.thresholds,
        lambda _now: watch.thresholds if watch else (),
        lambda values, now: _set_thresholds(meter, code, values, now),
    )
    item.bind(
        RegisterMonitor.monitored_value,
        lambda _now: watch.monitored if watch else FACTORY_VALUE,
        lambda value, now: _set_monitored(meter, code, value, now),
    )
    item.bind(
        RegisterMonitor.actions,
        lambda _now: watch.actions if watch else (),
        lambda actions, now: _set_actions(meter, code, actions, now),
    )
    return item


def _watch(meter: ElectricityMeter, code: ObisCode) -> Watch:
    if code not in meter.watches:
        meter.watches = {**meter.watches, code: Watch(meter)}
        meter.agenda.add(meter.watches[code])
    return meter.watches[code]


def _set_thresholds(meter: ElectricityMeter, code: ObisCode, values: tuple[Data, ...], now: float) -> None:
    for value in values:
        number_of(value)
    if len(values) > THRESHOLDS_MAX:
        raise Refused(DataAccessResult.OTHER_REASON)
    watch = _watch(meter, code)
    watch.thresholds = values
    _begin(meter, watch, now)


def _set_monitored(meter: ElectricityMeter, code: ObisCode, value: ValueDefinition, now: float) -> None:
    check_watched(meter, value)
    watch = _watch(meter, code)
    watch.monitored = value
    _begin(meter, watch, now)


def _set_actions(meter: ElectricityMeter, code: ObisCode, actions: tuple[ActionSet, ...], now: float) -> None:
    if len(actions) > THRESHOLDS_MAX:
        raise Refused(DataAccessResult.OTHER_REASON)
    watch = _watch(meter, code)
    watch.actions = actions
    _begin(meter, watch, now)


def _begin(meter: ElectricityMeter, watch: Watch, now: float) -> None:
    watch.plan(meter.clock.reading(now))
    meter.advance(now)
