"""Our meter sends its load profile in three ways, our client reads the same columns from each."""

from __future__ import annotations

import random

import numpy as np
import pytest

from meter_bench import DAY_S, START, make_meter
from openami.field.meter import codes
from openami.field.meter.config import ProfileEncoding
from openami.field.meter.curve import ArrayCurve
from openami.field.meter.daylight_saving import british
from openami.field.meter.electricity import ElectricityMeter
from openami.model.errors import DecodeError
from openami.model.obis import ObisCode
from openami.protocols.dlms.access_result import ActionResult, DataAccessResult
from openami.protocols.dlms.compact_data import decode_compact
from openami.protocols.dlms.cosem.compact_data import CaptureMethod, CompactData
from openami.protocols.dlms.cosem.profile_generic import ProfileGeneric
from openami.protocols.dlms.data import decode_data, octet_string
from openami.protocols.dlms.date_time import CosemDateTime
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor
from openami.protocols.dlms.profile import decode_profile
from openami.protocols.dlms.profile_columns import ProfileColumns
from openami.protocols.dlms.profile_unchanged import fill_unchanged
from openami.protocols.dlms.request import Get
from openami.protocols.dlms.selective_access import (
    CaptureObjectDefinition,
    EntryDescriptor,
    RangeDescriptor,
    access_of,
)
from procedure_pair import MeterPair

BUFFER = CosemAttributeDescriptor(7, codes.LOAD_PROFILE, 2)
SUMMER_TIME = 1_774_742_400  # 2026-03-29T00:00:00Z
TWO_COLUMNS = (codes.LOAD_PROFILE_COLUMNS[2], codes.LOAD_PROFILE_COLUMNS[0])


def lived(encoding: ProfileEncoding, seed: int = 1) -> ElectricityMeter:
    """Three days with hours without load, a change to summer time, gaps, a clock that is set."""
    chance = random.Random(seed)
    energies = [chance.choice([0, 0, 0, 150, 151]) for _ in range(200)]
    fed = [chance.choice([0, 0, 40]) for _ in range(200)]
    start = SUMMER_TIME - DAY_S
    curve = ArrayCurve(start, 900, energies, fed, label="synthetic: test")
    meter = make_meter(curve, start, profile_encoding=encoding, daylight_saving=british())
    meter.power_fail(start + 20_000)
    meter.power_restore(start + 31_000)
    meter.set_clock(start + 50_030, start + 50_000)
    meter.set_capture_period(300, start + 150_000)
    meter.set_capture_period(900, start + 170_000)
    meter.advance(start + 3 * DAY_S)
    return meter


def octets(meter: ElectricityMeter, selection=None) -> bytes:
    pair = MeterPair(meter, meter.now)
    answer = pair.ask(Get(BUFFER, None if selection is None else access_of(selection))).answer
    assert isinstance(answer, bytes), answer
    return answer


def columns(raw: bytes, clock: int = 0) -> ProfileColumns:
    return fill_unchanged(decode_profile(raw, clock=clock, capture_period_s=900), clock)


def some_hours() -> RangeDescriptor:
    bounds = (octet_string(bytes(CosemDateTime.from_utc(SUMMER_TIME + hour * 3600))) for hour in (-3, 9))
    return RangeDescriptor(codes.LOAD_PROFILE_COLUMNS[0], *bounds)


@pytest.mark.parametrize("encoding", [ProfileEncoding.COMPACT_ARRAY, ProfileEncoding.NULL_COMPRESSED])
@pytest.mark.parametrize("selection", [None, some_hours(), EntryDescriptor(5, 40), EntryDescriptor(7, 7)])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_encoding_means_the_same_columns(encoding: ProfileEncoding, selection, seed: int) -> None:
    plain = columns(octets(lived(ProfileEncoding.PLAIN, seed), selection))
    raw = octets(lived(encoding, seed), selection)
    other = columns(raw)
    assert len(plain) > 0
    assert np.array_equal(plain.stamps, other.stamps)
    assert np.array_equal(plain.clock_status, other.clock_status)
    for one, two in zip(plain.columns, other.columns, strict=True):
        assert np.array_equal(one.values, two.values)
        assert two.present is None


