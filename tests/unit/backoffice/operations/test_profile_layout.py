"""Rows of a profile become readings: exactly, or refused by name."""

from __future__ import annotations

import pytest

from mutation import survive
from openami.backoffice.operations.profile_layout import (
    ProfileLayout,
    capture_objects,
    decode_rows,
    log_events,
    profile_columns,
    stamped_registers,
)
from openami.model.errors import DecodeError
from openami.model.obis import ObisCode
from openami.protocols.dlms.data import (
    array,
    decode_data,
    double_long_unsigned,
    encode_data,
    float32,
    long64_unsigned,
    null,
    octet_string,
    structure,
    unsigned,
)
from openami.protocols.dlms.date_time import CosemDateTime
from openami.protocols.dlms.selective_access import CaptureObjectDefinition

START = 1_770_000_300
IMPORT = ObisCode(1, 0, 1, 8, 0)
CLOCK = CaptureObjectDefinition(8, ObisCode(0, 0, 1, 0, 0), 2)
STATUS = CaptureObjectDefinition(1, ObisCode(0, 0, 96, 10, 1), 2)
ENERGY = CaptureObjectDefinition(3, IMPORT, 2)
CODE = CaptureObjectDefinition(1, ObisCode(0, 0, 96, 11, 0), 2)


def stamp(row, deviation=0):
    return octet_string(bytes(CosemDateTime.from_utc(START + 900 * row, deviation)))


def buffer(*rows):
    return encode_data(array(*(structure(*row) for row in rows)))


def layout(*columns, scaler=0):
    return ProfileLayout(columns, 900, {IMPORT: scaler})


LOAD = layout(CLOCK, STATUS, ENERGY)
RAW = buffer(*((stamp(row), unsigned(row), double_long_unsigned(1000 + row)) for row in range(4)))


def test_a_load_profile():
    (column,) = profile_columns(decode_rows(RAW, LOAD, None), LOAD, {IMPORT: 0})
    assert (column.obis, column.resolution_s) == (IMPORT, 900)
    assert column.stamps.tolist() == [START + 900 * row for row in range(4)]
    assert column.registers.tolist() == [1000, 1001, 1002, 1003]
    assert column.status.tolist() == [0, 1, 2, 3]


def test_columns_in_another_order_and_without_a_status():
    other = layout(ENERGY, CLOCK)
    raw = buffer((double_long_unsigned(7), stamp(0)), (double_long_unsigned(8), stamp(1)))
    (column,) = profile_columns(decode_rows(raw, other, None), other, {})
    assert (column.registers.tolist(), column.status.tolist()) == ([7, 8], [0, 0])


def test_a_value_that_the_meter_left_out_is_left_out():
    raw = buffer((stamp(0), unsigned(0), double_long_unsigned(5)), (stamp(1), unsigned(0), null()))
    (column,) = profile_columns(decode_rows(raw, LOAD, None), LOAD, {})
    assert column.stamps.tolist() == [START]


@pytest.mark.parametrize(("meter", "channel", "value", "said"), [(3, 0, 5, 5000), (0, -1, 5, 50), (0, 1, 50, 5)])
def test_registers_are_told_in_the_channels_scaler(meter, channel, value, said):
    scaled = layout(CLOCK, ENERGY, scaler=meter)
    rows = decode_rows(buffer((stamp(0), double_long_unsigned(value))), scaled, None)
    (register,) = stamped_registers(rows, scaled, {IMPORT: channel})
    assert (register.value, register.stamp.timestamp()) == (said, START)


@pytest.mark.parametrize(
    ("columns", "row", "scaler", "channel", "text"),
    [
        ((CLOCK, ENERGY), (stamp(0), double_long_unsigned(55)), 0, 1, "would lose digits"),
        ((CLOCK, ENERGY), (stamp(0), long64_unsigned(1 << 62)), 3, 0, "beyond 63 bits"),
        ((CLOCK, ENERGY), (stamp(0), long64_unsigned(1 << 63)), 0, 0, "beyond 63 bits"),
        ((CLOCK, ENERGY), (stamp(0), float32(1.5)), 0, 0, "not captured as integers"),
        ((CLOCK, STATUS, ENERGY), (stamp(0), double_long_unsigned(256), double_long_unsigned(1)), 0, 0, "its byte"),
        ((CLOCK, ENERGY), (stamp(0), unsigned(1), unsigned(1)), 0, 0, "rows have 3 values, capture_objects 2"),
        ((STATUS, ENERGY), (unsigned(1), unsigned(1)), 0, 0, "captures no clock"),
    ],
)
def test_what_cannot_be_told_exactly_is_refused(columns, row, scaler, channel, text):
    made = layout(*columns, scaler=scaler)
    with pytest.raises(DecodeError, match=text):
        profile_columns(decode_rows(buffer(row), made, None), made, {IMPORT: channel})


def test_stamps_without_deviation_take_the_clocks():
    raw = buffer((octet_string(bytes(CosemDateTime.from_utc(START, -60))[:9] + b"\x80\x00\x00"), unsigned(1)))
    made = layout(CLOCK, ENERGY)
    (column,) = profile_columns(decode_rows(raw, made, -60), made, {})
    assert column.stamps.tolist() == [START]
    with pytest.raises(DecodeError, match="deviation"):
        decode_rows(raw, made, None)


def test_an_event_log():
    made = ProfileLayout((CLOCK, CODE), 0, {})
    events = log_events(decode_rows(buffer((stamp(0), unsigned(40)), (stamp(1), unsigned(41))), made, None), made)
    assert [(event.at.timestamp(), event.code) for event in events] == [(START, 40), (START + 900, 41)]
    with pytest.raises(DecodeError, match="captures no event code"):
        log_events(decode_rows(buffer((stamp(0),)), layout(CLOCK), None), layout(CLOCK))


def test_an_empty_buffer_says_nothing():
    rows = decode_rows(buffer(), LOAD, None)
    assert (profile_columns(rows, LOAD, {}), log_events(rows, LOAD)) == ((), ())


def test_capture_objects_are_bounded():
    assert capture_objects(array(CLOCK.to_data(), ENERGY.to_data())) == (CLOCK, ENERGY)
    for bad in (unsigned(1), array(*[CLOCK.to_data()] * 65), array(unsigned(1))):
        with pytest.raises(DecodeError):
            capture_objects(bad)


def test_whatever_the_bytes_only_decode_errors():
    def read(raw):
        rows = decode_rows(raw, LOAD, 0)
        return profile_columns(rows, LOAD, {IMPORT: 3}), stamped_registers(rows, LOAD, {}), log_events(rows, LOAD)

    survive(read, [RAW], inputs=20_000)
    survive(lambda raw: capture_objects(decode_data(raw)), [encode_data(array(CLOCK.to_data(), ENERGY.to_data()))])
