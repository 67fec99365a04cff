"""What `openami decode` says about wireless telegrams. Telegrams: lvogt/wireless-mbus-parser (MIT)."""

import json

import pytest
from typer.testing import CliRunner

from openami.cli.commands import make_app
from openami.protocols.decode import decode_message
from openami.protocols.dlms.telegram import DlmsDecoder
from openami.protocols.mbus.wireless.address import MeterAddress
from openami.protocols.mbus.wireless.link import LinkHeader, encode_link
from openami.protocols.mbus.wireless.reader import WirelessReader
from openami.protocols.mbus.wireless.telegram import WirelessDecoder, looks_like_wireless

MODE_7 = (
    "434493157856341233038C2075900F002C25B30A000021924D4F2FB66E017A75002007109058475F4BC91DF878B80A1B0F98B6"
    "29024AAC727942BFC549233C0140829B93"
)
KEY = bytes(range(16))


def test_every_byte_of_the_headers_is_explained_once():
    decoded = WirelessDecoder([KEY]).decode(bytes.fromhex(MODE_7))
    covered = sorted(at for span in decoded.spans for at in range(span.start, span.end))
    assert covered == list(range(36))
    plain = decoded.plain()
    assert plain["meter"] == "ELS.12345678.33.03"
    assert plain["content"]["values"][0] == {
        "name": "volume", "value": 28504.27, "unit": "m³", "quality": "measured", "guarantee": "shared_keys",
        "remark": "local time 2008-05-31T23:50:00", "obis": "7-0:3.0.0*255",
    }  # fmt: skip
    json.dumps(plain)


@pytest.mark.parametrize("message", ["c001c1000100002b0100ff0200", "7ea00802232193bd647e", "0001000100100003c00100"])
def test_messages_of_other_protocols_are_left_alone(message):
    assert not looks_like_wireless(bytes.fromhex(message))


def test_detection_among_all():
    decoders = (*WirelessDecoder([KEY]).decoders(), *DlmsDecoder().decoders())
    assert decode_message(bytes.fromhex(MODE_7), decoders).protocol == "wmbus"
    assert decode_message(bytes.fromhex("c001c1000100002b0100ff0200"), decoders).protocol == "dlms"


def test_closed_telegrams_say_why():
    decoded = WirelessDecoder().decode(bytes.fromhex(MODE_7))
    assert decoded.problem == "encrypted (mode 7); give the key of ELS.12345678.33.03 with --key"
    assert decoded.inner[0].kind == "closed"


def test_the_command():
    done = CliRunner().invoke(make_app(), ["decode", MODE_7, "--key", KEY.hex(), "--json"])
    assert done.exit_code == 0
    assert json.loads(done.output)["content"]["values"][0]["value"] == 28504.27


@pytest.mark.parametrize(
    ("ci", "content", "name", "words"),
    [
        (0x6E, "00", "application error", "unspecified error"),
        (0x6F, "08", "application error", "application too busy"),
        (0x74, "05", "alarm", "alarm bits 0, 2, the manufacturer's"),
        (0x75, "00", "alarm", "no alarm"),
    ],
)
def test_alarms_and_application_errors_are_told_in_words(ci, content, name, words):
    meter = MeterAddress.parse("OAM.12345678.21.07")
    header = meter.transport_order if ci & 1 else b""
    raw = encode_link(LinkHeader(0x08, meter), bytes((ci,)) + header + bytes(4) + bytes.fromhex(content))
    (value,) = WirelessReader().read(raw).values
    assert (value.name, value.value, value.status) == (name, words, 0)
    assert WirelessDecoder().decode(raw).plain()["content"]["values"][0]["value"] == words
