"""Water and heat meters on a wired M-Bus, read by our own primary in memory, over a pty and over TCP."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime

import pytest

from openami.field.meter.daily_flow import HOUSEHOLD_ML, DailyFlow
from openami.field.meter.faces.mbus import MbusFace
from openami.field.meter.faces.serial_line import SerialFace
from openami.field.meter.faces.tcp import serve_meter_tcp
from openami.field.meter.pipe_meter import PipeKind, PipeMeter, PipeMeterConfig
from openami.field.meter.wired_settings import WiredSettings
from openami.io.clock import SystemClock
from openami.io.links.mbus import MBUS_LINE, MbusMaster, line_settings
from openami.io.links.memory import memory_pair
from openami.io.links.pty import open_pty
from openami.io.links.serial import open_serial
from openami.io.links.tcp import connect_tcp
from openami.model.errors import LinkError, LinkTimeout, LocalProtocolError, SettingError
from openami.protocols.mbus.application import Content, decode_application
from openami.protocols.mbus.encode import date_record, date_time_record
from openami.protocols.mbus.obis import obis_of
from openami.protocols.mbus.records import decode_records
from openami.protocols.mbus.selected_application import SelectedApplication
from openami.protocols.mbus.wired.events import DataReceived
from openami.protocols.mbus.wired.primary import WiredTiming
from openami.protocols.mbus.wired.procedures import (
    read_out,
    refusal,
    reset_application,
    selected_application,
    send_records,
    set_clock,
    set_identification,
    set_primary_address,
)
from openami.protocols.mbus.wired.secondary import WiredSecondary
from openami.protocols.mbus.wired.selection import Selection
from openami.protocols.mbus.wireless.transport import status_words

START = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
NOON = int(datetime(2026, 2, 10, 12, tzinfo=UTC).timestamp())
QUICK = WiredTiming(answer_s=0.2, gap_s=0.1, repeats=1)


def pipe_meter(kind=PipeKind.WATER, address=5):
    return PipeMeter(PipeMeterConfig(kind, "12345678", address), DailyFlow(START))


def told(meter, now):
    return {record.name: str(record.value) for raw in meter.records(now) for record in decode_records(raw)}


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
        records = decode_records(b"".join(meter.records(NOON)))
        found = {str(obis_of(record, kind.value)) for record in records}
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


class Wired:
    """A heat meter on a bus of its own."""

    def __init__(self):
        self.meter = pipe_meter(PipeKind.HEAT)
        core = WiredSecondary(5, self.meter.address)
        self.settings = WiredSettings(self.meter, core)
        self.core = core

    def say(self, ci, hexadecimal=""):
        self.settings.receive(ci, bytes.fromhex(hexadecimal), NOON)
        return self

    def application(self, *, alarm=False):
        ((ci, data),) = self.settings.answer(NOON, alarm=alarm)
        return decode_application(ci, data)

    def names(self):
        return [record.name for record in self.application().records]


def test_an_application_chooses_what_is_told_until_the_next_reset():
    wired = Wired()
    everything = wired.names()
    assert wired.say(0x50, "50").names() == ["volume flow", "power", "flow temperature", "return temperature"]
    assert wired.say(0x50, "10").names() == ["energy", "volume", "date and time"]
    assert wired.names() == ["energy", "volume", "date and time"]
    assert wired.say(0x54).application().meaning == "user data"
    assert wired.say(0x50).names() == everything
    refused = wired.say(0x50, "a0").application()
    assert (refused.content, refused.meaning) == (Content.ERROR, "no such function")
    assert wired.names() == everything


def test_records_without_data_choose_single_ones():
    wired = Wired()
    everything = wired.names()
    assert wired.say(0x51, "0806 4813").names() == ["energy", "volume, storage 1"]
    assert wired.say(0x51, "487e").names() == ["date, storage 1", "energy, storage 1", "volume, storage 1"]
    assert wired.say(0x51, "7f").names() == everything


def test_clock_and_set_date_are_taken():
    wired = Wired()
    wired.say(0x51, (date_time_record(datetime(2026, 5, 3, 8, 30)) + date_record(date(2026, 4, 30), 1)).hex())
    shown = told(wired.meter, NOON + 60)
    assert shown["date and time"] == "2026-05-03T08:31:00"
    assert shown["date, storage 1"] == "2026-04-30"
    wired.say(0x51, date_record(date(2026, 6, 30), 1).hex())
    assert told(wired.meter, NOON)["date, storage 1"] == "2025-06-30"


def test_the_whole_secondary_address_can_be_set():
    wired = Wired().say(0x51, "0779 78563421 2d3c 02 04")
    assert str(wired.core.meter) == "OAM.21345678.02.04"


@pytest.mark.parametrize(
    ("ci", "data", "words"),
    [
        (0x51, "0c0678563412", "no such function"),
        (0x51, "017afb", "parameter error"),
        (0x51, "0c797856341a", "parameter error"),
        (0x51, "026cbf2c", "parameter error"),
        (0x51, "046d426c5e34", "parameter error"),
        (0x51, "0c79", "premature end of record"),
        (0x3F, "", "unimplemented CI field"),
        (0x52, "00", "unimplemented CI field"),
    ],
)
def test_what_it_does_not_do_it_refuses_once(ci, data, words):
    wired = Wired().say(ci, data)
    refused = wired.application()
    assert (refused.content, refused.meaning) == (Content.ERROR, words)
    assert wired.application().content is Content.RECORDS
    assert (wired.core.address, str(wired.core.meter)) == (5, "OAM.12345678.01.04")


def test_alarms_are_told_when_asked_for_and_in_the_status():
    wired = Wired()
    assert wired.settings.answer(NOON, alarm=True) == []
    assert wired.application().status == 0
    wired.meter.alarms = 0x05
    alarm = wired.application(alarm=True)
    assert (alarm.content, alarm.code, alarm.meaning) == (Content.ALARM, 5, "alarm bits 0, 2, the manufacturer's")
    assert status_words(wired.application().status) == ("abnormal condition",)


async def read_and_set(master):
    (application,) = await master.read(5)
    assert str(application.address) == "OAM.12345678.01.07"
    assert {"volume", "volume flow"} <= {record.name for record in application.records}
    await master.perform(set_primary_address(5, 7))
    await master.perform(set_identification(7, "87654321"))
    assert await master.perform(refusal(7)) == ""
    await master.perform(send_records(7, bytes.fromhex("0c0678563412")))
    assert await master.perform(refusal(7)) == "meter 7 refuses: no such function"
    await master.perform(set_clock(7, datetime(2026, 5, 3, 8, 30, tzinfo=UTC)))
    await master.perform(reset_application(7, SelectedApplication(1)))
    assert await master.perform(selected_application(7)) == SelectedApplication(1)
    (application,) = await master.perform(read_out(7))
    assert str(application.records.records[-1].value)[:10] == "2026-05-03"
    await master.perform(reset_application(7))
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
