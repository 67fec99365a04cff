"""Water, gas, heat and cooling meters and heat-cost allocators: what their registers say, as M-Bus records."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

from openami.field.meter.daily_flow import DailyFlow
from openami.field.meter.valve import ValvedFlow
from openami.model.errors import SettingError
from openami.model.quantity import Quantity
from openami.model.unit import Unit
from openami.protocols.mbus.dif import DataField, DataInformation
from openami.protocols.mbus.encode import date_record, date_time_record, number_record
from openami.protocols.mbus.wireless.address import MeterAddress, manufacturer_code

VOLUME_VIF = b"\x13"
"""Litres."""
FLOW_VIF = b"\x3b"
"""Litres per hour."""
ENERGY_VIF = b"\x06"
"""kWh."""
POWER_VIF = b"\x2b"
"""W."""
FLOW_TEMPERATURE_VIF, RETURN_TEMPERATURE_VIF = b"\x5a", b"\x5e"
"""Tenths of a degree."""
ALLOCATION_VIF = b"\x6e"
"""Heat cost allocation units."""
FABRICATION_VIF = b"\x78"

MWH_PER_LITRE_KELVIN = 1_163
"""Milliwatt-hours that a litre of water carries for each kelvin (4.187 kJ/(kg K) at 1 kg/l)."""
VALVE_VIF = b"\xfd\x1f"
"""Remote control: 1 is open, 0 is closed."""
BCD_8 = DataInformation(DataField.BCD_8)
BCD_6 = DataInformation(DataField.BCD_6)
BCD_4 = DataInformation(DataField.BCD_4)
FIRST_YEAR, LAST_YEAR = 1982, 2080
"""Dates in telegrams have two digits of the year. Set dates are a year behind, and a clock goes on."""
SET_DATE = 1
"""Storage number of the values at the set date."""


class PipeKind(Enum):
    """Device types of M-Bus."""

    WATER = 0x07
    WARM_WATER = 0x06
    HEAT = 0x04
    GAS = 0x03
    COOLING = 0x0A
    HEAT_COST_ALLOCATOR = 0x08


THERMAL = (PipeKind.HEAT, PipeKind.COOLING)
TEMPERATURES_DECIDEGREES = {PipeKind.HEAT: (700, 400), PipeKind.COOLING: (60, 120)}
"""Of flow and return."""
LITRES_PER_UNIT = 10
"""An allocator counts no water: a unit for so many litres makes its numbers follow the same household's day."""


@dataclass(frozen=True, slots=True)
class PipeMeterConfig:
    """`identification` is eight digits; `address` is the primary address, 0 as it leaves the factory."""

    kind: PipeKind = PipeKind.WATER
    identification: str = "10000001"
    address: int = 0
    manufacturer: str = "OAM"
    version: int = 1

    def __post_init__(self) -> None:
        if len(self.identification) != 8 or not self.identification.isdecimal():
            raise SettingError(f"identification {self.identification!r} is not eight digits")
        if not 0 <= self.address <= 250:
            raise SettingError(f"address {self.address}: must be 0 to 250")


class PipeMeter:
    """A device without a link: faces carry its telegrams. Its clock is UTC, off by `clock_offset_s`.

    `alarms` are the bits that it alarms about; `set_date` is month and day of the stored values, None: the first of
    each month.
    """

    def __init__(self, config: PipeMeterConfig, flow: DailyFlow) -> None:
        self.config = config
        self.flow = ValvedFlow(flow)
        self.clock_offset_s = 0.0
        self.access_number = 0
        self.alarms = 0
        self.set_date: tuple[int, int] | None = None

    @property
    def address(self) -> MeterAddress:
        """Its secondary address as it left the factory."""
        config = self.config
        code = manufacturer_code(config.manufacturer)
        return MeterAddress(code, config.identification, config.version, config.kind.value)

    def register(self, at_s: float) -> Quantity:
        """What its main register shows at `at_s`: kWh where it counts heat, litres elsewhere, allocation units."""
        litres = self.flow.volume_ml(at_s) // 1000
        if self.config.kind in THERMAL:
            return Quantity(self._energy_wh(at_s) // 1000, 3, Unit.WATT_HOUR)
        if self.config.kind is PipeKind.HEAT_COST_ALLOCATOR:
            return Quantity(litres // LITRES_PER_UNIT, 0, Unit.COUNT)
        return Quantity(litres, -3, Unit.CUBIC_METRE)

    def records(self, now: float) -> list[bytes]:
        """All records at `now` (UTC seconds)."""
        moment = datetime.fromtimestamp(now + self.clock_offset_s, UTC)
        due = self._due(moment)
        return [
            number_record(FABRICATION_VIF, int(self.config.identification), BCD_8),
            *self._registers(now, 0),
            *self._instantaneous(now),
            date_time_record(moment),
            date_record(due, SET_DATE),
            *self._registers(due.timestamp() - self.clock_offset_s, SET_DATE),
        ]

    def set_clock(self, moment: datetime, now: float) -> bool:
        """Show `moment`, which names no zone, from `now` (UTC seconds) on; false if no telegram can tell its year."""
        if not FIRST_YEAR <= moment.year < LAST_YEAR:
            return False
        self.clock_offset_s = moment.replace(tzinfo=UTC).timestamp() - now
        return True

    def _due(self, moment: datetime) -> datetime:
        """The last set date, midnight by the meter's clock."""
        midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        if self.set_date is None:
            return midnight.replace(day=1)
        year = moment.year - ((moment.month, moment.day) < self.set_date)
        month, day = self.set_date
        return midnight.replace(year=year, month=month, day=min(day, monthrange(year, month)[1]))

    def _registers(self, at_s: float, storage: int) -> list[bytes]:
        information = DataInformation(DataField.BCD_8, storage=storage)
        litres = self.flow.volume_ml(at_s) // 1000
        if self.config.kind is PipeKind.HEAT_COST_ALLOCATOR:
            return [number_record(ALLOCATION_VIF, litres // LITRES_PER_UNIT % 10**8, information)]
        volume = number_record(VOLUME_VIF, litres % 10**8, information)
        if self.config.kind not in THERMAL:
            return [volume]
        return [number_record(ENERGY_VIF, self._energy_wh(at_s) // 1000 % 10**8, information), volume]

    def _instantaneous(self, now: float) -> list[bytes]:
        if self.config.kind is PipeKind.HEAT_COST_ALLOCATOR:
            return []
        flow = [number_record(FLOW_VIF, self.flow.flow_ml_per_h(now) // 1000, BCD_6)]
        temperatures = TEMPERATURES_DECIDEGREES.get(self.config.kind)
        if temperatures is None:
            return flow
        power_w = self.flow.flow_ml_per_h(now) * MWH_PER_LITRE_KELVIN * self._difference_k // 10**6
        return [
            *flow,
            number_record(POWER_VIF, power_w, BCD_8),
            number_record(FLOW_TEMPERATURE_VIF, temperatures[0], BCD_4),
            number_record(RETURN_TEMPERATURE_VIF, temperatures[1], BCD_4),
        ]

    def _energy_wh(self, at_s: float) -> int:
        return self.flow.volume_ml(at_s) * MWH_PER_LITRE_KELVIN * self._difference_k // 10**6

    @property
    def _difference_k(self) -> int:
        supply, returned = TEMPERATURES_DECIDEGREES[self.config.kind]
        return abs(supply - returned) // 10
