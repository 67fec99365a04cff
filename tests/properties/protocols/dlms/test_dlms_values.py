"""Any value travels, any octets decode or fail as they should, and both decoders agree."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from openami.model.errors import DecodeError
from openami.protocols.dlms.apdu import APDU_TAGS, decode_apdu, encode_apdu, explain_apdu
from openami.protocols.dlms.data import (
    DATA,
    CompactArray,
    Data,
    DataType,
    TypeDescription,
    decode_data,
    encode_data,
    skip_data,
)
from openami.protocols.dlms.date_time import ClockStatus, CosemDate, CosemDateTime, CosemTime, DayMark, MonthMark
from openami.protocols.dlms.plain import plain
from openami.protocols.wire.cursor import Cursor
from openami.protocols.wire.declared import explain
from spans import check_tiling

EXAMPLES = settings(max_examples=400, derandomize=True, deadline=None)


def maybe(low: int, high: int):
    return st.none() | st.integers(low, high)


MONTHS = maybe(1, 12) | st.sampled_from(MonthMark)
DAYS = maybe(1, 28) | st.sampled_from(DayMark)
DATES = st.builds(CosemDate, maybe(1, 0xFFFE), MONTHS, DAYS, maybe(1, 7))
TIMES = st.builds(CosemTime, maybe(0, 23), maybe(0, 59), maybe(0, 59), maybe(0, 99))
DATE_TIMES = st.builds(
    lambda date, time, deviation, status: CosemDateTime(
        date.year,
        date.month,
        date.day,
        date.weekday,
        time.hour,
        time.minute,
        time.second,
        time.hundredths,
        deviation,
        status,
    ),
    DATES,
    TIMES,
    maybe(-840, 840),
    st.none() | st.integers(0, 0xFE).map(ClockStatus),
)


def integers(bits: int, *, signed: bool):
    return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else st.integers(0, 2**bits - 1)


VALUES = {
    DataType.NULL_DATA: st.none(),
    DataType.DONT_CARE: st.none(),
    DataType.BOOLEAN: st.booleans(),
    DataType.BIT_STRING: st.text("01", max_size=40),
    DataType.DOUBLE_LONG: integers(32, signed=True),
    DataType.DOUBLE_LONG_UNSIGNED: integers(32, signed=False),
    DataType.OCTET_STRING: st.binary(max_size=140),
    DataType.VISIBLE_STRING: st.text(st.characters(max_codepoint=255), max_size=20),
    DataType.UTF8_STRING: st.text(max_size=20),
    DataType.BCD: integers(8, signed=True),
    DataType.INTEGER: integers(8, signed=True),
    DataType.LONG: integers(16, signed=True),
    DataType.UNSIGNED: integers(8, signed=False),
    DataType.LONG_UNSIGNED: integers(16, signed=False),
    DataType.LONG64: integers(64, signed=True),
    DataType.LONG64_UNSIGNED: integers(64, signed=False),
    DataType.ENUM: integers(8, signed=False),
    DataType.FLOAT32: st.floats(width=32, allow_nan=False),
    DataType.FLOAT64: st.floats(allow_nan=False),
    DataType.DATE_TIME: DATE_TIMES,
    DataType.DATE: DATES,
    DataType.TIME: TIMES,
}
SCALARS = st.one_of([value.map(lambda value, kind=kind: Data(kind, value)) for kind, value in VALUES.items()])
CONTAINERS = st.sampled_from([DataType.ARRAY, DataType.STRUCTURE])


def containers(inner):
    return st.builds(Data, CONTAINERS, st.lists(inner, max_size=6).map(tuple))


def rows(draw_types):
    """Arrays of structures that mostly look alike: the fast path and its way out."""
    row = st.tuples(*[VALUES[kind].map(lambda value, kind=kind: Data(kind, value)) for kind in draw_types])
    alike = row.map(lambda fields: Data(DataType.STRUCTURE, fields))
    return st.lists(alike | SCALARS, max_size=8).map(lambda items: Data(DataType.ARRAY, tuple(items)))


DESCRIPTIONS = st.recursive(
    st.sampled_from(sorted(VALUES)).map(TypeDescription),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: TypeDescription(DataType.STRUCTURE, tuple(parts)))
        | st.builds(lambda part, count: TypeDescription(DataType.ARRAY, (part,), count), inner, st.integers(1, 3))
    ),
    max_leaves=5,
)


def described(description: TypeDescription):
    if description.type not in {DataType.ARRAY, DataType.STRUCTURE}:
        return VALUES[description.type].map(lambda value: Data(description.type, value))
    parts = description.elements * (description.number_of_elements or 1)
    return st.tuples(*map(described, parts)).map(lambda parts: Data(description.type, parts))


def takes_octets(description: TypeDescription) -> bool:
    if description.elements:
        return any(map(takes_octets, description.elements))
    return description.type not in {DataType.NULL_DATA, DataType.DONT_CARE}


COMPACT = DESCRIPTIONS.filter(takes_octets).flatmap(
    lambda description: st.lists(described(description), max_size=4).map(
        lambda contents: Data(DataType.COMPACT_ARRAY, CompactArray(description, tuple(contents)))
    )
)
ANY_DATA = (
    st.recursive(SCALARS, containers, max_leaves=20)
    | st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=5).flatmap(rows)
    | COMPACT
)


@EXAMPLES
@given(ANY_DATA)
def test_any_data_travels(data):
    raw = encode_data(data)
    assert decode_data(raw) == data
    assert skip_data(Cursor(raw)) == raw
    explained, spans = explain(DATA, raw)
    assert explained == data
    check_tiling(spans, len(raw))
    json.dumps(plain(data))


def outcome(decode, raw):
    """The value, or where and why not."""
    try:
        return decode(raw)
    except DecodeError as error:
        return (type(error), error.reason, error.offset, error.path)


def damaged(raw: bytes, at: int, octet: int) -> bytes:
    at %= len(raw)
    return raw[:at] + bytes((octet,)) + raw[at + 1 :]


DAMAGED = st.builds(damaged, ANY_DATA.map(encode_data), st.integers(0, 10_000), st.integers(0, 255))


@EXAMPLES
@given(st.binary(max_size=60) | DAMAGED)
def test_explaining_decodes_and_fails_exactly_like_decoding(raw):
    assert repr(outcome(decode_data, raw)) == repr(outcome(lambda octets: explain(DATA, octets)[0], raw))


@EXAMPLES
@given(DATE_TIMES)
def test_date_times_travel(value):
    raw = bytes(value)
    assert CosemDateTime.from_bytes(raw) == value
    local, utc = value.to_local(), value.to_utc()
    if utc is not None:
        assert local == utc
        again = CosemDateTime.from_utc(utc.timestamp(), value.deviation, value.clock_status)
        assert abs((again.to_utc() - utc).total_seconds()) <= 0.01


@EXAMPLES
@given(st.sampled_from(sorted(APDU_TAGS)), st.binary(max_size=60))
def test_any_octets_are_an_apdu_or_a_decode_error(tag, rest):
    raw = bytes((tag,)) + rest
    try:
        apdu, spans = explain_apdu(raw)
    except DecodeError:
        return
    assert decode_apdu(raw) == apdu
    assert decode_apdu(encode_apdu(apdu)) == apdu
    check_tiling(spans, len(raw))
