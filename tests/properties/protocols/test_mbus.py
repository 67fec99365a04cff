"""Wired M-Bus: round trips, and streams cut anywhere."""

from __future__ import annotations

import struct
from datetime import datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from openami.model.errors import DecodeError
from openami.protocols.mbus.dif import (
    DataField,
    DataInformation,
    Function,
    encode_data_information,
    read_data_information,
)
from openami.protocols.mbus.meter_time import decode_time, encode_date_time, encode_date_time_with_seconds
from openami.protocols.mbus.records import decode_records
from openami.protocols.mbus.value import bcd_number, real_number
from openami.protocols.mbus.wired.frame import Acknowledge, LongFrame, ShortFrame, decode_frame, encode_frame
from openami.protocols.mbus.wired.parser import Garbage, WiredParser

CALM = settings(max_examples=300, derandomize=True, deadline=None)
OCTET = st.integers(0, 255)
FRAMES = st.one_of(
    st.just(Acknowledge()),
    st.builds(ShortFrame, OCTET, OCTET),
    st.builds(LongFrame, OCTET, OCTET, OCTET, st.binary(max_size=252)),
)
INFORMATION = st.builds(
    DataInformation,
    st.sampled_from([field for field in DataField if field is not DataField.SPECIAL]),
    st.sampled_from(Function),
    st.integers(0, (1 << 41) - 1),
    st.integers(0, (1 << 20) - 1),
    st.integers(0, (1 << 10) - 1),
)
MOMENTS = st.datetimes(datetime.fromisoformat("1981-01-01"), datetime.fromisoformat("2080-12-31T23:59:59"))


@CALM
@given(FRAMES)
def test_frames_round_trip(frame):
    assert decode_frame(encode_frame(frame)) == frame


@CALM
@given(INFORMATION)
def test_data_information_round_trip(information):
    block = encode_data_information(information)
    assert len(block) <= 11
    assert read_data_information(block) == information


@CALM
@given(st.lists(st.one_of(FRAMES.map(encode_frame), st.binary(max_size=12)), max_size=8), st.data())
def test_a_stream_cut_anywhere_gives_the_same_events(pieces, data):
    stream = b"".join(pieces)
    whole = WiredParser()
    expected = [*whole.feed(stream), *whole.flush()]
    cut = WiredParser()
    events = []
    at = 0
    while at < len(stream):
        step = data.draw(st.integers(1, 9))
        events += cut.feed(stream[at : at + step])
        at += step
    assert events + cut.flush() == expected
    joined = b"".join(each.data if isinstance(each, Garbage) else encode_frame(each) for each in expected)
    assert joined == stream


@CALM
@given(st.lists(FRAMES, min_size=1, max_size=6))
def test_frames_alone_come_out_as_they_went_in(frames):
    parser = WiredParser()
    assert [*parser.feed(b"".join(map(encode_frame, frames))), *parser.flush()] == frames


@CALM
@given(st.binary(max_size=80))
def test_any_bytes_are_records_or_an_error(data):
    try:
        records = decode_records(data)
    except DecodeError:
        return
    for record in records:
        assert data[record.start : record.end].startswith(record.layout.header)
        assert data[record.start : record.end].endswith(record.raw)


@CALM
@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_float_becomes_a_decimal_that_is_that_float_alone(number):
    raw = struct.pack("<f", number)
    mantissa, exponent = real_number(raw)
    assert struct.unpack("<f", struct.pack("<f", float(f"{mantissa}e{exponent}")))[0] == number
    assert len(str(abs(mantissa))) <= 9


@CALM
@given(st.integers(-9_999_999, 99_999_999))
def test_bcd(number):
    digits = f"{number:08d}" if number >= 0 else f"F{-number:07d}"
    assert bcd_number(bytes.fromhex(digits)[::-1]) == (number, 0)


@CALM
@given(MOMENTS, st.booleans())
def test_moments_round_trip(moment, summer):
    minute = moment.replace(second=0, microsecond=0)
    told = decode_time(encode_date_time(minute, summer_time=summer))
    assert (told.moment, told.summer_time) == (minute, summer)
    second = moment.replace(microsecond=0)
    told = decode_time(encode_date_time_with_seconds(second, summer_time=summer))
    assert (told.moment, told.summer_time) == (second, summer)
