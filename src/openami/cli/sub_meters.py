"""The electricity meter of `openami meter` as master of a wired M-Bus."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from openami.cli.mbus_bus import open_bus
from openami.cli.output import print_error
from openami.field.meter.electricity import ElectricityMeter
from openami.field.meter.faces.mbus_master import attend_sub_meters
from openami.io.clock import Clock, SystemClock
from openami.io.links.mbus import MbusMaster
from openami.model.errors import LinkError

TURN_S = 1.0
"""How often the meter looks whether something is to be done at its bus."""


@asynccontextmanager
async def attending(device: ElectricityMeter, link: str, clock: Clock) -> AsyncIterator[None]:
    """The meter turns to its bus at `link` as long as this lasts; without a link it has none."""
    if not link:
        yield
        return
    bus = MbusMaster(await open_bus(link), SystemClock())
    turning = asyncio.create_task(_turn(device, bus, clock))
    try:
        yield
    finally:
        turning.cancel()
        with suppress(asyncio.CancelledError):
            await turning
        await bus.close()


async def _turn(device: ElectricityMeter, bus: MbusMaster, clock: Clock) -> None:
    try:
        while True:
            await attend_sub_meters(device, bus, clock)
            await asyncio.sleep(TURN_S)
    except LinkError as error:
        print_error(f"the M-Bus is gone, its meters keep their last values: {error}")
