"""A stick that a collector's settings name: opened, lost, opened again; what it hears goes on as it came."""

from __future__ import annotations

import asyncio
import logging

import pytest

from openami.field.meter.daily_flow import DailyFlow
from openami.field.meter.pipe_meter import PipeMeter, PipeMeterConfig
from openami.field.meter.wireless_meter import Security, WirelessMeter, WirelessSettings
from openami.io.links.lasting import LastingListener
from openami.io.links.memory import memory_pair
from openami.io.links.neighbourhood import Heard, MeterSeen
from openami.io.links.wmbus import RadioListener, WirelessNeighbourhood, stick_address
from openami.model.errors import ConnectFailed, SettingError
from openami.protocols.mbus.wireless.sticks.kinds import STICKS
from virtual_loop import VirtualClock, in_virtual_time

CUL = STICKS["cul"]
KEY = bytes(range(16))
START = 1_767_225_600


def telegrams(count):
    """The frames of a water meter, mode 7."""
    device = PipeMeter(PipeMeterConfig(), DailyFlow(START))
    meter = WirelessMeter(device, WirelessSettings(security=Security.MODE_7, key=KEY), START + 86_400.0)
    for _ in range(count):
        meter.handle_timeout(meter.next_timeout())
    return meter.data_to_send()


class Socket:
    """Where a stick is plugged in, and pulled out."""

    def __init__(self):
        self.plugged = []
        self.tries = 0

    async def listen(self):
        self.tries += 1
        if not self.plugged:
            raise ConnectFailed("no such device")
        return RadioListener(self.plugged.pop(), CUL)

    def plug(self):
        far, near = memory_pair()
        self.plugged.append(near)
        return far


@in_virtual_time
async def test_a_stick_that_is_pulled_out_and_put_back_goes_on(caplog):
    caplog.set_level(logging.WARNING)
    socket, clock = Socket(), VirtualClock(0)
    listener = LastingListener("stick cul", socket.listen, clock)
    around = WirelessNeighbourhood(listener, clock)
    first, second = telegrams(2)
    air = socket.plug()
    await air.send(CUL.write(first))
    assert [type(await around.next_event()) for _ in range(2)] == [MeterSeen, Heard]
    assert (listener.connected, listener.losses) == (True, 0)
    await air.close()
    waiting = asyncio.create_task(around.next_event())
    await asyncio.sleep(60)
    assert (listener.connected, listener.losses) == (False, 1)
    assert 10 <= socket.tries <= 14
    await socket.plug().send(CUL.write(second))
    assert isinstance(await waiting, Heard)
    assert listener.connected
    assert [record.message.partition(";")[0] for record in caplog.records] == [
        "stick cul: memory:left has ended",
        "stick cul: no such device",
    ]
    await listener.close()


@in_virtual_time
async def test_what_looks_alike_is_held_back_and_counted():
    socket, clock = Socket(), VirtualClock(0)
    around = WirelessNeighbourhood(LastingListener("stick cul", socket.listen, clock), clock, every_s=300)
    air = socket.plug()
    for frame in telegrams(3):
        await air.send(CUL.write(frame))
    await air.send(CUL.write(telegrams(1)[0][:-1] + b"\x00"))
    await around.next_event()
    await around.next_event()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(10):
            await around.next_event()
    assert (around.heard, around.held_back, around.damaged) == (3, 2, 1)


@pytest.mark.parametrize("entry", ["serial:///dev/ttyUSB0", "enigma=serial:///dev/ttyUSB0", ""])
def test_settings_that_name_no_stick_are_refused(entry):
    with pytest.raises(SettingError, match=r"collector\.sticks holds .* write KIND=LINK with one of imst, amber, cul"):
        stick_address(entry, "collector.sticks")
    assert stick_address("imst=serial:///dev/ttyUSB0", "collector.sticks") == (STICKS["imst"], "serial:///dev/ttyUSB0")
