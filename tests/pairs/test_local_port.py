"""A local port over a line in memory whose ends only understand each other at the same speed."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from openami.io.links.driver import Driver
from openami.io.links.local_port import LocalPort, LocalPortError
from openami.io.links.memory import memory_pair
from openami.model.errors import LinkLost, LinkTimeout
from openami.protocols.iec62056_21.data_set import DataSet
from openami.protocols.iec62056_21.message import Identification
from openami.protocols.iec62056_21.tariff_device import DeviceSettings, TariffDevice
from virtual_loop import VirtualLoop

REGISTERS = [DataSet("1.8.0", ("000123.4*kWh",)), DataSet("C.1.0", ("12345678",))]
PROFILE = "P.01(0240115001500)(00)(15)(1)(1.5)(kW)\r\n(0.250)\r\n(0.300)\r\n"


class LoopClock:
    """The loop's own time, which costs nothing under test."""

    def time(self):
        return self.monotonic()

    def monotonic(self):
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds):
        await asyncio.sleep(seconds)


class Wire:
    """One end: what arrives at another speed than was sent is noise."""

    def __init__(self, link, speeds):
        self.peer, self.datagrams = link.peer, False
        self.link, self.speeds, self.speed = link, speeds, 300

    async def reconfigure(self, settings):
        self.speed = settings.baudrate

    async def send(self, data):
        self.speeds.append(self.speed)
        await self.link.send(data)

    async def receive(self):
        data = await self.link.receive()
        return data if not data or self.speeds[-1] == self.speed else bytes(octet | 0x80 for octet in data)

    async def close(self):
        await self.link.close()


async def device(wire, settings, *, follows):
    driver = Driver(TariffDevice(settings), wire, LoopClock())
    with suppress(LinkLost):
        while True:
            change = await driver.next_event()
            await asyncio.sleep(1.0)
            if follows:
                wire.speed = change.speed


def conversation(talk, *, follows=True, speed_character="5", **settings):
    """What `talk` gives with a port to a device."""

    async def run():
        left, right = memory_pair()
        speeds = [300]
        far = Wire(right, speeds)
        made = DeviceSettings(Identification("OAM", speed_character, "METER"), lambda: REGISTERS, **settings)
        task = asyncio.create_task(device(far, made, follows=follows))
        port = LocalPort(Wire(left, speeds), LoopClock())
        try:
            return await talk(port)
        finally:
            await port.close()
            await task

    loop = VirtualLoop()
    try:
        return loop.run_until_complete(run())
    finally:
        loop.close()


@pytest.mark.parametrize("speed_character", ["-", "C", "0", "5", "6"])
def test_a_read_out(speed_character):
    identification, sets = conversation(lambda port: port.read_out(), speed_character=speed_character)
    assert identification.text == "METER"
    assert sets == REGISTERS


def test_registers_and_profiles_behind_a_password():
    written = []

    def write(command):
        written.append(command.data)
        return True

    def read(command):
        return (
            PROFILE if command.data.startswith("P.01") else "1.8.0(000123.4*kWh)" if "1.8.0" in command.data else None
        )

    async def talk(port):
        await port.open()
        with pytest.raises(LocalPortError, match="ER01"):
            await port.read("1.8.0")
        await port.password("secret")
        await port.write("0.9.1", "120000")
        with pytest.raises(LocalPortError, match="ER03"):
            await port.read("9.9.9")
        return await port.read("1.8.0"), await port.load_profile()

    sets, (stretch,) = conversation(talk, passwords={"1": "secret"}, read=read, write=write)
    assert sets == REGISTERS[:1]
    assert stretch.rows == (("0.250",), ("0.300",))
    assert written == ["0.9.1(120000)"]


def test_a_device_that_does_not_follow_its_own_proposal_is_read_at_300_baud():
    _identification, sets = conversation(lambda port: port.read_out(), follows=False)
    assert sets == REGISTERS


def test_nobody_there():
    async def run():
        left, _right = memory_pair()
        await LocalPort(Wire(left, [300]), LoopClock()).read_out()

    loop = VirtualLoop()
    try:
        with pytest.raises(LinkTimeout, match="is the head on the meter"):
            loop.run_until_complete(run())
    finally:
        loop.close()
