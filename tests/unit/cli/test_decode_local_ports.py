"""`openami decode` on what local ports say: SML, P1 and IEC 62056-21 are told apart."""

from __future__ import annotations

import json

import pytest

from openami.cli.decode import decode
from openami.protocols.iec62056_21.data_set import DataSet
from openami.protocols.iec62056_21.message import Command, DataBlock, encode_command, encode_data_block
from openami.protocols.iec62056_21.p1 import encode_p1
from openami.protocols.iec62056_21.p1_encrypted import Authentication, seal_p1
from openami.protocols.sml.element import unsigned
from openami.protocols.sml.file import Message, encode_file
from openami.protocols.sml.messages import GetListResponse
from openami.protocols.sml.transport import encode_transport
from openami.protocols.sml.types import ListEntry

EK, AK, TITLE = bytes(range(16)), bytes(range(16, 32)), b"OAM\x00\x00\x00\x00\x07"
P1 = encode_p1("OAM5METER", [DataSet("1-0:1.8.0", ("000123.456*kWh",))])
ENERGY = ListEntry(bytes.fromhex("0100010800ff"), None, None, 30, 0, unsigned(123456))
LIST = GetListResponse(None, bytes(10), None, None, (ENERGY,))
SML = encode_transport(encode_file([Message(b"\x01", 0, 0, LIST)]))
BLOCK = encode_data_block(DataBlock("1.8.0(000123.456*kWh)\r\n!\r\n"))
WITH_KEY = seal_p1(P1, TITLE, 1, EK, Authentication.WITH_KEY, AK)
WITHOUT_KEY = seal_p1(P1, TITLE, 1, EK, Authentication.WITHOUT_KEY)


def found(capsys, octets, *keys):
    decode(message=octets.hex(), key=[key.hex() for key in keys], as_json=True)
    return json.loads(capsys.readouterr().out)


def inmost(value):
    while "content" in value:
        value = value["content"]
    return value


@pytest.mark.parametrize(
    ("octets", "keys", "protocol"),
    [
        (P1, (), "p1"),
        (SML, (), "sml"),
        (BLOCK, (), "iec62056-21"),
        (WITH_KEY, (EK, AK), "p1"),
        (WITH_KEY, (AK, EK), "p1"),
        (WITHOUT_KEY, (EK,), "p1"),
    ],
)
def test_the_same_register_by_any_way(capsys, octets, keys, protocol):
    told = found(capsys, octets, *keys)
    assert told["protocol"] == protocol
    (value,) = inmost(told)["values"]
    assert (value["name"], value["value"], value["unit"]) == ("1-0:1.8.0*255", 123456, "Wh")
    assert "problem" not in told


def test_what_nothing_vouches_for_is_told(capsys):
    assert "not authenticated" in found(capsys, WITH_KEY, EK)["problem"]
    assert "block check" in found(capsys, BLOCK[:-1] + b"\x00")["problem"]


def test_commands_and_people(capsys):
    assert found(capsys, encode_command(Command("P", "1", "(1234)")))["command"] == "P1"
    decode(message=SML.hex())
    decode(message=P1.hex())
    shown = capsys.readouterr().out
    assert "GetListResponse" in shown
    assert "000123.456*kWh" in shown
