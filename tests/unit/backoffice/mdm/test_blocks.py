"""The block codec: exact for any integers, small for real ones, and loud when damaged."""

from __future__ import annotations

import random
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deflated_blocks import deflated
from openami.backoffice.mdm.bit_groups import pack
from openami.backoffice.mdm.blocks import expand, pack_codes, unpack, unpack_codes
from openami.model.errors import StoreError

INT64 = np.iinfo(np.int64)
rows = st.lists(
    st.lists(st.integers(INT64.min, INT64.max) | st.integers(-300, 300), min_size=24, max_size=24), max_size=6
)


@settings(max_examples=300, derandomize=True, deadline=None)
@given(values=rows)
def test_round_trip(values):
    matrix = np.array(values, dtype=np.int64).reshape(len(values), 24)
    assert (unpack(pack(matrix), 24) == matrix).all()


@settings(max_examples=200, derandomize=True, deadline=None)
@given(values=st.lists(st.binary(min_size=96, max_size=96) | st.just(bytes(96)), max_size=5))
def test_codes_round_trip(values):
    matrix = np.frombuffer(b"".join(values), dtype=np.uint8).reshape(-1, 96)
    packed = pack_codes(matrix)
    assert (unpack_codes(packed, 96) == matrix).all()
    assert [block is None for block in packed] == [not any(value) for value in values]


@settings(max_examples=100, derandomize=True, deadline=None)
@given(values=rows)
def test_blocks_of_earlier_programs_are_read_among_new_ones(values):
    matrix = np.array([[5] * 24, *values, [-5] * 24], dtype=np.int64).reshape(len(values) + 2, 24)
    old = [deflated(row, 8 if at % 2 else 4) for at, row in enumerate(matrix % 1000)]
    mixed = [new if at % 3 == 0 else before for at, (new, before) in enumerate(zip(pack(matrix), old, strict=True))]
    expected = np.where((np.arange(len(matrix)) % 3 == 0)[:, None], matrix, matrix % 1000)
    assert (unpack(mixed, 24) == expected).all()


@pytest.mark.parametrize("count", [1, 7, 8, 24, 30, 96, 1440])
def test_a_day_of_any_number_of_intervals(count):
    matrix = np.arange(-2, 3 * count - 2, dtype=np.int64).reshape(3, count) ** 3
    assert (unpack(pack(matrix), count) == matrix).all()


def test_a_wide_row_makes_no_other_row_longer():
    matrix = np.array([[1] * 96, [1 << 40] * 96, [-1] * 96], dtype=np.int64)
    assert [len(block) for block in pack(matrix)] == [7 + 12, 7 + 12 * 64, 7 + 12]


def test_a_household_day_is_small():
    """96 energies of a household around 120 Wh: the eight bits that they differ in, and what tells it."""
    day = np.random.default_rng(1).poisson(120, (1, 96))
    assert len(pack(day)[0]) <= 7 + 96


def test_the_layout_is_pinned():
    """Stored blocks outlive programs: mark, nibbles of widths, then of each group a byte per bit."""
    assert pack(np.array([[1, 2, 3, 0, 0, 0, 0, 1]], dtype=np.int64)) == [bytes([1, 2, 0b10000101, 0b00000110])]
    assert pack(np.array([[0] * 8 + [256] + [0] * 7], dtype=np.int64)) == [bytes([1, 0x90, *[0] * 8, 1])]
    assert pack(np.array([[-1] + [0] * 23], dtype=np.int64)) == [bytes([2, 1, 0, 1])]


def test_expanding_is_bounded():
    bomb = zlib.compress(bytes(10_000_000))
    with pytest.raises(StoreError, match="does not hold 384 bytes"):
        expand(bomb, 384)


def test_damage_is_a_store_error():
    good = pack(np.arange(96, dtype=np.int64).reshape(1, 96))[0]
    choice = random.Random(7)
    for _ in range(5_000):
        bad = bytearray(good)
        bad[choice.randrange(len(bad))] ^= 1 << choice.randrange(8)
        try:
            found = unpack([bytes(bad[: choice.randint(1, len(bad))])], 96)
        except StoreError:
            continue
        assert found.shape == (1, 96)
