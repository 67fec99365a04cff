"""The meter's clock as a COSEM object: read, set, adjusted, shifted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from openami.field.meter import codes
from openami.model.errors import SettingError
from openami.protocols.dlms.access_result import ActionResult, DataAccessResult
from openami.protocols.dlms.cosem.clock import SHIFT_TIME_MAX_S, Clock, ClockBase
from openami.protocols.dlms.cosem.refusal import ActionRefused, Refused
from openami.protocols.dlms.date_time import CosemDateTime

if TYPE_CHECKING:
    from openami.field.meter.electricity import ElectricityMeter

QUARTER_S = 900
MINUTE_S = 60
NEVER = CosemDateTime(None, None, None)


def clock_object(meter: ElectricityMeter) -> Clock:
    """Class Clock at 0-0:1.0.0*255. Presetting a time is not supported, so those two methods are absent."""
    saving = meter.clock.daylight_saving
    clock = Clock(
        codes.CLOCK,
        time_zone=meter.config.time_zone,
        daylight_savings_begin=saving.begin if saving else NEVER,
        daylight_savings_end=saving.end if saving else NEVER,
        daylight_savings_deviation=saving.minutes if saving else 0,
        daylight_savings_enabled=saving is not None,
        clock_base=ClockBase.INTERNAL_CRYSTAL,
    )
    clock.bind(Clock.time, meter.clock.date_time, lambda stamp, now: _set(meter, stamp, now))
    clock.bind(Clock.status, lambda now: int(meter.clock.status(meter.clock.reading(now))))
    clock.handle(Clock.adjust_to_quarter, lambda _, now: _adjust(meter, QUARTER_S, now))
    clock.handle(Clock.adjust_to_measuring_period, lambda _, now: _adjust(meter, meter.capture_period_s, now))
    clock.handle(Clock.adjust_to_minute, lambda _, now: _adjust(meter, MINUTE_S, now))
    clock.handle(Clock.shift_time, lambda seconds, now: _shift(meter, seconds, now))
    return clock


def _set(meter: ElectricityMeter, stamp: CosemDateTime, now: float) -> None:
    meter_time = meter.clock.utc_seconds(stamp)
    try:
        if meter_time is None:
            raise SettingError(f"{stamp} is not one instant")
        meter.set_clock(meter_time, now)
    except SettingError:
        raise Refused(DataAccessResult.OTHER_REASON) from None


def _adjust(meter: ElectricityMeter, period_s: int, now: float) -> None:
    """To the nearest multiple of the period, the later one from the middle on."""
    if period_s == 0:
        raise ActionRefused(ActionResult.OTHER_REASON)
    _move(meter, (meter.clock.reading(now) + period_s / 2) // period_s * period_s, now)


def _shift(meter: ElectricityMeter, seconds: int, now: float) -> None:
    if abs(seconds) > SHIFT_TIME_MAX_S:
        raise ActionRefused(ActionResult.OTHER_REASON)
    _move(meter, meter.clock.reading(now) + seconds, now)


def _move(meter: ElectricityMeter, meter_time: float, now: float) -> None:
    try:
        meter.set_clock(meter_time, now)
    except SettingError:
        raise ActionRefused(ActionResult.OTHER_REASON) from None
