"""Explained bytes: complete for operators, cut to their own time for consumers, and never an exception."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest

from mutation import mutate
from openami.portal.explanation import explain, explain_own
from openami.protocols.dlms.apdu import encode_apdu
from openami.protocols.dlms.data import (
    array,
    double_long_unsigned,
    encode_data,
    null,
    octet_string,
    structure,
    unsigned,
)
from openami.protocols.dlms.date_time import CosemDateTime
from openami.protocols.dlms.get import GetResponseNormal
from openami.protocols.iec62056_21.data_set import DataSet
from openami.protocols.iec62056_21.p1 import encode_p1
from openami.protocols.sml.file import Message, encode_file
from openami.protocols.sml.messages import CloseResponse
from openami.protocols.sml.transport import encode_transport

STEP = 1800
FIRST = 1_371_000_600


def row(stamp, register, *, clock=None):
    moment = bytes(CosemDateTime.from_utc(stamp)) if clock is None else clock
    return structure(octet_string(moment), unsigned(0), double_long_unsigned(register))


def apdu_of(data):
    return encode_apdu(GetResponseNormal(0xC1, encode_data(data)))


def at(index):
    return datetime.fromtimestamp(FIRST + index * STEP, UTC)


PROFILE = array(*(row(FIRST + index * STEP, 0xA0B0_0000 + index) for index in range(10)))
APDU = apdu_of(PROFILE)


def hex_of(explanation):
    return " ".join(piece.hex for piece in explanation.pieces if piece.hex)


def test_every_byte_is_there_and_belongs_to_a_field():
    explanation = explain(APDU)
    assert hex_of(explanation) == APDU.hex(" ")
    assert all(piece.field is not None for piece in explanation.pieces)
    assert not explanation.error


def test_the_rows_that_were_asked_for_are_marked():
    explanation = explain(APDU, stamps=(at(3), at(4)))
    marked = "".join(piece.hex for piece in explanation.pieces if piece.marked).replace(" ", "")
    assert (
        marked
        == (encode_data(row(FIRST + 3 * STEP, 0xA0B0_0003)) + encode_data(row(FIRST + 4 * STEP, 0xA0B0_0004))).hex()
    )


def test_fields_say_what_they_mean():
    meanings = [field.meaning for field in explain(APDU).fields]
    assert "double-long-unsigned 2695888896" in meanings
    assert any(meaning.startswith("date-time 2013-06-12") for meaning in meanings)


def test_bare_data_is_explained_as_well():
    explanation = explain(encode_data(PROFILE), stamps=(at(3),))
    assert explanation.fields
    assert any(piece.marked for piece in explanation.pieces)


def test_undecodable_bytes_are_shown_with_the_reason():
    explanation = explain(b"\xc4\x01\xc1")
    assert hex_of(explanation) == "c4 01 c1"
    assert "offset" in explanation.error


def test_no_bytes_at_all():
    assert explain(b"").pieces == ()
    assert explain_own(b"", lambda _: True).pieces == ()


def test_a_consumer_sees_the_own_rows_only():
    own = [at(index) for index in range(4, 7)]
    explanation = explain_own(APDU, own.__contains__, stamps=(at(5),))
    shown = hex_of(explanation).replace(" ", "")
    for index in range(10):
        register = (0xA0B0_0000 + index).to_bytes(4, "big").hex()
        assert (register in shown) == (at(index) in own)
        assert any(str(0xA0B0_0000 + index) in field.meaning for field in explanation.fields) == (at(index) in own)
    assert sum(piece.count for piece in explanation.pieces) == len(APDU)
    assert any(piece.marked for piece in explanation.pieces)


@pytest.mark.parametrize(
    "data",
    [
        array(row(0, 0xA0B0C0D0, clock=bytes(CosemDateTime(2013, 6, 12, None, 1, 0, 0, 0)))),
        array(structure(null(), unsigned(0), double_long_unsigned(0xA0B0C0D0))),
        array(row(FIRST, 7), structure(null(), unsigned(0), double_long_unsigned(0xA0B0C0D0))),
        double_long_unsigned(0xA0B0C0D0),
        octet_string(bytes.fromhex("a0b0c0d0")),
        structure(double_long_unsigned(0xA0B0C0D0), array(row(FIRST, 7))),
    ],
    ids=["no deviation", "compressed stamp", "compressed among own", "bare register", "bare octets", "beside own rows"],
)
def test_what_cannot_be_attributed_to_a_time_is_hidden(data):
    for raw in (apdu_of(data), encode_data(data)):
        explanation = explain_own(raw, lambda stamp: stamp == at(0))
        assert "a0b0c0d0" not in hex_of(explanation).replace(" ", "")
        assert not any("a0b0c0d0" in field.meaning.replace(" ", "") for field in explanation.fields)
        assert not any(str(0xA0B0C0D0) in field.meaning for field in explanation.fields)


def test_undecodable_bytes_are_hidden_from_consumers():
    explanation = explain_own(b"\xc4\x01\xc1\xa0\xb0", lambda _: True)
    assert [(piece.hidden, piece.count, piece.hex) for piece in explanation.pieces] == [(True, 5, "")]


def test_any_bytes_are_explained_or_shown():
    chance = random.Random(20240601)
    small = apdu_of(array(row(FIRST, 1), row(FIRST + STEP, 2)))
    for raw in (mutate(chance, [small]) for _ in range(2_000)):
        whole = explain(raw)
        assert hex_of(whole).replace(" ", "") == raw.hex()
        assert sum(piece.count for piece in explain_own(raw, lambda _: False).pieces) == len(raw)


@pytest.mark.parametrize(
    ("protocol", "raw"),
    [
        ("p1", encode_p1("OAM5METER", [DataSet("1-0:1.8.0", ("000123.456*kWh",))])),
        ("iec62056-21", b"C.1.0(10000001)\r\n1.8.0(000123.4*kWh)\r\n"),
        ("sml", encode_transport(encode_file([Message(b"\x01", 0, 0, CloseResponse())]))),
        ("mbus", bytes.fromhex("0413c4090000")),
    ],
)
def test_what_was_read_in_other_protocols_is_explained_too(protocol, raw):
    explanation = explain(raw, protocol=protocol)
    assert hex_of(explanation) == raw.hex(" ")
    assert explanation.fields
    assert not explanation.error
