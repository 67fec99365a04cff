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
    """Each that the registry knows behind `master`, with its register under the code of its medium.

    Nobody speaks for a meter that hangs elsewhere.
    """
    for told in sub_meters_of(values):
        meter = registry.meter_by_serial(told.number)
        if meter is None or meter.link != behind_meter(master) or not isinstance(told.register.value, Quantity):
            continue
        code = main_code(told.device_type, told.register.value.unit)
        if code is not None:
            yield meter, told.register._replace(name=code)
