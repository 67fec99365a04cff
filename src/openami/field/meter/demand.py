"""Average demand over a sliding window, and the greatest since the last billing."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

from openami.field.meter import codes
from openami.model.unit import Unit
from openami.protocols.dlms.cosem.demand_register import DemandRegister
from openami.protocols.dlms.cosem.extended_register import ExtendedRegister
from openami.protocols.dlms.cosem.register import ScalUnitType
from openami.protocols.dlms.data import double_long_unsigned, null

if TYPE_CHECKING:
    from openami.field.meter.electricity import ElectricityMeter

WATT: Final = ScalUnitType(0, Unit.WATT)
WH_PER_W_S: Final = 3600


class Demand:
    """Active power drawn, averaged over `number_of_periods` periods of `period_s`; periods end at multiples of it.

    The average of a window that is not full yet counts what is missing as nothing drawn, as the window's length says.
    """

    __slots__ = ("_energy_wh", "_meter", "_periods", "captured", "due", "last_w", "maximum", "maximum_w", "started")

    def __init__(self, meter: ElectricityMeter, second: float) -> None:
        self._meter = meter
        self._periods: deque[int] = deque(maxlen=meter.config.demand_periods - 1)
        self._energy_wh = meter.energy.import_wh
        self.last_w = 0
        self.captured = int(second)
        """When the last average was taken; before the first, when averaging began."""
        self.maximum_w = 0
        self.maximum = int(second)
        """When the maximum was taken; before the first, when the search for it began."""
        self.started = int(second)
        self.due = self._end(second)

    @property
    def current_w(self) -> int:
        """The average of the running window, as far as it has come."""
        return self._average(self._meter.energy.import_wh - self._energy_wh)

    def act(self, second: float) -> None:
        drawn_wh = self._meter.energy.import_wh - self._energy_wh
        self.last_w = self._average(drawn_wh)
        self._periods.append(drawn_wh)
        self.captured = int(second)
        if self.last_w > self.maximum_w:
            self.maximum_w, self.maximum = self.last_w, self.captured
        self._begin(second)

    def plan(self, second: float) -> None:
        """The clock was set: the running period ends at the new time's next boundary."""
        self.due = self._end(second)

    def reset(self, second: float) -> None:
        """Forget the averages and begin a new period; the maximum stays."""
        self._periods.clear()
        self.last_w, self.captured = 0, int(second)
        self._begin(second)

    def reset_maximum(self, second: float) -> None:
        """From now on the maximum is that of what comes."""
        self.maximum_w, self.maximum = 0, int(second)

    def _begin(self, second: float) -> None:
        self._energy_wh = self._meter.energy.import_wh
        self.started = int(second)
        self.due = self._end(second)

    def _end(self, second: float) -> float:
        period = self._meter.config.demand_period_s
        return (second // period + 1) * period

    def _average(self, drawn_wh: int) -> int:
        config = self._meter.config
        return (sum(self._periods) + drawn_wh) * WH_PER_W_S // (config.demand_period_s * config.demand_periods)


def demand_object(meter: ElectricityMeter) -> DemandRegister:
    """Class Demand register at 1-0:1.4.0*255: active power drawn."""
    demand, config, stamp = meter.demand, meter.config, meter.clock.stamp
    item = DemandRegister(
        codes.DEMAND,
        current_average_value=double_long_unsigned(demand.current_w),
        last_average_value=double_long_unsigned(demand.last_w),
        scaler_unit=WATT,
        status=null(),
        capture_time=stamp(demand.captured).date_time(),
        start_time_current=stamp(demand.started).date_time(),
        period=config.demand_period_s,
        number_of_periods=config.demand_periods,
    )
    item.handle(DemandRegister.reset, lambda _, now: demand.reset(meter.clock.reading(now)))
    item.handle(DemandRegister.next_period, lambda _, now: demand.act(meter.clock.reading(now)))
    return item


def maximum_demand_object(meter: ElectricityMeter) -> ExtendedRegister:
    """Class Extended register at 1-0:1.6.0*255: the greatest demand since the last billing, and when it was."""
    demand = meter.demand
    item = ExtendedRegister(
        codes.MAXIMUM_DEMAND,
        value=double_long_unsigned(demand.maximum_w),
        scaler_unit=WATT,
        status=null(),
        capture_time=meter.clock.stamp(demand.maximum).date_time(),
    )
    item.handle(ExtendedRegister.reset, lambda _, now: demand.reset_maximum(meter.clock.reading(now)))
    return item
