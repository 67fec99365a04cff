"""Records: every kind of data, modifiers, units, what is not valid, and where reading ends."""

from __future__ import annotations

from datetime import date, datetime, time

import pytest

from openami.model.errors import DecodeError, LimitExceeded
from openami.model.quantity import Quantity
from openami.model.unit import Unit
from openami.protocols.mbus.dif import Function
from openami.protocols.mbus.layout import compile_layout
from openami.protocols.mbus.meter_time import MeterTime
from openami.protocols.mbus.records import decode_compact, decode_headers, decode_records
from openami.protocols.mbus.vif_tables import FIRST_EXTENSION, PRIMARY, SECOND_EXTENSION
from openami.protocols.mbus.vife import COMBINABLE


def one(text):
    records = decode_records(bytes.fromhex(text))
    assert len(records) == 1
    return records.records[0]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("01 13 ff", "-0.001 m³"),
        ("02 13 0080", "None"),
        ("04 13 c4090000", "2.500 m³"),
        ("06 13 010000000000", "0.001 m³"),
        ("07 06 0100000000000000", "1000 Wh"),
        ("09 5b 21", "21 °C"),
        ("0c 13 321500f0", "-1.532 m³"),
        ("0c 13 3215a000", "None"),
        ("0e 0e 563412907856", "567890123456000000 J"),
        ("05 2b 0000c03f", "1.5 W"),
        ("05 2b 0000c07f", "None"),
        ("05 2b cdcccc3d", "0.1 W"),
        ("02 43 0100", "0.0060 m³/h"),
        ("02 4b 0100", "0.003600 m³/h"),
        ("02 fb23 0100", "0.003785411784 m³"),
        ("02 fb0d 0200", "2000000 cal"),
        ("02 fd48 9a08", "220.2 V"),
        ("02 53 0500", "5 kg/h"),
        ("02 75 0a00", "10 min"),
        ("0d 13 c2 3412", "1.234 m³"),
        ("0d 13 d2 3412", "-1.234 m³"),
        ("0d fd10 03 636261", "abc"),
        ("0c 78 78563412", "12345678"),
        ("04 78 15cd5b07", "123456789"),
        ("02 fd17 ff80", "33023"),
    ],
)
def test_values(text, shown):
    assert str(one(text).value) == shown


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("04 6d 1e0a7f1a", datetime.fromisoformat("2011-10-31T10:30")),
        ("02 6c bf15", date(2013, 5, 31)),
        ("02 6c ffff", None),
        ("02 6c 0000", None),
        ("04 6d 9e0a7f1a", None),
        ("06 6d 0f1e0a7f1a00", datetime.fromisoformat("2011-10-31T10:30:15")),
        ("03 6d 0f1e0a", time(10, 30, 15)),
        ("03 6d 0f3f0a", None),
        ("04 6d 00006151", datetime.fromisoformat("2043-01-01T00:00")),
        ("04 6d 00002165", datetime.fromisoformat("2049-05-01T00:00")),
        ("04 6d 0000a1c5", None),
    ],
)
def test_times(text, moment):
    value = one(text).value
    assert isinstance(value, MeterTime)
    assert value.moment == moment or (moment is None and value.moment is None)


def test_the_meters_summer_time_flag():
    assert one("04 6d 1e8a7f1a").value.summer_time
    assert not one("04 6d 1e0a7f1a").value.summer_time


def test_where_a_value_is_stored():
    record = one("9b 53 13 010000")
    assert (record.function, record.storage, record.tariff, record.subunit) == (Function.MAXIMUM, 6, 1, 1)
    assert record.name == "maximum volume, tariff 1, subunit 1, storage 6"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("02 9378 0500", "0.006 m³"),
        ("02 867b 0500", "5001 Wh"),
        ("02 8378 0500", "5.001 Wh"),
        ("01 fb80 7b 05", "1500000 Wh"),
        ("01 fb99 78 05", "5000001 kg"),
        ("02 fba0 7b 0100", "0.056633693184 m³"),
        ("02 c778 0100", "60.060 m³/h"),
        ("02 93f578 0500", "0.0015 m³"),
        ("02 93f875 0500", "0.0006 m³"),
        ("02 93fd78 0500", "5.001 m³"),
        ("02 93f87d 0500", "6 m³"),
        ("02 93fb79 ffff", "1.009 m³"),
        ("0c 9379 321500f0", "-1.522 m³"),
        ("05 ab78 0000c03f", "1.501 W"),
        ("0d 937a c2 3412", "1.334 m³"),
        ("02 93fb 39 bf15", "2013-05-31"),
        ("02 a2fb50 0500", "5 s"),
        ("02 d0fb78 0080", "None"),
    ],
)
def test_correction_constants_count_in_the_unit_of_the_vif_and_where_they_stand(text, value):
    """A factor before a constant leaves it alone, one behind it counts for both."""
    record = one(text)
    assert str(record.value) == value
    assert "constant" not in record.name


