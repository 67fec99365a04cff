"""Declared structures decode, encode, explain and fail by field name."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Annotated

import pytest

from openami.model.errors import DecodeError, LocalProtocolError
from openami.protocols.wire.crc import crc16_x25
from openami.protocols.wire.declared import codec_of, declared, decode_all, encode_all, explain
from openami.protocols.wire.integers import SIGNED8, SIGNED16, UNSIGNED8, UNSIGNED16, UNSIGNED32


@declared
class Inner:
    low: Annotated[int, SIGNED8]
    high: Annotated[int, UNSIGNED16] = 7


@declared
class Outer:
    number: Annotated[int, UNSIGNED8]
    inner: Inner


RAW = bytes.fromhex("05ff0102")
VALUE = Outer(5, Inner(-1, 258))


def test_decode_and_encode():
    codec = codec_of(Outer)
    assert decode_all(codec, RAW) == VALUE
    assert encode_all(codec, VALUE) == RAW
    out = bytearray()
    VALUE.encode(out)
    assert out == RAW


def test_structures_are_frozen_and_take_defaults():
    assert Inner(1) == Inner(1, 7)
    with pytest.raises(FrozenInstanceError):
        VALUE.number = 6


def test_errors_carry_the_path_with_and_without_explaining():
    for decode in (decode_all, explain):
        with pytest.raises(DecodeError) as caught:
            decode(codec_of(Outer), RAW[:3])
        assert caught.value.path == ("Outer", "inner", "high")
        assert caught.value.offset == 2


def test_left_over_bytes_are_refused():
    with pytest.raises(DecodeError, match="left over"):
        decode_all(codec_of(Outer), RAW + b"\x00")


def test_explain_has_a_span_per_field_innermost_first():
    value, spans = explain(codec_of(Outer), RAW)
    assert value == VALUE
    assert [(span.start, span.end, ".".join(span.path)) for span in spans] == [
        (0, 1, "Outer.number"),
        (1, 2, "Outer.inner.low"),
        (2, 4, "Outer.inner.high"),
        (1, 4, "Outer.inner"),
        (0, 4, "Outer"),
    ]


@pytest.mark.parametrize("value", [Outer(256, Inner(0)), Outer(-1, Inner(0)), Outer("1", Inner(0)), Outer(1, None)])
def test_values_that_do_not_fit_are_our_fault(value):
    with pytest.raises(LocalProtocolError, match=r"Outer\.number|Inner\.low"):
        encode_all(codec_of(Outer), value)


def test_a_field_without_a_codec_is_refused_at_declaration():
    with pytest.raises(TypeError, match="names no codec"):

        @declared
        class Wrong:
            number: int


def test_annotations_beside_the_codec_are_ignored():
    assert codec_of(Annotated[int, "how many", UNSIGNED8]) is UNSIGNED8


@pytest.mark.parametrize(("codec", "value", "raw"), [(UNSIGNED32, 1, "00000001"), (SIGNED16, -2, "fffe")])
def test_integers_are_big_endian(codec, value, raw):
    assert encode_all(codec, value).hex() == raw
    assert decode_all(codec, bytes.fromhex(raw)) == value


def test_crc16_x25_of_the_usual_check_word():
    assert crc16_x25(b"123456789") == 0x906E
