"""`openami meter --mbus`: the meter reads the meters on its bus while it is served itself."""

from __future__ import annotations

import asyncio

from openami.cli import sub_meters
from openami.cli.sub_meters import attending
from openami.field.meter.config import MeterConfig
from openami.field.meter.curve import ArrayCurve
from openami.field.meter.daily_flow import DailyFlow
from openami.field.meter.electricity import ElectricityMeter
from openami.field.meter.faces.mbus import MbusFace
from openami.field.meter.faces.tcp import serve_meter_tcp
from openami.field.meter.pipe_meter import PipeKind, PipeMeter, PipeMeterConfig
from openami.field.meter.real_curves import replayed
from openami.io.clock import SystemClock
from openami.protocols.dlms.security import SecurityKeys

KEYS = SecurityKeys(bytes(16), bytes(16))


def test_it_reads_its_bus_until_it_ends(monkeypatch):
    async def run():
        read, ended = asyncio.Event(), asyncio.Event()
        monkeypatch.setattr(sub_meters, "print_error", lambda _: ended.set())
        clock = SystemClock()
        now = clock.time()
        config = MeterConfig(serial="10000001", system_title=b"OAM\x00\x00\x00\x00\x01", keys=KEYS, sub_meters=(1,))
        meter = ElectricityMeter(config, ArrayCurve.replay(replayed("uk-2", now + 86_400)), now)
        gas = PipeMeter(PipeMeterConfig(PipeKind.GAS, "12345678", 1), DailyFlow(int(now) - 86_400 * 30))
        sub_meter = meter.sub_meters[0]
        take = sub_meter.take
        sub_meter.take = lambda *said: (take(*said), read.set())[0]
        server = await serve_meter_tcp(MbusFace(gas, clock))
        async with attending(meter, f"tcp://127.0.0.1:{server.port}", clock):
            await asyncio.wait_for(read.wait(), 20)
            await server.close()
            sub_meter.capture()
            await asyncio.wait_for(ended.wait(), 20)
        assert str(sub_meter.meter) == "OAM.12345678.01.03"
        assert sub_meter.value(1).mantissa > 0

    asyncio.run(run())


def test_without_a_bus_there_is_nothing_to_attend():
    async def run():
        async with attending(None, "", SystemClock()):
            pass

    asyncio.run(run())
