"""The gas, water and heat meters that a P1 telegram tells beside the electricity meter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from openami.backoffice.registry.registry import Registry
from openami.model.measurement import Measurement
from openami.model.point import Meter, behind_meter
from openami.model.quantity import Quantity
from openami.protocols.iec62056_21.equipment import sub_meters_of
from openami.protocols.mbus.obis import main_code


def told_beside(
    registry: Registry, master: Meter, values: Sequence[Measurement]
) -> Iterator[tuple[Meter, Measurement]]:
    """Each meter that `master` speaks for, with its register under the code of its medium."""
    for told in sub_meters_of(values):
        meter = registry.meter_by_serial(told.number)
        if meter is None or not speaks_for(master, meter) or not isinstance(told.register.value, Quantity):
            continue
        code = main_code(told.device_type, told.register.value.unit)
        if code is not None:
            yield meter, told.register._replace(name=code)


def speaks_for(master: Meter, meter: Meter) -> bool:
    """Nobody speaks for a meter that hangs elsewhere, nor for one that is protected better than he is."""
    return meter.link == behind_meter(master) and meter.guarantee >= master.guarantee
