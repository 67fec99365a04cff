from __future__ import annotations

import pytest

from openami.model.obis import ObisCode
from openami.protocols.dlms.access_result import DataAccessResult
from openami.protocols.dlms.cosem.packed_buffer import PackedBuffer, PackedLayout, Stamp
from openami.protocols.dlms.cosem.profile_buffer import RowBuffer, SortMethod, utc_seconds
from openami.protocols.dlms.cosem.profile_generic import ROWS, ProfileGeneric
from openami.protocols.dlms.cosem.refusal import Refused
from openami.protocols.dlms.data import (
    CompactArray,
    Data,
    DataType,
    TypeDescription,
    array,
    decode_data,
    double_long_unsigned,
    encode_data,
    float64,
    octet_string,
    structure,
    unsigned,
    visible_string,
)
from openami.protocols.dlms.date_time import CosemDateTime
from openami.protocols.dlms.selective_access import CaptureObjectDefinition, EntryDescriptor, RangeDescriptor

START = 1_767_225_600  # 2026-01-01T00:00:00Z
PROFILE = ObisCode(1, 0, 99, 1, 0)
STATUS = CaptureObjectDefinition(1, ObisCode(0, 0, 96, 10, 1), 2)
CLOCK = CaptureObjectDefinition(8, ObisCode(0, 0, 1, 0, 0), 2)
ENERGY = CaptureObjectDefinition(3, ObisCode(1, 0, 1, 8, 0), 2)


def clock(minutes: int, deviation: int = 0) -> Data:
    return octet_string(bytes(CosemDateTime.from_utc(START + 60 * minutes, deviation)))


def rows_profile(sort_method: SortMethod = SortMethod.FIFO, capacity: int = 10, sort_column: int = 1) -> ProfileGeneric:
    """Status first, the clock in column two, energy in column three: quarter hours 0 to 5."""
    rows = RowBuffer(capacity, sort_method, sort_column)
    profile = ProfileGeneric(
        PROFILE,
        rows,
        capture_objects=(STATUS, CLOCK, ENERGY),
        capture_period=900,
        sort_method=sort_method,
        sort_object=CLOCK,
    )
    for number in range(6):
        rows.append((unsigned(number % 2), clock(15 * number), double_long_unsigned(100 * number)))
    return profile


def packed_profile() -> ProfileGeneric:
    rows = PackedBuffer(10, PackedLayout((DataType.UNSIGNED, DataType.DOUBLE_LONG_UNSIGNED)))
    profile = ProfileGeneric(PROFILE, rows, capture_objects=(CLOCK, STATUS, ENERGY), capture_period=900)
    for number in range(6):
        rows.append(Stamp(START + 900 * number, 0, 0), number % 2, 100 * number)
    return profile


def energies(profile: ProfileGeneric, selection: EntryDescriptor | RangeDescriptor | None = None) -> list[int]:
    data = decode_data(profile.read(2, selection, 0.0))
    return [row.value[-1].value for row in data.value]


PROFILES = pytest.mark.parametrize("make", [rows_profile, packed_profile])


@PROFILES
def test_everything_without_a_selection(make) -> None:
    assert energies(make()) == [0, 100, 200, 300, 400, 500]


@PROFILES
@pytest.mark.parametrize(
    ("first", "last", "found"),
    [(1, 0, 6), (1, 6, 6), (2, 3, 2), (6, 6, 1), (7, 9, 0), (5, 99, 2), (3, 2, 0), (2**32 - 1, 0, 0)],
)
def test_by_entry(make, first: int, last: int, found: int) -> None:
    assert len(energies(make(), EntryDescriptor(first, last))) == found


@PROFILES
def test_by_entry_with_columns(make) -> None:
    raw = make().read(2, EntryDescriptor(2, 2, 3, 3), 0.0)
    assert raw.hex() == "010102010600000064"
    assert decode_data(make().read(2, EntryDescriptor(1, 1, 2, 0), 0.0)).value[0].value[1].value == 0
    assert make().read(2, EntryDescriptor(1, 1, 9, 0), 0.0).hex() == "01010200"


@PROFILES
def test_numbering_begins_with_one(make) -> None:
    for selection in (EntryDescriptor(0, 5), EntryDescriptor(1, 5, 0, 0)):
        with pytest.raises(Refused) as refused:
            make().read(2, selection, 0.0)
        assert refused.value.result is DataAccessResult.SCOPE_OF_ACCESS_VIOLATED


@PROFILES
def test_by_range_of_the_clock_wherever_it_stands(make) -> None:
    profile = make()
    assert energies(profile, RangeDescriptor(CLOCK, clock(15), clock(45))) == [100, 200, 300]
    assert energies(profile, RangeDescriptor(CLOCK, clock(16), clock(29))) == []
    assert energies(profile, RangeDescriptor(CLOCK, clock(45), clock(15))) == []


@PROFILES
def test_clocks_are_compared_as_instants(make) -> None:
    assert energies(make(), RangeDescriptor(CLOCK, clock(15, -60), clock(45, 120))) == [100, 200, 300]
    as_date_times = (Data(DataType.DATE_TIME, CosemDateTime.from_utc(START + 60 * minutes)) for minutes in (15, 30))
    assert energies(make(), RangeDescriptor(CLOCK, *as_date_times)) == [100, 200]


@PROFILES
def test_an_end_that_is_not_specified_is_open(make) -> None:
    nothing = octet_string(bytes.fromhex("ffffffffffffffffff8000ff"))
    assert energies(make(), RangeDescriptor(CLOCK, nothing, clock(15))) == [0, 100]
    assert energies(make(), RangeDescriptor(CLOCK, clock(60), nothing)) == [400, 500]


