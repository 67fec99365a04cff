"""SML before tshark: every message that we write is dissected without fault, checksums included, and says the same."""

from __future__ import annotations

import struct
import subprocess

import pytest

from mesh_tshark import LINKTYPE_RAW, need_tshark, write_pcap
from openami.protocols.sml.conversation import PROFILE_15_MINUTES, list_requests, profile_requests
from openami.protocols.sml.element import integer, unsigned
from openami.protocols.sml.file import Message, encode_file
from openami.protocols.sml.messages import (
    AttentionResponse,
    CloseResponse,
    GetListResponse,
    GetProcParameterRequest,
    GetProcParameterResponse,
    GetProfileListRequest,
    GetProfileListResponse,
    GetProfilePackResponse,
    OpenResponse,
    SetProcParameterRequest,
)
from openami.protocols.sml.transport import encode_transport
from openami.protocols.sml.types import (
    TIMESTAMP,
    ListEntry,
    PeriodEntry,
    ProcParValue,
    ProfileHeaderEntry,
    ProfilePeriodEntry,
    SmlTime,
    Tree,
    ValueEntry,
)

pytestmark = [pytest.mark.peer, need_tshark]

PORT = 7259
SERVER, CLIENT = bytes.fromhex("0a014f414d0000000001"), b"client"
IMPORT, POWER = bytes.fromhex("0100010800ff"), bytes.fromhex("0100100700ff")
NOW = SmlTime(TIMESTAMP, 1_767_225_600)
PATH = (PROFILE_15_MINUTES,)
OPEN = OpenResponse(None, CLIENT, b"file", SERVER, NOW, 1)
ENTRIES = (
    ListEntry(IMPORT, 0x1C0104, NOW, 30, -1, unsigned(123_456, 5)),
    ListEntry(POWER, None, None, 27, -2, integer(-10_550, 2)),
)
PACK = GetProfilePackResponse(
    SERVER,
    NOW,
    900,
    PATH,
    (ProfileHeaderEntry(IMPORT, 30, 0),),
    (ProfilePeriodEntry(NOW, 0, (ValueEntry(unsigned(42, 8)),)),),
)
TREE = Tree(b"name01", None, (Tree(b"leaf01", ProcParValue(1, unsigned(7, 4)), None),))


def file_of(body):
    """A file of a response between open and close, or of requests."""
    return [
        Message(b"\x01\x02", 0, 0, OPEN),
        Message(b"\x01\x03", 1, 0, body),
        Message(b"\x01\x04", 2, 0, CloseResponse()),
    ]


FILES = {
    "a list": (file_of(GetListResponse(CLIENT, SERVER, b"list01", NOW, ENTRIES)), "0x0101,0x0701,0x0201"),
    "a list asked for": (list_requests(CLIENT, b"\x01\x02", SERVER), "0x0100,0x0700,0x0200"),
    "a profile asked for": (profile_requests(CLIENT, b"\x01\x02", (900, 1_800), SERVER), "0x0100,0x0300,0x0200"),
    "a profile": (file_of(PACK), "0x0101,0x0301,0x0201"),
    "a profile as lists, asked for": (
        file_of(GetProfileListRequest(SERVER, b"user", b"password", None, NOW, NOW, PATH)),
        "0x0101,0x0400,0x0201",
    ),
    "a profile as a list": (
        file_of(GetProfileListResponse(SERVER, NOW, 900, PATH, NOW, 0, (PeriodEntry(IMPORT, 30, 0, unsigned(42, 8)),))),
        "0x0101,0x0401,0x0201",
    ),
    "a parameter asked for": (file_of(GetProcParameterRequest(SERVER, None, None, PATH)), "0x0101,0x0500,0x0201"),
    "a parameter": (file_of(GetProcParameterResponse(SERVER, PATH, TREE)), "0x0101,0x0501,0x0201"),
    "a parameter set": (file_of(SetProcParameterRequest(SERVER, None, None, PATH, TREE)), "0x0101,0x0600,0x0201"),
    "a refusal": (
        file_of(AttentionResponse(SERVER, bytes.fromhex("8181c7c7fe03"), b"no such server")),
        "0x0101,0xff01,0x0201",
    ),
}
FAULTS = (
    "_ws.malformed",
    "sml.messagebody.error",
    "sml.messagetype.unknown",
    "sml.crc.length_error",
    "sml.segment_needed",
)


def datagram(payload):
    """IPv4 and UDP around `payload`, to the port of SML."""
    udp = struct.pack("!HHHH", PORT, PORT, 8 + len(payload), 0) + payload
    head = struct.pack(
        "!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, bytes((127, 0, 0, 1)), bytes((127, 0, 0, 1))
    )
    return head + udp


def dissected(tmp_path, raw, names):
    """The named fields of a file in its transport as tshark tells them, and the faults that it finds."""
    path = write_pcap(tmp_path / "sml.pcap", [datagram(raw)], LINKTYPE_RAW)
    command = [
        "tshark",
        "-r",
        str(path),
        "-d",
        f"udp.port=={PORT},sml",
        "-o",
        "sml.crc:TRUE",
        "-T",
        "fields",
        "-E",
        "separator=|",
    ]
    for name in (*names, *FAULTS):
        command += ["-e", name]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    told = done.stdout.rstrip("\n").split("|")
    return told[: len(names)], [fault for fault in told[len(names) :] if fault]


@pytest.mark.parametrize("name", FILES)
def test_every_message_is_dissected_without_fault(tmp_path, name):
    file, bodies = FILES[name]
    (found, checks), faults = dissected(
        tmp_path, encode_transport(encode_file(file)), ["sml.messagebody", "sml.crc.status"]
    )
    assert faults == []
    assert found == bodies
    assert set(checks.split(",")) == {"1"}


def test_a_list_says_the_same(tmp_path):
    file, _ = FILES["a list"]
    names = ["sml.objname", "sml.unit", "sml.scaler", "sml.value", "sml.status", "sml.serverid", "sml.clientid"]
    told, _ = dissected(tmp_path, encode_transport(encode_file(file)), names)
    shown = [column.split(",") for column in told]
    assert shown[0] == [IMPORT.hex(), POWER.hex()]
    assert [int(unit, 0) for unit in shown[1][1::2]] == [30, 27]  # each behind its datatype
    assert [int(scaler, 0) - 256 for scaler in shown[2][1::2]] == [-1, -2]
    assert shown[3][1::2] == ["000001e240", "d6ca"]
    assert int(shown[4][-1], 0) == 0x1C0104
    assert set(shown[5][1::2]) == {SERVER.hex()}
    assert set(shown[6][1::2]) == {CLIENT.hex()}


def test_a_checksum_that_is_wrong_is_one_for_tshark_too(tmp_path):
    file, _ = FILES["a list"]
    raw = bytearray(encode_transport(encode_file(file)))
    raw[raw.index(b"list01")] ^= 1
    (checks,), _ = dissected(tmp_path, bytes(raw), ["sml.crc.status"])
    assert "0" in checks.split(",")
