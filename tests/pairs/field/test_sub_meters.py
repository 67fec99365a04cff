"""An electricity meter reads its sub-meters over a wired M-Bus and shows them as COSEM objects."""

from __future__ import annotations

import asyncio

from openami.field.meter.config import MeterConfig
from openami.field.meter.curve import ArrayCurve
from openami.field.meter.daily_flow import DailyFlow
from openami.field.meter.electricity import ElectricityMeter
from openami.field.meter.faces.mbus import MbusFace
from openami.field.meter.faces.mbus_master import read_sub_meters
from openami.field.meter.pipe_meter import PipeKind, PipeMeter, PipeMeterConfig
from openami.field.meter.real_curves import replayed
from openami.io.clock import SystemClock
from openami.io.links.mbus import MbusMaster
from openami.io.links.memory import memory_pair
from openami.protocols.dlms.cosem.extended_register import ExtendedRegister
from openami.protocols.dlms.cosem.m_bus import MBusClient0
from openami.protocols.dlms.data import decode_data
from openami.protocols.dlms.security import SecurityKeys
from openami.protocols.mbus.wired.primary import WiredTiming

START = 1_767_225_600.0
KEYS = SecurityKeys(bytes(16), bytes(16))
QUICK = WiredTiming(answer_s=0.2, gap_s=0.05, repeats=0)


def electricity():
    config = MeterConfig(serial="10000001", system_title=b"OAM\x00\x00\x00\x00\x01", keys=KEYS, sub_meters=(5, 9))
    return ElectricityMeter(config, ArrayCurve.replay(replayed("uk-2", START + 86_400)), START)


def test_what_the_bus_says_is_shown():
    async def run():
        clock = SystemClock()
        meter = electricity()
        outside, inside = memory_pair()
        pipe = PipeMeter(PipeMeterConfig(PipeKind.GAS, "12345678", 5), DailyFlow(int(clock.time()) - 86_400 * 30))
        serving = asyncio.create_task(MbusFace(pipe, clock).serve(inside))
        bus = MbusMaster(outside, clock, QUICK)
        assert await read_sub_meters(meter, bus, clock) == 1
        await bus.close()
        await serving
        return meter

    meter = asyncio.run(run())
    gas, silent = meter.sub_meters
    client, register = gas.objects()
    read = lambda shown, attribute: decode_data(shown.read(attribute, None, START)).value  # noqa: E731
    assert read(client, MBusClient0.identification_number.attribute_id) == 0x12345678
    assert read(client, MBusClient0.device_type.attribute_id) == PipeKind.GAS.value
    assert read(client, MBusClient0.primary_address.attribute_id) == 5
    assert read(register, ExtendedRegister.value.attribute_id) > 0
    assert [part.value for part in read(register, ExtendedRegister.scaler_unit.attribute_id)] == [-3, 13]
    assert read(silent.objects()[1], ExtendedRegister.value.attribute_id) is None
    for shown in (*gas.objects(), *silent.objects()):
        for attribute_id in range(1, 6):
            assert shown.read(attribute_id, None, START)


def test_each_channel_has_its_instances():
    names = {str(client.logical_name) for sub_meter in electricity().sub_meters for client in sub_meter.objects()}
    assert names == {"0-1:24.1.0*255", "0-1:24.2.1*255", "0-2:24.1.0*255", "0-2:24.2.1*255"}
