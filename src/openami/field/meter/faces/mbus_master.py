"""The electricity meter as master of a wired M-Bus: it reads its sub-meters one after the other."""

from __future__ import annotations

from openami.field.meter.electricity import ElectricityMeter
from openami.io.clock import Clock
from openami.io.links.mbus import MbusMaster
from openami.model.errors import LinkTimeout


async def read_sub_meters(meter: ElectricityMeter, bus: MbusMaster, clock: Clock) -> int:
    """Read each sub-meter once; how many answered. One that is silent keeps its last value and its time."""
    answered = 0
    for sub_meter in meter.sub_meters:
        try:
            applications = await bus.read(sub_meter.primary_address)
        except LinkTimeout:
            continue
        sub_meter.take(applications, clock.time())
        answered += 1
    return answered