@pytest.mark.parametrize("encoding", list(ProfileEncoding))
def test_chosen_columns_in_another_order(encoding: ProfileEncoding) -> None:
    plain = lived(ProfileEncoding.PLAIN)
    records = plain.load_profile.records()
    bounds = (octet_string(bytes(CosemDateTime.from_utc(at))) for at in (SUMMER_TIME, SUMMER_TIME + DAY_S))
    chosen = RangeDescriptor(codes.LOAD_PROFILE_COLUMNS[0], *bounds, TWO_COLUMNS)
    read = columns(octets(lived(encoding), chosen), clock=1)
    inside = (records["second"] >= SUMMER_TIME) & (records["second"] <= SUMMER_TIME + DAY_S)
    assert read.stamps.tolist() == records["second"][inside].tolist()
    assert read.columns[0].values.tolist() == records["c2"][inside].tolist()


@pytest.mark.parametrize("encoding", list(ProfileEncoding))
def test_a_profile_without_rows(encoding: ProfileEncoding) -> None:
    meter = make_meter(profile_encoding=encoding)
    pair = MeterPair(meter, START)
    assert pair.invoke(ProfileGeneric.reset, codes.LOAD_PROFILE)[0] == ActionResult.SUCCESS
    assert len(columns(pair.ask(Get(BUFFER)).answer)) == 0
    assert pair.read(ProfileGeneric.buffer, codes.LOAD_PROFILE) == ()


def test_what_has_not_changed_is_left_out() -> None:
    meter = make_meter(ArrayCurve(START, 900, [0], label="synthetic: none"), profile_encoding="null-compressed")
    meter.advance(START + DAY_S)
    raw = octets(meter)
    assert len(raw) == 2 + 28 + 96 * 6
    rows = decode_data(raw).value
    assert {cell.value for row in rows[1:] for cell in row.value} == {None}
    compact = make_meter(profile_encoding=ProfileEncoding.COMPACT_ARRAY)
    compact.advance(START + DAY_S)
    assert len(octets(compact)) == 1 + 6 + 3 + 97 * 22


def test_a_first_row_with_nothing_is_refused() -> None:
    stamped = decode_profile(bytes.fromhex("01010202090c07ea0101040000000000000000"))
    with pytest.raises(DecodeError, match="none"):
        fill_unchanged(stamped)


def values(pair: MeterPair) -> list:
    buffer = pair.read(CompactData.compact_buffer, codes.COMPACT_DATA)
    template = pair.read(CompactData.template_description, codes.COMPACT_DATA)
    number = pair.read(CompactData.template_id, codes.COMPACT_DATA)
    return [data.value for data in decode_compact(buffer, template, number)]


def test_compact_data_is_captured_at_each_reading() -> None:
    meter = make_meter()
    pair = MeterPair(meter, START + 3600)
    stamp = bytes(CosemDateTime.from_utc(START + 3600))
    assert values(pair) == [stamp, 1000, 0, 1000, 100, 2]
    pair.now += 3600
    assert values(pair)[1] == 2000


def test_compact_data_is_captured_when_asked() -> None:
    meter = make_meter()
    pair = MeterPair(meter, START + 3600)
    code = codes.COMPACT_DATA
    assert pair.write(CompactData.capture_method, code, CaptureMethod.UPON_INVOKING_CAPTURE) == DataAccessResult.SUCCESS
    assert values(pair) == []
    assert pair.invoke(CompactData.capture, code)[0] == ActionResult.SUCCESS
    pair.now += 3600
    assert values(pair)[1] == 1000
    two = (CaptureObjectDefinition(3, codes.EXPORT, 2), CaptureObjectDefinition(3, codes.EXPORT, 3))
    assert pair.write(CompactData.capture_objects, code, two) == DataAccessResult.SUCCESS
    assert pair.read(CompactData.template_id, code) == 2, "other columns are another template"
    assert values(pair) == []
    assert pair.invoke(CompactData.capture, code)[0] == ActionResult.SUCCESS
    energy, scaler_unit = values(pair)
    assert energy == 200
    assert [part.value for part in scaler_unit] == [0, 30]
    assert pair.invoke(CompactData.reset, code)[0] == ActionResult.SUCCESS
    assert values(pair) == []


@pytest.mark.parametrize(
    "wrong",
    [
        (CaptureObjectDefinition(3, codes.EXPORT, 9),),
        (CaptureObjectDefinition(3, ObisCode(0, 0, 10, 0, 9), 2),),
        (CaptureObjectDefinition(3, codes.EXPORT, 2),) * 33,
    ],
)
def test_what_cannot_be_captured_is_refused(wrong) -> None:
    pair = MeterPair(make_meter())
    assert pair.write(CompactData.capture_objects, codes.COMPACT_DATA, wrong) != DataAccessResult.SUCCESS
    assert len(values(pair)) == 6
