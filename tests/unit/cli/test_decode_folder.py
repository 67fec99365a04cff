"""`openami decode FOLDER`: mixed captures become one table, and what cannot be read is told with its bytes."""

from __future__ import annotations

import pytest

from openami.field.meter.daily_flow import DailyFlow
from openami.field.meter.pipe_meter import PipeKind, PipeMeter, PipeMeterConfig
from openami.protocols.iec62056_21.data_set import DataSet
from openami.protocols.iec62056_21.message import DataBlock, encode_data_block
from openami.protocols.iec62056_21.p1 import encode_p1
from openami.protocols.mbus.encode import telegrams
from openami.protocols.mbus.wired.frame import LongFrame, encode_frame
from openami.protocols.mbus.wireless.frame_format import FrameFormat
from openami.protocols.mbus.wireless.frame_format import encode_frame as with_checksums
from openami.protocols.mbus.wireless.sealing import mode_5_telegram
from openami.protocols.sml.element import unsigned
from openami.protocols.sml.file import Message, encode_file
from openami.protocols.sml.messages import GetListResponse
from openami.protocols.sml.transport import encode_transport
from openami.protocols.sml.types import ListEntry

NOW = 1_700_000_000.0
KEY = bytes(range(16))
ENERGY = ListEntry(bytes.fromhex("0100010800ff"), None, None, 30, 0, unsigned(123456))
SML = encode_transport(encode_file([Message(b"\x01", 0, 0, GetListResponse(None, bytes(10), None, None, (ENERGY,)))]))
P1 = encode_p1("OAM5METER", [DataSet("0-0:96.1.1", ("4F414D37",)), DataSet("1-0:1.8.0", ("000123.456*kWh",))])
READOUT = b"/OAM5METER\r\n" + encode_data_block(DataBlock("0.0.0(4711)\r\n1.8.0(000123.456*kWh)\r\n!\r\n"))


def device(kind):
    return PipeMeter(PipeMeterConfig(kind, "12345678"), DailyFlow(0))


def wired():
    heat = device(PipeKind.HEAT)
    ((ci, data),) = telegrams(heat.address, 0, 0, heat.records(NOW))
    return encode_frame(LongFrame(0x08, 1, ci, data))


def wireless(number=1):
    water = device(PipeKind.WATER)
    return mode_5_telegram(0x44, water.address, number, b"".join(water.records(NOW)), KEY)


@pytest.fixture
def folder(tmp_path):
    air = with_checksums(wireless(2), FrameFormat.A)
    (tmp_path / "air").mkdir()
    (tmp_path / "air" / "lines.hex").write_text(f"# heard today\n{wireless().hex()}\n\nno telegram\n")
    (tmp_path / "air" / "rtl.txt").write_text(f"T1;1;1;2026-01-01 00:00:00.000;97;148;12345678;0x{air.hex()}\n")
    (tmp_path / "bus.bin").write_bytes(wired() * 2)
    folded = wired().hex(" ")
    (tmp_path / "folded.hex").write_text("\n".join(folded[at : at + 48] for at in range(0, len(folded), 48)))
    (tmp_path / "optical.sml").write_bytes(SML * 2 + SML[:20])
    (tmp_path / "port.p1").write_bytes(P1 * 2)
    (tmp_path / "readout.txt").write_bytes(READOUT)
    (tmp_path / "wrong.p1").write_bytes(P1.replace(b"123.456", b"123.457"))
    (tmp_path / ".hidden").write_text("zz")
    return tmp_path


def test_one_table_of_all(openami, folder):
    ran = openami("decode", folder, "--key", KEY.hex(), "--json")
    values = [one for one in ran.objects if "name" in one]
    found = {(one["source"], one["protocol"], one["meter"]) for one in values}
    assert found == {
        ("air/lines.hex, line 2", "wmbus", "OAM.12345678.01.07"),
        ("air/rtl.txt, line 1", "wmbus", "OAM.12345678.01.07"),
        ("bus.bin, message 1", "mbus", "OAM.12345678.01.04"),
        ("bus.bin, message 2", "mbus", "OAM.12345678.01.04"),
        ("folded.hex, line 1", "mbus", "OAM.12345678.01.04"),
        ("optical.sml, message 1", "sml", "00" * 10),
        ("optical.sml, message 2", "sml", "00" * 10),
        ("port.p1, message 1", "p1", "OAM7"),
        ("port.p1, message 2", "p1", "OAM7"),
        ("readout.txt, message 1", "iec62056-21", "4711"),
    }
    energies = [one["value"] for one in values if one["name"] == "1-0:1.8.0*255"]
    assert energies == [123456] * 5
    (litres,) = {one["value"] for one in values if one["name"] == "8-0:1.0.0*255"}
    assert litres == device(PipeKind.WATER).flow.volume_ml(NOW) // 1000 / 1000
    assert all(one["quality"] == "measured" for one in values if one["value"] is not None)
    assert {one["guarantee"] for one in values if one["protocol"] == "wmbus"} == {"unauthenticated"}


def test_what_cannot_be_read_is_told_with_its_bytes(openami, folder):
    ran = openami("decode", folder, "--key", KEY.hex(), "--json")
    assert ran.status == 1
    told = {one["source"]: (one["error"], one["bytes"]) for one in ran.objects if "error" in one}
    assert told["air/lines.hex, line 4"][1] == b"no telegram".hex()
    assert "checksum" in told["wrong.p1, message 1"][0]
    assert told["wrong.p1, message 1"][1] == P1.replace(b"123.456", b"123.457").hex()
    assert told["optical.sml, message 3"][1] == SML[:20].hex()
    assert len(told) == 3


def test_without_the_key_the_telegram_is_listed_as_closed(openami, folder):
    ran = openami("decode", folder / "air", "--json")
    closed = [one for one in ran.objects if "problem" in one]
    assert [one["source"] for one in closed] == ["lines.hex, line 2", "rtl.txt, line 1"]
    assert all("key" in one["problem"] and one["bytes"] for one in closed)


def test_people_get_columns(openami, folder):
    ran = openami("decode", folder, "--key", KEY.hex())
    lines = ran.out.splitlines()
    assert lines[0].split()[:6] == ["Source", "Protocol", "Meter", "Name", "Value", "Unit"]
    assert lines[0].split()[6:] == ["Time", "Quality", "Guarantee", "Remark"]
    assert any(line.startswith("readout.txt") and "123456" in line and "Wh" in line for line in lines)
    assert "air/lines.hex, line 4" in ran.err


def test_a_file_is_a_table_too(openami, folder):
    name = next(path for path in sorted(folder.rglob("*")) if path.is_file())
    by_name = openami("decode", name, "--json")
    assert by_name == openami("decode", "--file", name, "--table", "--json")
    assert by_name.objects


def test_one_file_as_a_table(openami, folder):
    ran = openami("decode", "--file", folder / "port.p1", "--table", "--json")
    assert ran.status == 0
    assert {one["source"] for one in ran.objects} == {"port.p1, message 1", "port.p1, message 2"}


@pytest.mark.parametrize("arguments", [["--table"], ["00", "--table"]])
def test_a_table_needs_a_file(openami, arguments):
    ran = openami("decode", *arguments)
    assert ran.status == 1
    assert "--file" in ran.err
