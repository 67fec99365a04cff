"""A repeater on a stick: what a collector hears through it is the meter's telegram, once, later."""

from __future__ import annotations

import asyncio

import pytest

from openami.field.meter.daily_flow import DailyFlow
from openami.field.meter.faces.repeater import RepeaterFace
from openami.field.meter.pipe_meter import PipeMeter, PipeMeterConfig
from openami.field.meter.wireless_meter import Security, WirelessMeter, WirelessSettings
from openami.io.links.memory import memory_pair
from openami.io.links.wmbus import RadioListener
from openami.model.errors import ConnectFailed
from openami.protocols.mbus.wireless.address import MeterAddress
from openami.protocols.mbus.wireless.keys import KeyStore
from openami.protocols.mbus.wireless.reader import WirelessReader
from openami.protocols.mbus.wireless.repeater import OneHopRepeater
from openami.protocols.mbus.wireless.sticks.heard import ToSend
from openami.protocols.mbus.wireless.sticks.kinds import STICKS
from virtual_loop import VirtualClock, in_virtual_time

START = 1_767_225_600
KEY = bytes(range(16))
REPEATER = MeterAddress.parse("OAM.00000001.01.32")


@pytest.mark.parametrize("kind", ["imst", "amber"])
@in_virtual_time
async def test_meters_are_heard_through_it(kind):
    clock = VirtualClock(START + 86_400)
    meter = WirelessMeter(
        PipeMeter(PipeMeterConfig(), DailyFlow(START)),
        WirelessSettings(security=Security.MODE_5, key=KEY),
        clock.time(),
    )
    air, near = memory_pair()
    stick = STICKS[kind]
    repeater = OneHopRepeater(REPEATER, lambda size: b"\x80" * size)
    face = RepeaterFace(repeater, RadioListener(near, stick), clock)
    serving = asyncio.create_task(face.serve())
    meter.handle_timeout(clock.time())
    (frame,) = meter.data_to_send()
    await air.send(stick.write(frame))
    await air.send(stick.write(b"\x0a" + bytes(10)))
    began, parser, asked = clock.time(), stick.parser(), []
    while not asked:
        asked = [event.frame for event in parser.feed(await air.receive()) if isinstance(event, ToSend)]
    assert 15 <= clock.time() - began <= 15.1
    reading = WirelessReader(KeyStore([KEY])).read(asked[0])
    assert reading.telegram.repeated
    assert reading.value("volume").value.mantissa > 0
    await air.close()
    await serving
    assert repeater.repeated == 1


@in_virtual_time
async def test_a_stick_that_only_hears_cannot_repeat():
    _, near = memory_pair()
    face = RepeaterFace(OneHopRepeater(REPEATER, bytes), RadioListener(near, STICKS["cul"]), VirtualClock(0))
    with pytest.raises(ConnectFailed, match="only hears"):
        await face.serve()