@PROFILES
def test_without_deviation_the_meter_says_what_local_time_means(make) -> None:
    profile = make()
    bare = octet_string(clock(15).value[:9] + b"\x80\x00\xff")
    assert energies(profile, RangeDescriptor(CLOCK, bare, bare)) == [100]
    profile.local_time = lambda stamp: START + 1800.0 if stamp.deviation is None else utc_seconds(stamp)
    assert energies(profile, RangeDescriptor(CLOCK, bare, bare)) == [200]


@PROFILES
def test_by_range_of_another_column(make) -> None:
    low, high = double_long_unsigned(150), double_long_unsigned(300)
    assert energies(make(), RangeDescriptor(ENERGY, low, high)) == [200, 300]
    assert energies(make(), RangeDescriptor(STATUS, unsigned(1), unsigned(1))) == [100, 300, 500]
    assert energies(make(), RangeDescriptor(ENERGY, float64(99.5), float64(2e30))) == [100, 200, 300, 400, 500]


@PROFILES
def test_by_range_with_selected_values_in_their_order(make) -> None:
    selection = RangeDescriptor(CLOCK, clock(15), clock(15), (ENERGY, STATUS, ENERGY))
    assert make().read(2, selection, 0.0).hex() == "0101020206000000641101"


@PROFILES
@pytest.mark.parametrize(
    ("selection", "result"),
    [
        (RangeDescriptor(CLOCK, unsigned(1), unsigned(2)), DataAccessResult.TYPE_UNMATCHED),
        (RangeDescriptor(ENERGY, clock(1), clock(2)), DataAccessResult.TYPE_UNMATCHED),
        (RangeDescriptor(ENERGY, visible_string("1"), visible_string("2")), DataAccessResult.TYPE_UNMATCHED),
        (RangeDescriptor(ENERGY, octet_string(b"1"), octet_string(b"2")), DataAccessResult.TYPE_UNMATCHED),
        (RangeDescriptor(CLOCK, array(), array()), DataAccessResult.TYPE_UNMATCHED),
        (RangeDescriptor(CLOCK, octet_string(b"\xff\xff\x01" + bytes(9)), clock(1)), DataAccessResult.TYPE_UNMATCHED),
        (
            RangeDescriptor(CaptureObjectDefinition(3, ObisCode(1, 0, 2, 8, 0), 2), clock(0), clock(1)),
            DataAccessResult.SCOPE_OF_ACCESS_VIOLATED,
        ),
        (
            RangeDescriptor(CLOCK, clock(0), clock(1), (CaptureObjectDefinition(3, ENERGY.logical_name, 3),)),
            DataAccessResult.SCOPE_OF_ACCESS_VIOLATED,
        ),
    ],
)
def test_ranges_that_cannot_be(make, selection: RangeDescriptor, result: DataAccessResult) -> None:
    with pytest.raises(Refused) as refused:
        make().read(2, selection, 0.0)
    assert refused.value.result is result


@pytest.mark.parametrize(
    ("sort_method", "order"),
    [
        (SortMethod.FIFO, [200, 300, 400, 500]),
        (SortMethod.LIFO, [500, 400, 300, 200]),
        (SortMethod.LARGEST, [500, 400, 300, 200]),
        (SortMethod.SMALLEST, [0, 100, 200, 300]),
        (SortMethod.NEAREST_TO_ZERO, [0, 100, 200, 300]),
        (SortMethod.FAREST_FROM_ZERO, [500, 400, 300, 200]),
    ],
)
def test_the_sort_method_orders_entries_and_decides_which_goes(sort_method: SortMethod, order: list[int]) -> None:
    profile = rows_profile(sort_method, capacity=4, sort_column=2)
    assert energies(profile) == order
    assert energies(profile, EntryDescriptor(1, 1)) == order[:1]


@PROFILES
def test_entries_in_use_and_reset(make) -> None:
    profile = make()
    assert profile.read(7, None, 0.0).hex() == "0600000006"
    assert profile.read(8, None, 0.0).hex() == "060000000a"
    profile.invoke(1, b"\x0f\x00", 0.0)
    assert profile.read(7, None, 0.0).hex() == "0600000000"
    assert profile.read(2, None, 0.0).hex() == "0100"
    assert profile.read(2, RangeDescriptor(CLOCK, clock(0), clock(9)), 0.0).hex() == "0100"


def test_the_client_reads_rows_of_arrays_and_of_compact_arrays() -> None:
    rows = ROWS.from_data(decode_data(rows_profile().read(2, None, 0.0)))
    assert rows[1][2] == double_long_unsigned(100)
    assert ROWS.to_data(rows) == decode_data(rows_profile().read(2, None, 0.0))
    description = TypeDescription(DataType.STRUCTURE, (TypeDescription(DataType.UNSIGNED),))
    compact = Data(DataType.COMPACT_ARRAY, CompactArray(description, (structure(unsigned(4)),)))
    assert ROWS.from_data(decode_data(encode_data(compact))) == ((unsigned(4),),)


def test_a_packed_buffer_drops_its_oldest_row_and_knows_its_newest() -> None:
    rows = PackedBuffer(3, PackedLayout((DataType.LONG64_UNSIGNED,)))
    for number in range(5):
        rows.append(Stamp(START + number, -60, 0x80), 2**40 + number)
    assert len(rows) == 3
    assert rows.last() == (Stamp(START + 4, -60, 0x80), (2**40 + 4,))
    assert rows.row(0)[1] == Data(DataType.LONG64_UNSIGNED, 2**40 + 2)
    copied = PackedBuffer(2, rows.layout)
    copied.extend(rows.records())
    assert [row[1].value - 2**40 for row in (copied.row(0), copied.row(1))] == [3, 4]
    assert copied.encode(range(2), range(2)) == rows.encode(range(1, 3), range(2))
