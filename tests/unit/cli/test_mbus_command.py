"""`openami mbus` as a user meets it, against a meter that our own face plays."""

from __future__ import annotations

import asyncio
import json
import threading

import pytest

from openami.cli import mbus
from openami.cli.decode import decode
from openami.field.meter.daily_flow import DailyFlow
from openami.field.meter.faces.mbus import MbusFace
from openami.field.meter.faces.tcp import serve_meter_tcp
from openami.field.meter.pipe_meter import PipeKind, PipeMeter, PipeMeterConfig
from openami.io.clock import SystemClock
from openami.model.errors import LinkTimeout, SettingError

FAST = {"timeout": 0.1, "retries": 0}


@pytest.fixture
def bus():
    """The address of a heat meter on TCP: number 12345678, primary address 5."""
    ready, stop = threading.Event(), asyncio.Event()
    told = {}

    async def serve():
        device = PipeMeter(PipeMeterConfig(PipeKind.HEAT, "12345678", 5), DailyFlow(0))
        server = await serve_meter_tcp(MbusFace(device, SystemClock()))
        told.update(port=server.port, loop=asyncio.get_running_loop())
        ready.set()
        await stop.wait()
        await server.close()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    ready.wait()
    yield f"tcp://127.0.0.1:{told['port']}"
    told["loop"].call_soon_threadsafe(stop.set)
    thread.join()


def objects(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("meter", ["5", "12345678", "1234ffff", "12345678.OAM.01.04"])
def test_read(bus, capsys, meter):
    mbus.read(bus, meter, as_json=True, **FAST)
    (found,) = objects(capsys)
    assert (found["content"], found["meter"], found["device"]) == ("records", "OAM.12345678.01.04", "heat")
    values = {value["name"]: value for value in found["values"]}
    assert values["flow temperature"] == {
        "name": "flow temperature",
        "value": 70,
        "unit": "°C",
        "obis": "6-0:10.0.0*255",
    }


def test_read_for_people(bus, capsys):
    mbus.read(bus, "5", **FAST)
    shown = capsys.readouterr().out
    assert "OAM.12345678.01.04, heat" in shown
    assert "6-0:1.0.0*255" in shown


def test_scan(bus, capsys):
    assert mbus.scan(bus, as_json=True, **FAST) == 0
    (found,) = objects(capsys)
    assert (found["address"], found["meter"]) == (253, "OAM.12345678.01.04")


@pytest.mark.parametrize("meter", ["5", "12345678"])
def test_set(bus, capsys, meter):
    mbus.set(bus, meter, address=17, identification="87654321", **FAST)
    mbus.read(bus, "17", as_json=True, **FAST)
    (found,) = objects(capsys)
    assert found["meter"] == "OAM.87654321.01.04"


@pytest.mark.parametrize(
    ("options", "problem"),
    [({}, "nothing to set"), ({"address": 251}, "--address is 251"), ({"identification": "12"}, "eight digits")],
)
def test_wrong_settings(options, problem):
    with pytest.raises(SettingError, match=problem):
        mbus.set("tcp://127.0.0.1:1", "5", **options)


def test_nobody_there(bus):
    with pytest.raises(LinkTimeout, match="no answer from meter 6"):
        mbus.read(bus, "6", **FAST)


@pytest.mark.parametrize(
    "meter",
    ["251", "1234", "12345678.KAM", "1234567G", "12345678.KAM.1B", "12345678.KAM.1FF.16", "12345678.12C2D.1B.16"],
)
def test_wrong_addresses_of_meters(meter):
    with pytest.raises(SettingError):
        mbus.read("tcp://127.0.0.1:1", meter)


def test_a_gateway_needs_its_port():
    with pytest.raises(SettingError, match="name the gateway's port"):
        mbus.read("tcp://127.0.0.1", "5")


def framed(body):
    octets = bytes.fromhex(body)
    length = bytes((len(octets), len(octets)))
    return (b"\x68" + length + b"\x68" + octets + bytes((sum(octets) & 0xFF, 0x16))).hex()


def test_decode_detects_a_frame(capsys):
    frame = framed("0801 72 78563412 ad3d 01 07 05 00 0000 0413 c4090000 01fd17 04")
    assert decode(message=frame, as_json=True) == 0
    (found,) = objects(capsys)
    assert (found["protocol"], found["kind"], found["address"]) == ("mbus", "rsp_ud", 1)
    assert found["content"]["meter"] == "OMM.12345678.01.07"
    assert found["content"]["values"] == [
        {"name": "volume", "value": 2.5, "unit": "m³", "obis": "8-0:1.0.0*255"},
        {"name": "error flags", "value": 4, "unit": ""},
    ]


def test_decode_explains_a_stream_with_garbage(capsys):
    stream = "e5 00ff 107b058016" + framed("080578 0413 01000000")
    assert decode(message="10 40 05 45 16" + stream, as_json=True) == 0
    (found,) = objects(capsys)
    assert [part["kind"] for part in found["content"]] == [
        "snd_nke",
        "acknowledge",
        "garbage",
        "req_ud2",
        "rsp_ud",
    ]


def test_decode_takes_bare_records_by_name(capsys):
    assert decode(message="0413c4090000", protocol="mbus-records", as_json=True) == 0
    (found,) = objects(capsys)
    assert found["values"][0]["value"] == 2.5


def test_decode_says_what_is_wrong_inside_a_frame(capsys):
    assert decode(message=framed("080578 0413 01"), as_json=True) == 0
    (found,) = objects(capsys)
    assert "4 bytes expected" in found["problem"]


def test_decode_says_what_is_wrong_with_a_frame(capsys):
    assert decode(message=framed("080578 0413 01000000")[:-4] + "0016", as_json=True) == 1
    (found,) = objects(capsys)
    assert "checksum 00, calculated" in found["error"]
