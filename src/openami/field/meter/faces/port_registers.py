"""What a meter's local and consumer ports show: its registers, power and voltage."""

from __future__ import annotations

from openami.field.meter.electricity import ElectricityMeter
from openami.field.meter.instantaneous import power_w, voltage_dv
from openami.model.obis import ObisCode
from openami.model.unit import Unit


def registers(meter: ElectricityMeter, now: float) -> list[tuple[ObisCode, int, int, Unit]]:
    """Code, mantissa, power of ten and unit of what these ports show."""
    drawn_w, fed_w = power_w(meter, now)
    first, second = meter.energy.tariff_wh
    energy = meter.energy
    energies = (("1.8.0", energy.import_wh), ("1.8.1", first), ("1.8.2", second), ("2.8.0", energy.export_wh))
    powers = (("1.7.0", drawn_w), ("2.7.0", fed_w))
    found = [(_code(group), value, 0, Unit.WATT_HOUR) for group, value in energies]
    found += [(_code(group), value, 0, Unit.WATT) for group, value in powers]
    found.append((_code("32.7.0"), voltage_dv(meter, 0, now), -1, Unit.VOLT))
    return found


def _code(groups: str) -> ObisCode:
    return ObisCode.parse(f"1-0:{groups}*255")
