"""Load profiles as columns: what comes out, what is refused, and where the message points."""

from __future__ import annotations

import numpy as np
import pytest

from openami.model.errors import DecodeError, LimitExceeded, LocalProtocolError
from openami.protocols.dlms.data import (
    DataType,
    array,
    boolean,
    double_long,
    double_long_unsigned,
    encode_data,
    enum,
    float32,
    long64_unsigned,
    long_unsigned,
    null,
    octet_string,
    structure,
    unsigned,
    visible_string,
)
from openami.protocols.dlms.date_time import CosemDateTime
from openami.protocols.dlms.profile import decode_profile, decode_profiles
from openami.protocols.wire.cursor import Limits
from profile_rows import PERIOD_S, START, buffer, row, usual

DAY = usual(96)
CLOCK = octet_string(bytes(CosemDateTime.from_utc(START, -60)))


def clock(number: int, **fields: object) -> bytes:
    stamp = bytearray(bytes(CosemDateTime.from_utc(START + PERIOD_S * number, -60)))
    for name, value in fields.items():
        stamp[{"month": 2, "day": 3, "weekday": 4, "hour": 5, "minute": 6, "second": 7, "status": 11}[name]] = value
    return bytes(stamp)


def one_row(stamp: bytes) -> bytes:
    return buffer([structure(octet_string(stamp), unsigned(0))])


class TestUsualRows:
    @pytest.mark.parametrize("rows", [1, 2, 95, 96, 127, 128, 255, 256, 9600])
    def test_values_and_utc_stamps(self, rows):
        profile = decode_profile(usual(rows))
        assert len(profile) == rows
        assert profile.stamps.tolist() == [START + PERIOD_S * number for number in range(rows)]
        assert profile.columns[0].values is profile.stamps
        assert profile.columns[1].values.tolist() == [number % 3 for number in range(rows)]
        assert profile.columns[2].values.tolist() == [123_456 + number for number in range(rows)]
        assert profile.columns[3].values.tolist() == [789] * rows
        assert profile.clock_status.tolist() == [0] * rows
        assert all(column.present is None for column in profile.columns)

    def test_types_of_the_arrays(self):
        profile = decode_profile(DAY)
        assert profile.stamps.dtype == np.int64
        assert profile.clock_status.dtype == np.uint8
        assert [column.values.dtype for column in profile.columns] == [np.int64] * 4

    def test_published_bytes(self):
        raw = bytes.fromhex("01010204090c07ea0101040c000000ffc4001100060001e2400600000315")
        profile = decode_profile(raw)
        assert profile.stamps.tolist() == [1_767_265_200]  # 2026-01-01 12:00 at −60 min: 11:00Z
        assert [column.values.tolist() for column in profile.columns[1:]] == [[0], [123_456], [789]]

    def test_no_rows(self):
        profile = decode_profile(b"\x01\x00")
        assert len(profile) == 0
        assert profile.columns == ()

    def test_summer_time_ends_without_a_jump(self):
        before = [row(number, deviation=-120) for number in range(8)]
        after = [row(number, deviation=-60) for number in range(8, 16)]
        profile = decode_profile(buffer(before + after))
        assert np.diff(profile.stamps).tolist() == [PERIOD_S] * 15

    def test_parts_are_views(self):
        whole = decode_profile(DAY)
        profile = whole.parts([(1, 10), (1, 2), (2, 42)])[1]
        assert np.shares_memory(profile.stamps, whole.stamps)
        assert profile.stamps.tolist() == [START + 10 * PERIOD_S, START + 11 * PERIOD_S]
        assert profile.columns[2].values.tolist() == [123_466, 123_467]


