"""The fast ways to a profile's columns against the general decoder: the same values, or both refuse."""

from __future__ import annotations

import random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mutation import mutate
from openami.model.errors import DecodeError
from openami.protocols.dlms.data import Data, DataType, decode_data, structure
from openami.protocols.dlms.date_time import CosemDateTime
from openami.protocols.dlms.profile import decode_profile, decode_profiles
from openami.protocols.dlms.profile_columns import ProfileColumns, Reading, columns_of
from profile_rows import PERIOD_S, START, buffer, usual

READING = Reading(default_deviation=-60, capture_period_s=PERIOD_S)

CALM = st.builds(
    lambda quarter, deviation, status: bytes(CosemDateTime.from_utc(START + PERIOD_S * quarter, deviation, status)),
    st.integers(-200_000, 400_000),
    st.sampled_from([-120, -60, 0, 345, 1439]),
    st.sampled_from([0, 0x80, None]),
)
WILD = st.builds(
    lambda stamp, at, value: stamp[:at] + bytes((value,)) + stamp[at + 1 :],
    CALM,
    st.integers(0, 11),
    st.sampled_from([0x00, 0x01, 0x07, 0x1D, 0x1E, 0x1F, 0x3C, 0x63, 0x64, 0x7F, 0x80, 0xFD, 0xFE, 0xFF]),
)
KINDS = {
    DataType.NULL_DATA: st.none(),
    DataType.BOOLEAN: st.booleans(),
    DataType.DOUBLE_LONG: st.integers(-(1 << 31), (1 << 31) - 1),
    DataType.DOUBLE_LONG_UNSIGNED: st.integers(0, (1 << 32) - 1),
    DataType.INTEGER: st.integers(-128, 127),
    DataType.LONG: st.integers(-(1 << 15), (1 << 15) - 1),
    DataType.UNSIGNED: st.integers(0, 255),
    DataType.LONG_UNSIGNED: st.integers(0, 65_535),
    DataType.LONG64: st.integers(-(1 << 63), (1 << 63) - 1),
    DataType.LONG64_UNSIGNED: st.integers(0, (1 << 64) - 1),
    DataType.ENUM: st.integers(0, 255),
    DataType.FLOAT32: st.floats(width=32),
    DataType.FLOAT64: st.floats(),
    DataType.OCTET_STRING: st.binary(max_size=3),
    DataType.VISIBLE_STRING: st.text("ab", max_size=2),
}


@st.composite
def buffers(draw: st.DrawFn, clock: st.SearchStrategy[bytes]) -> bytes:
    """Mostly rows alike, sometimes with another type in between."""
    kinds = draw(st.lists(st.sampled_from(list(KINDS)), max_size=4))
    rows = []
    for number in range(draw(st.integers(0, 12))):
        first = Data(DataType.OCTET_STRING, draw(clock))
        if number and draw(st.integers(0, 3)) == 0:
            first = Data(DataType.NULL_DATA, None)
        if draw(st.integers(0, 15)) == 0:
            kinds = [*kinds[:-1], draw(st.sampled_from(list(KINDS)))] if kinds else []
        rows.append(structure(first, *(Data(kind, draw(KINDS[kind])) for kind in kinds)))
    return buffer(rows)


def judged(raw: bytes) -> ProfileColumns | DecodeError:
    try:
        return columns_of(decode_data(raw), READING)
    except DecodeError as error:
        return error


def decoded(raw: bytes) -> ProfileColumns | DecodeError:
    try:
        return decode_profile(raw, default_deviation=-60, capture_period_s=PERIOD_S)
    except DecodeError as error:
        return error


def assert_same_values(ours, judge):
    """Equal in type and value; in columns of mixed values, which are Python objects, NaN equals NaN as well."""
    if ours.dtype != object:
        np.testing.assert_array_equal(ours, judge, strict=True)
        return
    assert judge.dtype == object
    assert list(map(repr, ours)) == list(map(repr, judge))


def assert_same(ours: ProfileColumns | DecodeError, judge: ProfileColumns | DecodeError) -> None:
    if isinstance(ours, DecodeError) or isinstance(judge, DecodeError):
        assert type(ours) is type(judge)
        assert ours.reason == judge.reason
        assert ours.path == judge.path
        return
    np.testing.assert_array_equal(ours.stamps, judge.stamps, strict=True)
    np.testing.assert_array_equal(ours.clock_status, judge.clock_status, strict=True)
    assert len(ours.columns) == len(judge.columns)
    for mine, other in zip(ours.columns, judge.columns, strict=True):
        assert_same_values(mine.values, other.values)
        assert (mine.present is None) == (other.present is None)
        if mine.present is not None:
            np.testing.assert_array_equal(mine.present, other.present, strict=True)


@settings(max_examples=400, derandomize=True, deadline=None)
@given(buffers(CALM))
def test_same_columns(raw):
    assert_same(decoded(raw), judged(raw))


@settings(max_examples=400, derandomize=True, deadline=None)
@given(buffers(WILD))
def test_same_verdict_on_wild_stamps(raw):
    assert_same(decoded(raw), judged(raw))


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.lists(buffers(CALM | WILD), max_size=5))
def test_many_meters_at_once(raws):
    together = decode_profiles(raws, default_deviation=-60, capture_period_s=PERIOD_S)
    for ours, raw in zip(together, raws, strict=True):
        assert_same(ours, judged(raw))


def test_same_verdict_on_mutated_bytes():
    choice = random.Random(7)
    seeds = [usual(4), usual(17)]
    for _ in range(20_000):
        raw = mutate(choice, seeds)
        assert_same(decoded(raw), judged(raw))


def test_same_verdict_on_every_byte_of_a_row():
    seed = usual(3)
    for at in range(len(seed)):
        for value in range(256):
            raw = seed[:at] + bytes((value,)) + seed[at + 1 :]
            assert_same(decoded(raw), judged(raw))
