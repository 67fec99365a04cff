"""P1: telegrams, streams, encryption, values. The telegrams are our own."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openami.model.errors import DecodeError, FrameCheckError, LimitExceeded, LocalProtocolError, SecurityError
from openami.model.obis import ObisCode
from openami.model.quantity import Quantity
from openami.model.unit import Unit
from openami.protocols.iec62056_21.data_set import DataSet, decode_data_sets, encode_data_sets
from openami.protocols.iec62056_21.measurements import code, measurements, stamp
from openami.protocols.iec62056_21.p1 import Variant, decode_p1, encode_p1
from openami.protocols.iec62056_21.p1_encrypted import Authentication, decode_encrypted, open_p1, seal_p1
from openami.protocols.iec62056_21.p1_stream import Garbage, P1Parser, Received, SealedReceived

SETS = [
    DataSet("1-3:0.2.8", ("50",)),
    DataSet("0-0:1.0.0", ("240115120000W",)),
    DataSet("1-0:1.8.1", ("000123.456*kWh",)),
    DataSet("1-0:1.7.0", ("00.244*kW",)),
    DataSet("0-0:96.13.0", ("",)),
    DataSet("0-1:24.2.1", ("240715110000S", "00042.107*m3")),
    DataSet("1-0:99.97.0", ("1", "0-0:96.7.19", "240101010203W", "0000000240*s")),
]
TELEGRAM = encode_p1("OAM5METER", SETS)
KEY, AK, TITLE = bytes(range(16)), bytes(range(16, 32)), b"OAM\x00\x00\x00\x00\x07"


def events(*pieces: bytes):
    parser = P1Parser()
    return [event for piece in pieces for event in parser.feed(piece)] + parser.flush()


def test_what_a_meter_sends_is_what_a_reader_reads():
    telegram = decode_p1(TELEGRAM)
    assert telegram.identification == "OAM5METER"
    assert list(telegram.data_sets) == SETS
    assert telegram.variant is Variant.DSMR_5


def test_values_of_a_telegram():
    found = {str(each.name): each for each in measurements(decode_p1(TELEGRAM).data_sets)}
    assert found["1-0:1.8.1*255"].value == Quantity(123456, 0, Unit.WATT_HOUR)
    assert found["1-0:1.7.0*255"].value == Quantity(244, 0, Unit.WATT)
    assert found["0-0:96.13.0*255"].value is None
    assert found["0-1:24.2.1*255"].value == Quantity(42107, -3, Unit.CUBIC_METRE)
    assert found["0-1:24.2.1*255"].time == datetime(2024, 7, 15, 9, tzinfo=UTC)
    assert found["0-0:96.7.19*255"].value == Quantity(240, 0, Unit.SECOND)
    assert found["0-0:96.7.19*255"].time == datetime(2024, 1, 1, 0, 2, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("sets", "checksum", "variant"),
    [
        (["1-3:0.2.8(42)"], True, Variant.DSMR_4),
        (["0-0:96.1.1(00)"], False, Variant.DSMR_2_OR_3),
        (["0-0:96.1.4(50217)", "1-3:0.2.8(50)"], True, Variant.BELGIUM),
        (["1-3:0.2.8(42)", "0-0:42.0.0(00)"], True, Variant.LUXEMBOURG),
        (["1-0:1.8.0(1*kWh)", "1-0:3.8.0(1*kvarh)"], True, Variant.SWEDEN),
        (["1-0:1.8.0(1*kWh)"], True, Variant.OTHER),
    ],
)
def test_the_variant_shows(sets, checksum, variant):
    assert decode_p1(encode_p1("X", decode_data_sets("\r\n".join(sets)), checksum=checksum)).variant is variant


def test_the_last_hour_of_gas_stands_on_two_lines():
    sets = decode_data_sets("0-1:24.3.0(090212160000)(00)(60)(1)(0-1:24.2.1)(m3)\r\n(00001.001)\r\n")
    (gas,) = measurements(sets)
    assert (str(gas.name), str(gas.value), gas.time) == ("0-1:24.2.1*255", "1.001 m³", None)
    assert gas.remark == "local time 090212160000"


def test_a_list_of_maxima_becomes_its_values():
    text = "0-0:98.1.0(2)(1-0:1.6.0)(1-0:1.6.0)(240201000000W)(240117183000W)(04.329*kW)"
    text += "(240301000000W)(240202180000W)(4*kW)"
    first, second = measurements(decode_data_sets(text))
    assert (str(first.name), str(first.value)) == ("1-0:1.6.0*255", "4329 W")
    assert second.time == datetime(2024, 2, 2, 17, tzinfo=UTC)
    assert second.remark == "period 240301000000W"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1-0:1.8.0*255", ObisCode(1, 0, 1, 8, 0)),
        ("1.8.0", ObisCode(1, 0, 1, 8, 0)),
        ("1.8.1*04", ObisCode(1, 0, 1, 8, 1, 4)),
        ("C.1.0", ObisCode(1, 0, 96, 1, 0)),
        ("1.6.1&02", ObisCode(1, 0, 1, 6, 1, 2)),
        ("6.8", "6.8"),
        ("1-0:999.8.0", "1-0:999.8.0"),
    ],
)
def test_codes(text, found):
    assert code(text) == found


def test_stamps():
    assert stamp("240715110000S", 0) == datetime(2024, 7, 15, 10, tzinfo=UTC)
    assert stamp("241399110000S") is None
    assert stamp("240715110000") is None


@pytest.mark.parametrize("end", [b"!\r\n", b"!\n"])
def test_no_checksum_is_no_error(end):
    assert decode_p1(b"/X\r\n\r\n1-0:1.8.0(1*Wh)\r\n" + end).checksum is None


def test_a_checksum_without_leading_zeros():
    for number in range(300):
        octets = encode_p1("X", [DataSet("1-0:1.8.0", (str(number),))])
        head, _, crc = octets.partition(b"!")
        if crc.startswith(b"0"):
            assert decode_p1(head + b"!" + crc.lstrip(b"0")).checksum is not None
            return
    raise AssertionError("no checksum of 300 begins with 0")


def test_a_wrong_checksum_names_both():
    with pytest.raises(FrameCheckError, match="checksum"):
        decode_p1(TELEGRAM.replace(b"123.456", b"123.457"))


@pytest.mark.parametrize(
    "octets", [b"", b"/", b"1-0:1.8.0(1)", b"/X\r\n\r\n1-0:1.8.0(1\r\n!\r\n", b"/X\r\n\r\njunk\r\n!\r\n"]
)
def test_what_is_no_telegram(octets):
    with pytest.raises(DecodeError):
        decode_p1(octets)


def test_telegrams_are_bounded():
    with pytest.raises(LimitExceeded):
        decode_p1(bytes(1 << 15))


def test_streams_are_cut_into_telegrams():
    bad = TELEGRAM.replace(b"123.456", b"123.457")
    found = events(b"noise" + TELEGRAM + bad + TELEGRAM[:60] + b"\n" + TELEGRAM + TELEGRAM[:-2])
    assert [type(event) for event in found] == [Garbage, Received, Garbage, Garbage, Received, Received]
    assert "calculated" in found[2].reason
    assert found[3].reason == "cut off by the next telegram"


def test_an_endless_stream_is_given_up():
    parser = P1Parser()
    found = [event for _ in range(40) for event in parser.feed(b"/" + b"x" * 1023)]
    assert found
    assert len(parser._buffer) <= 1 << 15


def test_encrypted_telegrams_are_cut_out_of_a_stream_and_stay_closed():
    sealed = seal_p1(TELEGRAM, b"OAM/!\xdb\x08\n", 7, bytes(16), Authentication.WITHOUT_KEY)
    found = events(b"noise" + sealed + TELEGRAM + sealed[:40] + sealed + TELEGRAM[:60] + sealed + sealed[:20])
    kinds = [Garbage, SealedReceived, Received, Garbage, SealedReceived, Garbage, SealedReceived, Garbage]
    assert [type(event) for event in found] == kinds
    assert {event.raw for event in found if isinstance(event, SealedReceived)} == {sealed}
    assert [found[at].reason for at in (3, 5, 7)] == [*["cut off by the next telegram"] * 2, "cut off by the end"]


def test_a_telegram_that_begins_in_what_only_looks_like_one():
    sealed = seal_p1(b"x", bytes.fromhex("db08414d8200308282"[:16]), 7, bytes(16), Authentication.WITHOUT_KEY)
    looks = bytes.fromhex("db08") + sealed[:8] + b"\x82\xff\xff\x30"
    for lead in (b"", b"\xdb\x08", looks, sealed[:2] + bytes(8) + b"\x82\xff\xff\x30"):
        found = events(lead + sealed)
        assert found == events(*((lead + sealed)[at : at + 1] for at in range(len(lead + sealed))))
        assert isinstance(found[-1], SealedReceived)
        assert found[-1].raw == sealed


def test_an_octet_behind_a_telegram_that_may_begin_another_keeps_nothing_waiting():
    assert [type(event) for event in events(TELEGRAM + b"\xdb")] == [Received, Garbage]


@settings(max_examples=200, derandomize=True)
@given(st.binary(max_size=120), st.lists(st.integers(0, 900), max_size=6))
def test_any_cut_gives_the_same_events(noise, cuts):
    sealed = seal_p1(noise, b"OAM/\xdb\x08!\n", 1, bytes(16), Authentication.WITHOUT_KEY)
    whole = noise + TELEGRAM + noise[:7] + sealed + noise[:3] + TELEGRAM
    edges = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    assert events(*(whole[start:end] for start, end in itertools.pairwise(edges))) == events(whole)


@settings(max_examples=200, derandomize=True)
@given(st.lists(st.tuples(st.text("0123456789CF.:*-", min_size=1), st.lists(st.text("0123 .*kWh/&"), min_size=1))))
def test_any_data_sets_survive_the_way(sets):
    made = [DataSet(address, tuple(values)) for address, values in sets]
    assert decode_data_sets(encode_data_sets(made)) == made


def test_what_would_break_a_data_set_is_our_error():
    with pytest.raises(LocalProtocolError):
        encode_data_sets([DataSet("1-0:1.8.0", ("a)b",))])


@pytest.mark.parametrize("how", [Authentication.WITH_KEY, Authentication.WITHOUT_KEY])
def test_both_kinds_of_encryption(how):
    sealed = seal_p1(TELEGRAM, TITLE, 42, KEY, how, AK)
    assert decode_encrypted(sealed).invocation_counter == 42
    assert open_p1(sealed, KEY, how, AK) == TELEGRAM
    assert open_p1(sealed, KEY, Authentication.UNVERIFIED) == TELEGRAM
    other = Authentication.WITHOUT_KEY if how is Authentication.WITH_KEY else Authentication.WITH_KEY
    with pytest.raises(SecurityError, match="wrong key"):
        open_p1(sealed, KEY, other, AK)
    with pytest.raises(SecurityError):
        open_p1(sealed[:-1] + bytes((sealed[-1] ^ 1,)), KEY, how, AK)


@pytest.mark.parametrize("octets", [b"", b"\xdb\x08", seal_p1(b"x", TITLE, 1, KEY, Authentication.WITHOUT_KEY)[:-1]])
def test_what_is_not_encrypted(octets):
    with pytest.raises(DecodeError):
        open_p1(octets, KEY, Authentication.WITHOUT_KEY)


def test_keys_are_checked_before_use():
    with pytest.raises(LocalProtocolError, match="16 octets"):
        seal_p1(b"x", TITLE, 1, KEY[:8], Authentication.WITHOUT_KEY)