class TestEveryTagByteCounts:
    @pytest.mark.parametrize("number", [0, 1, 50, 95])
    @pytest.mark.parametrize("tag", [0, 1, 2, 3, 16, 18, 23])
    def test_a_wrong_one_is_refused(self, number, tag):
        raw = bytearray(DAY)
        raw[2 + 28 * number + tag] ^= 0x40
        with pytest.raises(DecodeError):
            decode_profile(bytes(raw))

    @pytest.mark.parametrize("count", [95, 97, 0, 127])
    def test_a_wrong_count_is_refused(self, count):
        with pytest.raises(DecodeError):
            decode_profile(bytes((1, count)) + DAY[2:])

    @pytest.mark.parametrize("cut", range(1, 60))
    def test_a_cut_buffer_is_refused(self, cut):
        with pytest.raises(DecodeError):
            decode_profile(DAY[:-cut])

    def test_another_type_of_the_same_size_is_not_mistaken(self):
        raw = bytearray(buffer([row(0), row(1)]))
        raw[2 + 28 + 18] = DataType.DOUBLE_LONG
        raw[2 + 28 + 19] = 0x80
        assert decode_profile(bytes(raw)).columns[2].values.tolist() == [123_456, 123_457 - (1 << 31)]


class TestStamps:
    @pytest.mark.parametrize("field", ["month", "day", "hour", "minute", "second"])
    def test_a_wildcard_is_no_instant(self, field):
        with pytest.raises(DecodeError, match="leaves fields open"):
            decode_profile(one_row(clock(0, **{field: 0xFF})))

    @pytest.mark.parametrize("mark", [0xFD, 0xFE])
    @pytest.mark.parametrize("field", ["month", "day"])
    def test_neither_is_a_marker(self, field, mark):
        with pytest.raises(DecodeError, match="leaves fields open"):
            decode_profile(one_row(clock(0, **{field: mark})))

    @pytest.mark.parametrize(
        ("field", "value"), [("month", 13), ("day", 32), ("hour", 24), ("minute", 60), ("second", 60)]
    )
    def test_impossible_fields_are_refused(self, field, value):
        rows = [structure(octet_string(clock(number)), unsigned(0)) for number in range(20)]
        rows[17] = structure(octet_string(clock(17, **{field: value})), unsigned(0))
        with pytest.raises(DecodeError) as caught:
            decode_profile(buffer(rows))
        assert caught.value.path[:2] == ("[17]", "[0]")
        assert caught.value.offset == 2 + 17 * 18 + 2

    def test_the_29th_of_february(self):
        leap = bytes(CosemDateTime(2024, 2, 29, 4, 12, 0, 0, 0, 0, None))
        assert decode_profile(one_row(leap)).stamps.tolist() == [1_709_208_000]
        with pytest.raises(DecodeError, match="day"):
            decode_profile(one_row(b"\x07\xe7" + leap[2:]))

    @pytest.mark.parametrize("field", ["weekday", "status"])
    def test_open_weekday_and_status_do_no_harm(self, field):
        profile = decode_profile(one_row(clock(0, **{field: 0xFF})))
        assert profile.stamps.tolist() == [START]
        assert profile.clock_status.tolist() == [0xFF if field == "status" else 0]

    @pytest.mark.parametrize("year", [1969, 2200, 9998])
    def test_far_years_go_the_slow_way_to_the_same_end(self, year):
        stamp = CosemDateTime(year, 6, 1, None, 12, 0, 0, 50, 0, None)
        assert decode_profile(one_row(bytes(stamp))).stamps.tolist() == [int(stamp.to_utc().timestamp() // 1)]

    def test_a_missing_deviation_needs_a_default(self):
        stamp = clock(0)[:9] + b"\x80\x00\x00"
        with pytest.raises(DecodeError, match="no deviation from UTC; give a default deviation"):
            decode_profile(one_row(stamp))
        assert decode_profile(one_row(stamp), default_deviation=-60).stamps.tolist() == [START]

    def test_the_default_is_only_for_stamps_without(self):
        rows = [structure(octet_string(clock(0)[:9] + b"\x80\x00\x00")), structure(octet_string(clock(1)))]
        assert decode_profile(buffer(rows), default_deviation=0).stamps.tolist() == [START + 3600, START + PERIOD_S]

    def test_status_differs_by_row(self):
        rows = [structure(octet_string(clock(number, status=number))) for number in (0, 1, 128)]
        assert decode_profile(buffer(rows)).clock_status.tolist() == [0, 1, 128]

    def test_the_clock_may_stand_elsewhere(self):
        rows = [structure(unsigned(7), octet_string(clock(number))) for number in range(3)]
        profile = decode_profile(buffer(rows), clock=1)
        assert profile.stamps.tolist() == [START, START + PERIOD_S, START + 2 * PERIOD_S]
        assert profile.columns[0].values.tolist() == [7, 7, 7]

    def test_a_clock_that_is_none(self):
        with pytest.raises(DecodeError, match="no date-time of 12 octets but unsigned") as caught:
            decode_profile(DAY, clock=1)
        assert caught.value.offset == 2 + 16
        with pytest.raises(DecodeError, match="no column 9"):
            decode_profile(DAY, clock=9)

    def test_date_time_with_a_tag_of_its_own(self):
        raw = b"\x01\x01\x02\x01\x19" + clock(0)
        assert decode_profile(raw).stamps.tolist() == [START]


COMPRESSED = [row(0), *(structure(null(), *row(number).value[1:]) for number in range(1, 96))]


class TestStampsLeftOut:
    def test_follow_by_the_capture_period(self):
        profile = decode_profile(buffer(COMPRESSED), capture_period_s=PERIOD_S)
        assert profile.stamps.tolist() == decode_profile(DAY).stamps.tolist()
        assert profile.clock_status.tolist() == [0] + [0xFF] * 95
        assert profile.columns[0].present.tolist() == [True] + [False] * 95
        assert profile.columns[2].values.tolist() == [123_456 + number for number in range(96)]

    def test_start_again_at_each_stamp(self):
        rows = [row(0), structure(null(), *row(1).value[1:]), row(8), structure(null(), *row(9).value[1:])]
        for repeat in (1, 40):  # a few runs, and more than are worth it
            stamps = decode_profile(buffer(rows * repeat), capture_period_s=PERIOD_S).stamps
            assert stamps.tolist() == [START + PERIOD_S * number for number in (0, 1, 8, 9)] * repeat

    def test_need_the_period(self):
        with pytest.raises(DecodeError, match="give the capture period") as caught:
            decode_profile(buffer(COMPRESSED))
        assert caught.value.path == ("[1]", "[0]")
        assert caught.value.offset == 2 + 28 + 2

    def test_need_a_first_one(self):
        with pytest.raises(DecodeError, match="no row before has one"):
            decode_profile(buffer(COMPRESSED[1:]), capture_period_s=PERIOD_S)


class TestOtherColumns:
    def test_of_every_plain_kind(self):
        values = [
            double_long(-5),
            long_unsigned(65_535),
            long64_unsigned(1 << 63),
            enum(3),
            boolean(True),
            float32(0.5),
        ]
        profile = decode_profile(buffer([structure(CLOCK, *values, octet_string(b"abc"))] * 20))
        columns = [column.values for column in profile.columns[1:]]
        assert [column[19] for column in columns] == [-5, 65_535, 1 << 63, 3, True, 0.5, b"abc"]
        assert [column.dtype.kind for column in columns] == ["i", "i", "u", "i", "b", "f", "O"]

    def test_texts_and_mixed_types_go_the_general_way(self):
        rows = [structure(CLOCK, visible_string("a"), unsigned(1)), structure(CLOCK, visible_string("bc"), float32(2))]
        profile = decode_profile(buffer(rows))
        assert profile.columns[1].values.tolist() == ["a", "bc"]
        assert profile.columns[2].values.tolist() == [1, 2.0]

    def test_null_is_absent_not_zero(self):
        rows = [row(0), structure(row(1).value[0], unsigned(0), null(), double_long_unsigned(1)), row(2)]
        profile = decode_profile(buffer(rows))
        assert profile.columns[2].present.tolist() == [True, False, True]
        assert profile.columns[3].present is None

    def test_a_compact_array(self):
        contents = b"".join(clock(number) + b"\x00\x00\x00" + bytes((number,)) for number in range(3))
        raw = bytes.fromhex("1302021906") + bytes((len(contents),)) + contents
        profile = decode_profile(raw)
        assert profile.stamps.tolist() == [START, START + PERIOD_S, START + 2 * PERIOD_S]
        assert profile.columns[1].values.tolist() == [0, 1, 2]

    def test_expected_types(self):
        kinds = [DataType.OCTET_STRING, DataType.UNSIGNED, DataType.DOUBLE_LONG_UNSIGNED, DataType.DOUBLE_LONG_UNSIGNED]
        assert len(decode_profile(DAY, columns=kinds)) == 96
        kinds[3] = DataType.DOUBLE_LONG
        with pytest.raises(DecodeError, match="double-long-unsigned where double-long is expected"):
            decode_profile(DAY, columns=kinds)
        with pytest.raises(DecodeError, match="where no value is expected"):
            decode_profile(DAY, columns=kinds[:3])


class TestWhatIsNoProfile:
    @pytest.mark.parametrize(
        ("raw", "reason"),
        [
            (b"", "expected"),
            (b"\x01", "expected"),
            (b"\x11\x00", "an array, not unsigned"),
            (encode_data(array(unsigned(1))), "a structure, not unsigned"),
            (buffer([row(0), structure(CLOCK)]), "1 values, the first row has 4"),
            (bytes.fromhex("01840000ffff"), "65535 elements"),
            (b"\x01\x85\x00\x00\x00\x00\x01", "length"),
            (encode_data(array(structure())), "no column 0"),
        ],
    )
    def test_is_refused(self, raw, reason):
        with pytest.raises(DecodeError, match=reason):
            decode_profile(raw)

    def test_limits_hold_on_every_way(self):
        with pytest.raises(LimitExceeded):
            decode_profile(DAY, limits=Limits(elements=96 * 5 - 1))
        with pytest.raises(LimitExceeded):
            decode_profile(DAY, limits=Limits(bytes=len(DAY) - 1))
        with pytest.raises(LimitExceeded):
            decode_profile(DAY, limits=Limits(depth=1))
        assert len(decode_profile(DAY, limits=Limits(bytes=len(DAY), elements=96 * 5, depth=2))) == 96

    @pytest.mark.parametrize("wrong", [{"default_deviation": 1440}, {"clock": -1}, {"capture_period_s": 0}])
    def test_wrong_questions_are_ours(self, wrong):
        with pytest.raises(LocalProtocolError):
            decode_profile(DAY, **wrong)


class TestManyMeters:
    def test_of_one_layout_and_of_others(self):
        raws = [usual(96), usual(4), buffer([structure(CLOCK, unsigned(1))]), b"\x01\x00", usual(200)]
        answers = decode_profiles(raws)
        assert [len(answer) for answer in answers] == [96, 4, 1, 0, 200]
        for raw, answer in zip(raws, answers, strict=True):
            alone = decode_profile(raw)
            assert answer.stamps.tolist() == alone.stamps.tolist()
            for mine, other in zip(answer.columns, alone.columns, strict=True):
                assert mine.values.tolist() == other.values.tolist()

    def test_a_bad_one_does_not_spoil_the_others(self):
        bad = bytearray(usual(96))
        bad[2 + 28 * 50] = 0x7F
        wild = one_row(clock(0, hour=0xFF))
        answers = decode_profiles([usual(96), bytes(bad), wild, usual(96)])
        assert [isinstance(answer, DecodeError) for answer in answers] == [False, True, True, False]

    def test_a_wildcard_among_rows_of_one_layout(self):
        wild = buffer(
            [*(row(number) for number in range(3)), structure(octet_string(clock(0, day=0xFF)), *row(3).value[1:])]
        )
        answers = decode_profiles([usual(3), wild, usual(2)])
        assert [isinstance(answer, DecodeError) for answer in answers] == [False, True, False]
        assert answers[1].path == ("[3]", "[0]")

    def test_nobody(self):
        assert decode_profiles([]) == []
