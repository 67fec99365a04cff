"""Data of every type, both ways, with bounds."""

from __future__ import annotations

import math
from itertools import count

import pytest

from openami.model.errors import DecodeError, LimitExceeded, LocalProtocolError
from openami.protocols.dlms import data as data_module
from openami.protocols.dlms.data import (
    DATA,
    CompactArray,
    Data,
    DataType,
    TypeDescription,
    array,
    bcd,
    bit_string,
    boolean,
    date,
    date_time,
    decode_data,
    dont_care,
    double_long,
    double_long_unsigned,
    encode_data,
    enum,
    float32,
    float64,
    integer,
    long,
    long64,
    long64_unsigned,
    long_unsigned,
    null,
    octet_string,
    skip_data,
    structure,
    time,
    unsigned,
    utf8_string,
    visible_string,
)
from openami.protocols.dlms.date_time import CosemDate, CosemDateTime, CosemTime
from openami.protocols.wire.cursor import Cursor, Limits
from openami.protocols.wire.declared import explain
from spans import check_tiling, leaves

EVERY_TYPE = [
    (null(), "00"),
    (array(unsigned(1), unsigned(2)), "010211011102"),
    (structure(), "0200"),
    (boolean(False), "0300"),
    (bit_string(""), "0400"),
    (bit_string("1010010111"), "040aa5c0"),
    (double_long(-2), "05fffffffe"),
    (double_long_unsigned(4_294_967_295), "06ffffffff"),
    (octet_string(b""), "0900"),
    (octet_string(bytes(128)), "098180" + "00" * 128),
    (visible_string("Zähler"), "0a065ae4686c6572"),
    (utf8_string("Zähler"), "0c075ac3a4686c6572"),
    (bcd(0x25), "0d25"),
    (integer(-64), "0fc0"),
    (long(-32768), "108000"),
    (unsigned(255), "11ff"),
    (long_unsigned(720), "1202d0"),
    (long64(-1), "14ffffffffffffffff"),
    (long64_unsigned(2**64 - 1), "15ffffffffffffffff"),
    (enum(30), "161e"),
    (float32(1.5), "173fc00000"),
    (float64(-0.1), "18bfb999999999999a"),
    (date_time(CosemDateTime(2020, 1, 1, None, 0, 3, 0, 0, 0)), "1907e40101ff000300000000ff"),
    (date(CosemDate(2020, 1, 1)), "1a07e40101ff"),
    (time(CosemTime(12, 0, 0)), "1b0c0000ff"),
    (dont_care(), "ff"),
]


@pytest.mark.parametrize(("data", "raw"), EVERY_TYPE)
def test_every_type_both_ways(data, raw):
    raw = bytes.fromhex(raw)
    assert encode_data(data) == raw
    assert decode_data(raw) == data
    assert type(decode_data(raw)) is Data
    assert skip_data(Cursor(raw)) == raw


@pytest.mark.parametrize(("data", "raw"), EVERY_TYPE)
def test_every_octet_is_explained_once(data, raw):
    raw = bytes.fromhex(raw)
    explained, spans = explain(DATA, raw)
    assert explained == data
    check_tiling(spans, len(raw))


@pytest.mark.parametrize(("data", "raw"), EVERY_TYPE)
def test_cut_anywhere_is_a_decode_error(data, raw):
    raw = bytes.fromhex(raw)
    for length in range(len(raw)):
        for decode in (decode_data, lambda part: explain(DATA, part), lambda part: skip_data(Cursor(part))):
            with pytest.raises(DecodeError):
                decode(raw[:length])
    assert data.type.value == raw[0]


def test_names_are_the_standard_s():
    assert DataType.DOUBLE_LONG_UNSIGNED.text == "double-long-unsigned"
    assert DataType.LONG64.text == "long64"
    assert DataType.UTF8_STRING.text == "utf8-string"
    assert set(data_module.__all__) <= set(dir(data_module))


