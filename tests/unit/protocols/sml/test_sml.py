"""SML: coding, messages of every type, transport, quirks. The messages are our own."""

from __future__ import annotations

import dataclasses
import itertools
import random
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openami.model.errors import DecodeError, FrameCheckError, LimitExceeded, LocalProtocolError
from openami.model.obis import ObisCode
from openami.model.quantity import Quantity
from openami.model.unit import Unit
from openami.protocols.decode import decode_message as detect
from openami.protocols.sml.element import integer, unsigned
from openami.protocols.sml.file import Checksum, Message, decode_file, encode_file, encode_message
from openami.protocols.sml.measurements import measurements
from openami.protocols.sml.messages import (
    BODIES,
    ActionCosemRequest,
    ActionCosemResponse,
    AttentionResponse,
    CloseRequest,
    CloseResponse,
    GetCosemRequest,
    GetCosemResponse,
    GetListRequest,
    GetListResponse,
    GetProcParameterRequest,
    GetProcParameterResponse,
    GetProfileListRequest,
    GetProfileListResponse,
    GetProfilePackRequest,
    GetProfilePackResponse,
    OpenRequest,
    OpenResponse,
    SetCosemRequest,
    SetCosemResponse,
    SetProcParameterRequest,
)
from openami.protocols.sml.telegram import sml_decoders
from openami.protocols.sml.tlv import decode_elements, encode_element
from openami.protocols.sml.transport import (
    START_2,
    VERSION_2,
    Garbage,
    TransportedFile,
    TransportParser,
    encode_transport,
)
from openami.protocols.sml.types import (
    BARE_SEC_INDEX,
    LOCAL_TIMESTAMP,
    SEC_INDEX,
    TIMESTAMP,
    ListEntry,
    PeriodEntry,
    ProcParValue,
    ProfileHeaderEntry,
    ProfilePeriodEntry,
    SmlTime,
    Tree,
    TupelEntry,
    ValueEntry,
)

SERVER = bytes.fromhex("0a014f414d0000000001")
ENERGY, POWER = bytes.fromhex("0100010800ff"), bytes.fromhex("0100100700ff")
NOW = SmlTime(SEC_INDEX, 4711)
PATH = (bytes.fromhex("8181c78601ff"),)
TUPEL = TupelEntry(SERVER, NOW, 7, 30, -1, 5, 32, -1, 6, 32, -1, 7, b"s", 30, -1, 8, 32, -1, 9, 32, -1, 10, b"t")
TREE = Tree(
    PATH[0],
    ProcParValue(1, unsigned(5)),
    (
        Tree(b"time", ProcParValue(4, SmlTime(LOCAL_TIMESTAMP, 1_700_000_000, 60, 60))),
        Tree(b"entry", ProcParValue(2, PeriodEntry(ENERGY, 30, -1, unsigned(12345)))),
        Tree(b"tupel", ProcParValue(3, TUPEL)),
    ),
)
LIST = GetListResponse(
    None,
    SERVER,
    bytes.fromhex("0100620affff"),
    NOW,
    (
        ListEntry(bytes.fromhex("0100603201ff"), None, None, None, None, b"OAM"),
        ListEntry(ENERGY, 0x1C0104, None, 30, -1, unsigned(123456, 5)),
        ListEntry(POWER, None, SmlTime(TIMESTAMP, 1_700_000_000), 27, -2, integer(-10550, 2)),
    ),
)
BODY_EXAMPLES = [
    OpenRequest(None, b"client", b"file", SERVER, b"user", b"word", 1),
    OpenResponse(None, None, b"file", SERVER, NOW, 1),
    CloseRequest(),
    CloseResponse(b"signature"),
    GetProfilePackRequest(SERVER, None, None, True, NOW, NOW, PATH, (ENERGY,), TREE),
    GetProfilePackResponse(
        SERVER,
        NOW,
        900,
        PATH,
        (ProfileHeaderEntry(ENERGY, 30, -1), ProfileHeaderEntry(POWER, 27, 0)),
        (
            ProfilePeriodEntry(
                SmlTime(TIMESTAMP, 1_700_000_900), 0, (ValueEntry(unsigned(10)), ValueEntry(integer(-3)))
            ),
        ),
    ),
    GetProfileListRequest(SERVER, b"user", b"word", None, NOW, None, PATH),
    GetProfileListResponse(SERVER, NOW, 900, PATH, NOW, 5, (PeriodEntry(ENERGY, 30, 3, unsigned(70000)),)),
    GetProcParameterRequest(SERVER, None, None, PATH, b"a"),
    GetProcParameterResponse(SERVER, PATH, TREE),
    SetProcParameterRequest(SERVER, b"user", b"word", PATH, TREE),
    GetListRequest(b"client", SERVER, None, None, POWER),
    LIST,
    AttentionResponse(SERVER, bytes.fromhex("8181c7c7fd00"), b"done", TREE),
    *(
        kind([SERVER, None, unsigned(7), [integer(-1), True]])
        for kind in (
            GetCosemRequest,
            GetCosemResponse,
            SetCosemRequest,
            SetCosemResponse,
            ActionCosemRequest,
            ActionCosemResponse,
        )
    ),
]
FILE = [Message(bytes((number,)), 0, 0, body) for number, body in enumerate((BODY_EXAMPLES[1], LIST, CloseResponse()))]


