"""Water and heat meters on a wired M-Bus, read by our own primary in memory, over a pty and over TCP."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from openami.field.meter.daily_flow import HOUSEHOLD_ML, DailyFlow
from openami.field.meter.faces.mbus import MbusFace
from openami.field.meter.faces.serial_line import SerialFace
from openami.field.meter.faces.tcp import serve_meter_tcp
from openami.field.meter.pipe_meter import PipeKind, PipeMeter, PipeMeterConfig
from openami.io.clock import SystemClock
from openami.io.links.mbus import MBUS_LINE, MbusMaster, line_settings
from openami.io.links.memory import memory_pair
from openami.io.links.pty import open_pty
from openami.io.links.serial import open_serial
from openami.io.links.tcp import connect_tcp
from openami.model.errors import LinkError, LinkTimeout, LocalProtocolError, SettingError
from openami.protocols.mbus.application import decode_application
from openami.protocols.mbus.obis import obis_of
from openami.protocols.mbus.wired.events import DataReceived
from openami.protocols.mbus.wired.primary import WiredTiming
from openami.protocols.mbus.wired.procedures import set_identification, set_primary_address
from openami.protocols.mbus.wired.selection import Selection

START = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
NOON = int(datetime(2026, 2, 10, 12, tzinfo=UTC).timestamp())
QUICK = WiredTiming(answer_s=0.2, gap_s=0.1, repeats=1)


def pipe_meter(kind=PipeKind.WATER, address=5):
    return PipeMeter(PipeMeterConfig(kind, "12345678", address), DailyFlow(START))


def told(meter, now):
    return {
        record.name: str(record.value)
        for ci, data in meter.telegrams(meter.address, now)
        for record in decode_application(ci, data).records
    }


def test_what_a_water_meter_says():
    litres = (40 * sum(HOUSEHOLD_ML) + sum(HOUSEHOLD_ML[:12])) // 1000
    before = 31 * sum(HOUSEHOLD_ML) // 1000
    assert told(pipe_meter(), NOON) == {
        "fabrication number": "12345678",
        "volume": f"{litres / 1000:.3f} m³",
        "volume flow": f"{HOUSEHOLD_ML[12] / 1e6:.3f} m³/h",
        "date and time": "2026-02-10T12:00:00",
        "date, storage 1": "2026-02-01",
        "volume, storage 1": f"{before / 1000:.3f} m³",
    }


def test_what_a_heat_meter_says():
    shown = told(pipe_meter(PipeKind.HEAT), NOON)
    assert shown["flow temperature"] == "70.0 °C"
    assert shown["return temperature"] == "40.0 °C"
    litres = (40 * sum(HOUSEHOLD_ML) + sum(HOUSEHOLD_ML[:12])) // 1000
    assert shown["energy"] == f"{litres * 1163 * 30 // 10**6 * 1000} Wh"


def test_every_register_has_its_obis_code():
    for kind, codes in (
        (PipeKind.WATER, {"8-0:1.0.0*255", "8-0:1.2.0*255", "8-0:2.0.0*255"}),
        (PipeKind.GAS, {"7-0:3.0.0*255", "7-0:3.2.0*255", "7-0:43.15.0*255"}),
    ):
        meter = pipe_meter(kind)
        ((ci, data),) = meter.telegrams(meter.address, NOON)
        found = {str(obis_of(record, kind.value)) for record in decode_application(ci, data).records}
        assert found - {"None"} == codes


def test_registers_never_go_back():
    flow = DailyFlow(START)
    volumes = [flow.volume_ml(START + 977 * step) for step in range(300)]
    assert volumes == sorted(volumes)
    assert flow.volume_ml(START - 1) == 0


@pytest.mark.parametrize("wrong", [{"identification": "1234"}, {"identification": "1234567A"}, {"address": 251}])
def test_wrong_configurations_are_refused(wrong):
    with pytest.raises(SettingError):
        PipeMeterConfig(**wrong)


@pytest.mark.parametrize("record", ["097af5", "017aff", "017afb", "057a0000203f"])
def test_an_address_that_is_none_is_not_taken(record):
    """-5, 255, 251 and 0.625."""
    face = MbusFace(pipe_meter(), SystemClock())
    face.handle(DataReceived(0x51, bytes.fromhex(record), broadcast=False))
    assert face.core.address == 5


async def read_and_set(master):
    (application,) = await master.read(5)
    assert str(application.address) == "OAM.12345678.01.07"
    assert {"volume", "volume flow"} <= {record.name for record in application.records}
    await master.perform(set_primary_address(5, 7))
    await master.perform(set_identification(7, "87654321"))
    with pytest.raises(LinkError, match="no answer from meter 5"):
        await master.read(5)
    (application,) = await master.read(Selection("87654321"))
    assert str(application.address) == "OAM.87654321.01.07"
    assert [each.address for each in await master.scan(range(6, 9))] == [7]


def test_in_memory():
    async def run():
        clock = SystemClock()
        outside, inside = memory_pair()
        serving = asyncio.create_task(MbusFace(pipe_meter(), clock).serve(inside))
        master = MbusMaster(outside, clock, QUICK)
        await read_and_set(master)
        await master.close()
        await serving

    asyncio.run(run())


def test_over_a_pty():
    async def run():
        clock = SystemClock()
        link, path = await open_pty()
        face = SerialFace(MbusFace(pipe_meter(), clock), link, path)
        for address in (5, 7):  # a second program opens the line as the first one left it
            master = MbusMaster(await open_serial(path, line_settings(path)), clock, QUICK)
            assert len(await master.read(address)) == 1
            if address == 5:
                await read_and_set(master)
            await master.close()
        await face.close()

    asyncio.run(run())


def test_over_tcp():
    async def run():
        clock = SystemClock()
        server = await serve_meter_tcp(MbusFace(pipe_meter(), clock))
        master = MbusMaster(await connect_tcp("127.0.0.1", server.port), clock, QUICK)
        await read_and_set(master)
        await master.close()
        await server.close()

    asyncio.run(run())


class Line:
    """One end of a line: what arrives at another speed than it was sent with is noise."""

    def __init__(self, link, sent, *, deaf=False):
        self.peer, self.datagrams = link.peer, False
        self.link, self.sent, self.deaf = link, sent, deaf
        self.speed = MBUS_LINE.baudrate

    async def reconfigure(self, settings):
        self.speed = self.speed if self.deaf else settings.baudrate

    async def send(self, data):
        self.sent.append(self.speed)
        await self.link.send(data)

    async def receive(self):
        data = await self.link.receive()
        return data if not data or self.sent[-1] == self.speed else bytes(octet ^ 0x55 for octet in data)

    async def close(self):
        await self.link.close()


@pytest.mark.parametrize("deaf", [False, True])
def test_master_and_meter_change_their_speed_or_stay(deaf):
    async def run():
        outside, inside = memory_pair()
        sent = []
        mine, other = Line(outside, sent), Line(inside, sent, deaf=deaf)
        serving = asyncio.create_task(MbusFace(pipe_meter(), SystemClock()).serve(other))
        master = MbusMaster(mine, SystemClock(), QUICK)
        if deaf:
            with pytest.raises(LinkTimeout, match="back at 2400"):
                await master.switch_speed(5, 9600)
        else:
            await master.switch_speed(5, 9600)
        assert mine.speed == (2400 if deaf else 9600)
        assert len(await master.read(5)) == 1
        await master.close()
        await serving

    asyncio.run(run())


def test_a_link_of_one_speed_cannot_follow():
    async def run():
        outside, _ = memory_pair()
        with pytest.raises(LocalProtocolError, match="one speed"):
            await MbusMaster(outside, SystemClock(), QUICK).switch_speed(5, 9600)

    asyncio.run(run())


def test_a_link_that_ends_is_said():
    async def run():
        outside, inside = memory_pair()
        master = MbusMaster(outside, SystemClock(), QUICK)
        await inside.close()
        with pytest.raises(LinkError):
            await master.read(5)

    asyncio.run(run())


def test_how_a_line_is_opened_when_nothing_is_said():
    assert line_settings("/dev/ttyUSB0") is MBUS_LINE
    assert (MBUS_LINE.baudrate, MBUS_LINE.bytesize, MBUS_LINE.parity) == (2400, 8, "E")
    assert line_settings("/dev/pts/3").parity == "N"
