"""Lengths, choices, options and lists of A-XDR."""

from __future__ import annotations

import pytest

from openami.model.errors import DecodeError, LimitExceeded, LocalProtocolError
from openami.model.obis import ObisCode
from openami.protocols.dlms.access_result import DATA_ACCESS_RESULT, DataAccessResult
from openami.protocols.dlms.axdr import (
    BOOLEAN,
    LENGTH,
    LOGICAL_NAME,
    OCTET_STRING,
    choice,
    hyphenated,
    optional,
    sequence_of,
)
from openami.protocols.wire.cursor import Limits
from openami.protocols.wire.declared import decode_all, encode_all
from openami.protocols.wire.integers import UNSIGNED8, UNSIGNED16


@pytest.mark.parametrize(
    ("length", "raw"),
    [(0, "00"), (127, "7f"), (128, "8180"), (255, "81ff"), (256, "820100"), (2**32 - 1, "84ffffffff")],
)
def test_lengths_in_their_shortest_form(length, raw):
    assert encode_all(LENGTH, length).hex() == raw
    assert decode_all(LENGTH, bytes.fromhex(raw)) == length


def test_longer_forms_are_read():
    assert decode_all(LENGTH, bytes.fromhex("8400000005")) == 5


@pytest.mark.parametrize("raw", ["80", "850000000001", "ff", "82ff", ""])
def test_bad_lengths(raw):
    with pytest.raises(DecodeError):
        decode_all(LENGTH, bytes.fromhex(raw))


def test_simple_fields():
    assert decode_all(BOOLEAN, b"\x07") is True
    assert encode_all(BOOLEAN, False) == b"\x00"
    assert decode_all(OCTET_STRING, b"\x02ab") == b"ab"
    assert encode_all(LOGICAL_NAME, ObisCode(1, 0, 1, 8, 0)) == bytes.fromhex("0100010800ff")
    assert decode_all(LOGICAL_NAME, bytes.fromhex("0100010800ff")) == ObisCode(1, 0, 1, 8, 0)


def test_optional():
    codec = optional(UNSIGNED16)
    for value, raw in ((None, "00"), (258, "010102")):
        assert decode_all(codec, bytes.fromhex(raw)) == value
        assert encode_all(codec, value).hex() == raw


def test_sequence_of():
    codec = sequence_of(UNSIGNED16)
    assert decode_all(codec, bytes.fromhex("0200010002")) == (1, 2)
    assert encode_all(codec, (1, 2)).hex() == "0200010002"
    with pytest.raises(DecodeError, match="count of 3 elements, 2 bytes left"):
        decode_all(codec, bytes.fromhex("030001"))
    with pytest.raises(DecodeError) as caught:
        decode_all(codec, bytes.fromhex("02000100"))
    assert caught.value.path[-1] == "[1]"
    with pytest.raises(LimitExceeded):
        decode_all(codec, b"\x09" + bytes(18), Limits(elements=8))


def test_choice():
    codec = choice("result", {0: (bytes, OCTET_STRING), 1: (DataAccessResult, DATA_ACCESS_RESULT), 2: (int, UNSIGNED8)})
    for value, raw in ((b"a", "000161"), (DataAccessResult.OTHER_REASON, "01fa"), (7, "0207")):
        assert decode_all(codec, bytes.fromhex(raw)) == value
        assert encode_all(codec, value).hex() == raw
    with pytest.raises(DecodeError, match="3 is no choice of result at offset 0"):
        decode_all(codec, b"\x03")
    with pytest.raises(TypeError, match="str is no choice of result"):
        encode_all(codec, "secret")


def test_enumerated():
    with pytest.raises(DecodeError, match="5 is no data-access-result at offset 0"):
        decode_all(DATA_ACCESS_RESULT, b"\x05")
    with pytest.raises(LocalProtocolError, match="5 is no data-access-result"):
        encode_all(DATA_ACCESS_RESULT, 5)
    assert hyphenated(DataAccessResult.READ_WRITE_DENIED) == "read-write-denied"