def test_errors_name_the_element_and_the_offset():
    with pytest.raises(DecodeError) as caught:
        decode_data(bytes.fromhex("0202110101020c01c300"))
    assert caught.value.path == ("data", "[1]", "[0]")
    assert caught.value.offset == 8


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("", "no byte left"),
        ("07", "0x07 is no tag of Data"),
        ("1100ff", "1 bytes left over"),
        ("09850000000001", "length of 5 bytes"),
        ("0980", "length of 0 bytes"),
        ("0a05aa", "5 bytes expected, 1 left"),
        ("0905aa", "5 bytes expected, 1 left"),
        ("0984ffffffff00", "4294967295 bytes expected"),
        ("0484ffffffff00", "bytes expected"),
        ("1a07e5021dff", "day is 29"),
        ("130700", "0x07 is no type of a compact array"),
        ("131301110100", "0x13 is no type of a compact array"),
        ("1300010a", "its elements take no bytes"),
        ("1302000101", "its elements take no bytes"),
        ("131203010203", "2 bytes expected, 1 left"),
    ],
)  # fmt: skip
def test_bad_octets(raw, reason):
    with pytest.raises(DecodeError, match=reason):
        decode_data(bytes.fromhex(raw))
    with pytest.raises(DecodeError):
        explain(DATA, bytes.fromhex(raw))


def test_skipping_refuses_unknown_tags():
    with pytest.raises(DecodeError, match="0x07 is no tag of Data at offset 2"):
        skip_data(Cursor(bytes.fromhex("020107")))


class TestBounds:
    def test_a_million_elements_in_five_octets(self):
        for raw in (bytes.fromhex("01830f4240"), bytes.fromhex("02830f4240")):
            for decode in (decode_data, lambda octets: skip_data(Cursor(octets))):
                with pytest.raises(DecodeError, match="1000000 elements, 0 bytes left"):
                    decode(raw)

    def test_nesting_bomb(self):
        bomb = b"\x01\x01" * 100_000 + b"\x00"
        with pytest.raises(LimitExceeded, match="nested deeper than 32"):
            decode_data(bomb)
        with pytest.raises(LimitExceeded, match="nested deeper than 32"):
            explain(DATA, bomb)
        assert skip_data(Cursor(bomb)) == bomb  # walks without nesting

    def test_depth_is_what_the_limits_say(self):
        raw = b"\x01\x01" * 5 + b"\x00"
        assert decode_data(raw, Limits(depth=5))
        with pytest.raises(LimitExceeded):
            decode_data(raw, Limits(depth=4))

    def test_elements_are_what_the_limits_say(self):
        rows = bytes.fromhex("0104") + bytes.fromhex("020211011102") * 4
        assert decode_data(rows, Limits(elements=12))
        for limit in range(12):
            with pytest.raises(LimitExceeded):
                decode_data(rows, Limits(elements=limit))

    def test_compact_array_of_arrays_of_nothing(self):
        bomb = bytes.fromhex("13" "0202" "11" "01ffff" "01ffff" "00" "0101")  # fmt: skip
        with pytest.raises(LimitExceeded):
            decode_data(bomb)

    def test_compact_array_of_many_nothings_for_one_byte(self):
        with pytest.raises(DecodeError, match="elements of 12618761 values each are more than 1 bytes can hold"):
            decode_data(bytes.fromhex("1301200201020102010201000100"))

    def test_compact_array_description_bombs(self):
        with pytest.raises(LimitExceeded):
            decode_data(b"\x13" + b"\x01\x00\x01" * 1000 + b"\x11\x01\x01")
        with pytest.raises(LimitExceeded):
            decode_data(bytes.fromhex("130284ffffffff"))
        with pytest.raises(LimitExceeded):
            skip_data(Cursor(b"\x13" + b"\x02\x01" * 1000 + b"\x11\x01\x01"))