def events(*pieces: bytes):
    parser = TransportParser()
    return [event for piece in pieces for event in parser.feed(piece)] + parser.flush()


def test_every_message_type_has_an_example():
    assert {type(body) for body in BODY_EXAMPLES} == set(BODIES.values())


@pytest.mark.parametrize("body", BODY_EXAMPLES, ids=lambda body: type(body).__name__)
@pytest.mark.parametrize("checksum", Checksum)
def test_every_message_survives_the_way(body, checksum):
    message = Message(b"\x01\x02", 1, 0xFF, body, checksum)
    assert decode_file(encode_message(message)) == [message]


@pytest.mark.parametrize("body", BODY_EXAMPLES, ids=lambda body: type(body).__name__)
def test_every_octet_of_a_message_is_explained(body):
    decoded = detect(encode_message(Message(b"\x01\x02", 1, 0, body)), sml_decoders())
    (message,) = decoded.inner
    assert message.kind == type(body).__name__
    leaves = [(span.start, span.end) for span in message.spans]
    assert leaves == sorted(leaves)
    assert leaves[-1][1] == len(message.data)


def test_values_have_names_units_times_and_status():
    text, energy, power = measurements([Message(b"", 0, 0, LIST)])
    assert (text.name, text.value, text.time) == (ObisCode.parse("1-0:96.50.1*255"), b"OAM", 4711)
    assert energy.value == Quantity(123456, -1, Unit.WATT_HOUR)
    assert energy.status == 0x1C0104
    assert power.value is not None
    assert power.value.value == Decimal("-105.50")
    assert power.time == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert power.plain()["unit"] == "W"


def test_profiles_become_values_with_the_time_of_their_row():
    packed = measurements([Message(b"", 0, 0, BODY_EXAMPLES[5])])
    assert [(str(each.name), str(each.value)) for each in packed] == [
        ("1-0:1.8.0*255", "1.0 Wh"),
        ("1-0:16.7.0*255", "-3 W"),
    ]
    (stored,) = measurements([Message(b"", 0, 0, BODY_EXAMPLES[7])])
    assert (str(stored.value), stored.status) == ("70000000 Wh", 5)


@pytest.mark.parametrize(
    ("serial", "size", "value", "expected"),
    [
        (42_082_910, 2, -29912, 35624),  # a DVS74 above 327.67 W
        (60_694_611, 2, -10550, -10550),  # a later one that exports
        (42_082_910, 3, -29912, -29912),
        (42_082_910, 2, 29912, 29912),
    ],
)
def test_the_sign_of_dzg_is_repaired_where_the_maker_says_so(serial, size, value, expected):
    server = b"\x0a\x01DZG\x00" + serial.to_bytes(4, "big")
    entry = ListEntry(POWER, None, None, 27, -2, integer(value, size))
    (found,) = measurements([Message(b"", 0, 0, GetListResponse(None, server, None, None, (entry,)))])
    assert found.value == Quantity(expected, -2, Unit.WATT)
    assert bool(found.remark) is (value != expected)


def test_a_time_without_its_choice_is_read_and_told():
    entry = ListEntry(ENERGY, None, SmlTime(BARE_SEC_INDEX, 99), 30, -1, unsigned(5))
    (message,) = decode_file(
        encode_message(Message(b"", 0, 0, GetListResponse(None, SERVER, None, None, (entry,)), Checksum.KERMIT))
    )
    assert message.checksum is Checksum.KERMIT
    (found,) = measurements([message])
    assert found.time == 99
    assert "Holley" in found.remark


def test_files_are_found_between_garbage():
    whole = encode_transport(encode_file(FILE))
    found = events(b"noise" + whole + b"\x1b\x1b" + whole + whole[:40])
    assert [type(event) for event in found] == [Garbage, TransportedFile, Garbage, TransportedFile, Garbage]
    assert decode_file(found[1].data) == FILE
    assert found[4].reason == "cut off by the end"


@pytest.mark.parametrize(
    "file", [b"", b"\x1b", b"\x1b" * 4, b"a" + b"\x1b" * 7, b"\x1b" * 13, b"ab\x1b\x1b\x1b\x1b\x1a\x00xy"]
)
@pytest.mark.parametrize("checksum", Checksum)
def test_escapes_inside_a_file(file, checksum):
    (event,) = events(encode_transport(file, checksum))
    assert event.data == file
    assert event.checksum is checksum


def test_a_wrong_checksum_of_the_transport_is_told_and_the_next_file_found():
    whole = encode_transport(encode_file(FILE))
    garbage, file = events(whole[:-1] + bytes((whole[-1] ^ 1,)) + whole)
    assert "checksum" in garbage.reason
    assert decode_file(file.data) == FILE


