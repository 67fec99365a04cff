"""Voltage, current, power factor and frequency: derived from the curve's power, synthetic where it says nothing.

Voltage wanders by up to 1 % around its nominal value, by a fixed pattern of the minute and the serial number.
"""

from __future__ import annotations

from math import isqrt
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    from openami.field.meter.electricity import ElectricityMeter

MINUTE_S = 60
FREQUENCY_MILLIHERTZ = 50_000


def power_w(meter: ElectricityMeter, now: float) -> tuple[int, int]:
    """Active power drawn and fed, in W; nothing flows through an open contact."""
    return meter.curve.power_w(now) if meter.disconnector.connected else (0, 0)


def voltage_dv(meter: ElectricityMeter, phase: int, now: float) -> int:
    """Voltage of a phase (0 to 2) in tenths of a volt."""
    nominal = meter.config.nominal_voltage_v * 10
    place = crc32(meter.config.serial.encode()) + 97 * phase + int(now) // MINUTE_S
    swing = nominal // 100
    return nominal - swing + abs(place * 7 % (4 * swing) - 2 * swing)


def current_ma(meter: ElectricityMeter, phase: int, now: float) -> int:
    """Current of a phase in mA: its share of the apparent power at its voltage."""
    drawn_w, fed_w = power_w(meter, now)
    apparent_mva = (drawn_w * 1000 // meter.config.power_factor_permille + fed_w) * 1000
    return apparent_mva * 10 // (meter.config.phases * voltage_dv(meter, phase, now))


def reactive_power_var(meter: ElectricityMeter, now: float) -> int:
    """Reactive power drawn, in var."""
    drawn_w, _ = power_w(meter, now)
    factor = meter.config.power_factor_permille
    return drawn_w * isqrt(1_000_000 - factor * factor) // factor


def power_factor_permille(meter: ElectricityMeter, now: float) -> int:
    """Power factor in permille; 1000 while nothing is drawn."""
    drawn_w, _ = power_w(meter, now)
    return meter.config.power_factor_permille if drawn_w else 1000