@pytest.mark.parametrize(
    ("text", "name", "value", "unit"),
    [
        ("02 933c 0500", "volume, accumulation only of negative contributions, absolute", "0.005 m³", "m³"),
        ("02 9322 0500", "volume, per h", "0.005 m³/h", "m³/h"),
        ("12 ae25 0500", "maximum power, per mo", "5000 W", "W"),
        ("22 db23 0500", "minimum flow temperature, per d", "5 °C", "°C"),
        ("12 9325 0500", "maximum volume, per mo", "0.005 other", "m³/mo"),
        ("02 ae25 0500", "power, per mo", "5000 other", "W/mo"),
        ("12 ae22 0500", "maximum power, per h", "5000 other", "W/h"),
        ("02 9328 0500", "volume, increment per input pulse on channel 0", "0.005 other", "m³/pulse"),
        ("02 9376 0500", "volume", "0.005 m³", "m³"),
        ("02 937d 0500", "volume", "5 m³", "m³"),
        ("02 be50 0500", "volume flow, duration of first exceed of lower limit", "5 s", "s"),
        ("02 be49 0500", "volume flow, number of exceeds of upper limit", "5", ""),
        ("02 fdc8fc01 0100", "voltage, phase L1", "0.1 V", "V"),
        ("02 93ff05 0100", "volume, manufacturer's 05", "0.001 m³", "m³"),
        ("02 ff2105 00", "manufacturer specific, manufacturer's 21", "5 other", "other"),
        ("02 fc0348522574 d411", "%RH", "45.64 other", "%RH"),
        ("02 6f 0500", "reserved", "5 other", "other"),
        ("02 fb7f 0500", "cumulated maximum power", "50000 W", "W"),
    ],
)
def test_modifiers(text, name, value, unit):
    record = one(text)
    assert (record.name, str(record.value), record.layout.unit_text) == (name, value, unit)


def test_a_limits_date():
    assert one("02 be46 bf15").value == MeterTime(date(2013, 5, 31))


def test_what_the_meter_cannot_give_is_no_value():
    record = one("02 9315 0500")
    assert (record.value, record.error, record.raw) == (None, "no data available", b"\x05\x00")


def test_binary_data_of_variable_length_stay_octets():
    assert one("0d fd3b e3 010203").value == b"\x01\x02\x03"
    assert len(one("0d fd3b f0" + "00" * 16).raw) == 16


@pytest.mark.parametrize("length_field", ["ca", "da", "f7", "ff"])
def test_reserved_lengths(length_field):
    with pytest.raises(DecodeError, match=f"reserved length {length_field}"):
        decode_records(bytes.fromhex(f"0d13{length_field}") + bytes(80))


def test_fillers_and_what_ends_the_records():
    records = decode_records(bytes.fromhex("2f 0113 01 2f 2f 1f 0f 2f aa"))
    assert (len(records), records.manufacturer_data, records.more_records_follow) == (1, b"\x0f\x2f\xaa", True)
    records = decode_records(bytes.fromhex("0f"))
    assert (len(records), records.manufacturer_data, records.more_records_follow) == (0, b"", False)
    assert decode_records(b"\x7f").global_readout


@pytest.mark.parametrize("dif", [0x3F, 0x4F, 0x5F, 0x6F, 0x8F])
def test_reserved_difs(dif):
    with pytest.raises(DecodeError, match=f"reserved DIF {dif:02x}") as caught:
        decode_records(bytes((0x01, 0x13, 0x00, dif, 0x13)))
    assert caught.value.offset == 3


def test_extensions_at_and_beyond_their_limit():
    assert one("84" + "80" * 9 + "00" + "13 00000000").storage == 0
    assert one("04 93" + "bb" * 9 + "3b" + "00000000").value == Quantity(0, -3, Unit.CUBIC_METRE)
    with pytest.raises(LimitExceeded, match="more than 10 DIFEs"):
        decode_records(bytes.fromhex("84" + "80" * 10 + "00" + "13 00000000"))
    with pytest.raises(LimitExceeded, match="more than 10 VIFEs"):
        decode_records(bytes.fromhex("04 93" + "bb" * 10 + "3b" + "00000000"))


def test_where_reading_fails_is_said():
    with pytest.raises(DecodeError) as caught:
        decode_records(bytes.fromhex("0113 01 0413 0000"))
    assert (caught.value.offset, caught.value.path) == (5, ("record at 3",))


def test_a_layout_is_compiled_once():
    first, second = decode_records(bytes.fromhex("0113 01 0113 02"))
    assert first.layout is second.layout is compile_layout(b"\x01\x13")


def test_a_compact_frames_data_with_known_headers():
    full = decode_records(bytes.fromhex("0413 c4090000 0d78 02 3132 426c bf15"))
    layouts = decode_headers(full.headers)
    volume, number, day = (record.raw for record in full)
    compact = decode_compact(volume + b"\x02" + number + day, layouts)
    assert [record.value for record in compact] == [record.value for record in full]
    with pytest.raises(DecodeError):
        decode_compact(b"\x00\x00\x00", layouts)
    with pytest.raises(DecodeError, match="no place in a format"):
        decode_headers(b"\x0f")


def test_tables_are_whole():
    """Codes that public tables list as reserved are the only ones that are not declared."""
    assert set(range(0x80)) - set(PRIMARY) == {0x6F, 0x7B, 0x7C, 0x7D}
    assert set(range(0x77)) - set(FIRST_EXTENSION) == set()
    reserved = {6, 7, 0x0A, 0x0B, 0x12, 0x13, *range(0x1C, 0x20), 0x27, 0x32, 0x33, *range(0x38, 0x58), 0x6F}
    assert set(range(0x80)) - set(SECOND_EXTENSION) == reserved
    assert {code for code in range(0x20, 0x80) if code not in COMBINABLE} == {0x44, 0x45, 0x4C, 0x4D, 0x7C, 0x7F}