def test_transport_version_2_is_told_for_what_it_is():
    file = encode_transport(encode_file(FILE))
    noise, second, whole = events(b"ab\x1b", START_2 + b"\x76\x05\x01", file)
    assert (noise.data, noise.reason) == (b"ab\x1b", "no file")
    assert (second.data, second.reason) == (START_2 + b"\x76\x05\x01", VERSION_2)
    assert isinstance(whole, TransportedFile)


def test_a_cut_file_ends_where_the_next_begins():
    whole = encode_transport(encode_file(FILE))
    garbage, file = events(whole[:50] + whole)
    assert garbage == Garbage(whole[:50], "cut off by the next file")
    assert file.raw == whole


def test_an_endless_file_is_given_up():
    parser = TransportParser()
    found = parser.feed(encode_transport(b"")[:8])
    for _ in range(40):
        found += parser.feed(bytes(4096))
    assert found
    assert all("more than 65536" in event.reason for event in found)


@settings(max_examples=200, derandomize=True)
@given(st.binary(max_size=200), st.lists(st.integers(0, 400), max_size=6))
def test_any_cut_gives_the_same_events(noise, cuts):
    whole = noise + encode_transport(encode_file(FILE)) + noise[:9] + encode_transport(noise)
    edges = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    pieces = [whole[start:end] for start, end in itertools.pairwise(edges)]
    assert events(*pieces) == events(whole)


@settings(max_examples=200, derandomize=True)
@given(
    st.recursive(
        st.none()
        | st.binary(max_size=40)
        | st.booleans()
        | st.integers(-(2**63), 2**63 - 1).map(integer)
        | st.integers(0, 2**64 - 1).map(unsigned),
        lambda inner: st.lists(inner, max_size=20),
        max_leaves=30,
    )
)
def test_any_element_survives_the_way(element):
    out = bytearray()
    encode_element(element, out)
    if element == b"":
        element = None  # an empty octet string and an element left out are the same octet
    (again,), end = decode_elements(bytes(out), 0, 1)
    assert end == len(out)
    assert _without_empty(again) == _without_empty(element)


def _without_empty(element):
    if isinstance(element, list):
        return [_without_empty(part) for part in element]
    return None if element == b"" else element


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        ("", "1 elements announced"),
        ("05aabb", "5 octets announced"),
        ("ff7f", "bits of a type"),
        ("8f8f8f8f8f0f", "longer"),
        ("7f", "elements announced"),
        ("6a010203040506070809", "integer of 9 octets"),
        ("1201", "type 1"),
        ("00", "end of a message"),
        ("81", "ends in the middle"),
    ],
)
def test_bad_elements_are_named(octets, reason):
    with pytest.raises(DecodeError, match=reason):
        decode_elements(bytes.fromhex(octets), 0, 1)


def test_nesting_is_bounded():
    with pytest.raises(LimitExceeded, match="nested"):
        decode_elements(b"\x71" * 100, 0, 1)


def test_a_wrong_message_checksum_is_named():
    octets = bytearray(encode_message(FILE[1]))
    octets[40] ^= 1
    with pytest.raises(FrameCheckError, match="message checksum"):
        decode_file(bytes(octets))


def test_a_misfit_is_named_with_its_place():
    wrong = dataclasses.replace(LIST, val_list=(ListEntry(ENERGY, None, None, None, None, b""),))
    octets = bytearray(encode_message(Message(b"", 0, 0, wrong)))
    at = octets.index(ENERGY) - 1
    octets[at : at + 7] = bytes.fromhex("6207")
    body = bytes(octets[: octets.rindex(0x63)])
    octets = bytearray(body) + b"\x63" + Checksum.X25.of(body).to_bytes(2, "big") + b"\x00"
    with pytest.raises(DecodeError, match="an octet string expected, found Unsigned8") as caught:
        decode_file(bytes(octets))
    assert caught.value.path == ("GetListResponse", "val_list", "[0]", "obj_name")
    assert caught.value.offset == at


def test_what_does_not_fit_is_our_error():
    with pytest.raises(LocalProtocolError, match=r"GetListResponse\.server_id"):
        encode_message(Message(b"", 0, 0, dataclasses.replace(LIST, server_id=None)))
    with pytest.raises(LocalProtocolError, match="no unsigned integer"):
        unsigned(-1)


def test_detection_and_garbage_only():
    whole = encode_transport(encode_file(FILE))
    decoded = detect(b"\x00" + whole, sml_decoders())
    assert [part["kind"] for part in decoded.plain()["content"]] == ["garbage", "file"]
    with pytest.raises(DecodeError, match="no whole SML file"):
        detect(whole[:60], sml_decoders())
    listed = detect(whole, sml_decoders()).inner[1]
    assert listed.plain()["values"][1]["value"] == 12345.6


def test_random_streams_are_bounded():
    choice = random.Random(3)
    whole = encode_transport(encode_file(FILE))
    parser = TransportParser()
    count = 0
    for _ in range(300):
        piece = bytearray(whole)
        piece[choice.randrange(len(piece))] ^= 1 << choice.randrange(8)
        count += sum(isinstance(event, TransportedFile) for event in parser.feed(bytes(piece) + whole))
    assert count >= 299