class TestRowsThatLookAlike:
    ROW = structure(octet_string(bytes(12)), unsigned(1), boolean(True), float32(0.5))

    def test_equal_the_general_way(self):
        numbers = count()
        rows = [structure(octet_string(bytes([next(numbers)] * 12)), unsigned(9), long(-1)) for _ in range(50)]
        raw = encode_data(array(*rows))
        assert decode_data(raw) == array(*rows) == explain(DATA, raw)[0]

    @pytest.mark.parametrize(
        "odd",
        [
            structure(octet_string(bytes(11)), unsigned(1), boolean(True), float32(0.5)),
            structure(null(), unsigned(1), boolean(True), float32(0.5)),
            structure(octet_string(bytes(12)), integer(1), boolean(True), float32(0.5)),
            structure(octet_string(bytes(200)), unsigned(1)),
            structure(visible_string("a"), unsigned(1)),
            structure(*[unsigned(1)] * 130),
            structure(),
            unsigned(7),
        ],
    )
    def test_a_row_that_differs_goes_the_general_way(self, odd):
        for rows in ([odd, *[self.ROW] * 3], [self.ROW, odd, self.ROW], [*[self.ROW] * 3, odd], [odd, odd]):
            assert decode_data(encode_data(array(*rows))) == array(*rows)

    def test_errors_behind_alike_rows_name_their_row(self):
        raw = encode_data(array(*[self.ROW] * 5))[:-1]
        with pytest.raises(DecodeError) as caught:
            decode_data(raw)
        assert caught.value.path == ("data", "[4]", "[3]")


class TestCompactArray:
    def test_arrays_inside(self):
        pair = TypeDescription(DataType.STRUCTURE, (TypeDescription(DataType.INTEGER), TypeDescription(DataType.ENUM)))
        rows = TypeDescription(DataType.ARRAY, (pair,), 2)
        values = tuple(array(*[structure(integer(n), enum(n))] * 2) for n in range(3))
        compact = Data(DataType.COMPACT_ARRAY, CompactArray(rows, values))
        raw = encode_data(compact)
        assert raw.hex() == "13" "010002" "02020f16" "0c" "000000000101010102020202"  # fmt: skip
        assert decode_data(raw) == compact
        assert skip_data(Cursor(raw)) == raw
        explained, spans = explain(DATA, raw)
        assert explained == compact
        check_tiling(spans, len(raw))
        assert len(leaves(spans)) == 2 + 12

    def test_empty(self):
        compact = Data(DataType.COMPACT_ARRAY, CompactArray(TypeDescription(DataType.NULL_DATA), ()))
        assert decode_data(encode_data(compact)) == compact

    @pytest.mark.parametrize(
        ("description", "contents"),
        [
            (TypeDescription(DataType.UNSIGNED), (integer(1),)),
            (TypeDescription(DataType.ARRAY, (TypeDescription(DataType.UNSIGNED),), 2), (array(unsigned(1)),)),
        ],
    )
    def test_contents_have_to_fit_the_description(self, description, contents):
        with pytest.raises(LocalProtocolError, match="a compact array"):
            encode_data(Data(DataType.COMPACT_ARRAY, CompactArray(description, contents)))


@pytest.mark.parametrize(
    "data",
    [
        unsigned(256),
        unsigned(-1),
        long64(2**63),
        double_long_unsigned("1"),
        float32(1e300),
        bit_string("012"),
        Data(DataType.NULL_DATA, 1),
        Data(DataType.DATE, CosemTime(1, 2, 3)),
        Data(DataType.DATE_TIME, b"\x00" * 12),
        visible_string("€"),
        octet_string("ä"),
        octet_string(7),
        Data(DataType.BIT_STRING, 3),
        array(7),
        Data(DataType.STRUCTURE, None),
    ],
)
def test_values_that_do_not_fit_their_type_are_our_fault(data):
    with pytest.raises(LocalProtocolError):
        encode_data(data)


@pytest.mark.parametrize("kind", sorted(set(DataType) - {DataType.OCTET_STRING, DataType.BOOLEAN}))
def test_errors_do_not_show_what_may_be_a_key(kind):
    with pytest.raises(LocalProtocolError) as caught:
        encode_data(Data(kind, {"secret": 1}))
    assert "secret" not in str(caught.value)


def test_not_a_number_travels():
    assert math.isnan(decode_data(encode_data(float64(math.nan))).value)
