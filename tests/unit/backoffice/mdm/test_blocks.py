"""The block codec: exact for any integers, small for real ones, and loud when damaged."""

from __future__ import annotations

import random
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openami.backoffice.mdm.blocks import expand, pack, pack_codes, unpack, unpack_codes
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


def test_width_is_chosen_per_row():
    matrix = np.array([[1] * 96, [1 << 40] * 96], dtype=np.int64)
    assert [block[0] for block in pack(matrix)] == [4, 8]


def test_a_household_day_is_small():
    """96 energies of a household around 120 Wh: random low bytes cannot be compressed, everything else vanishes."""
    day = np.random.default_rng(1).poisson(120, (1, 96))
    assert len(pack(day)[0]) < 130


def test_the_layout_is_pinned():
    """Stored blocks outlive programs: item width, then zlib over the shuffled little-endian items."""
    block = pack(np.array([[1, 2, 3, 256]], dtype=np.int64))[0]
    assert block[0] == 4
    assert zlib.decompress(block[1:]) == bytes([1, 2, 3, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0])


def test_expanding_is_bounded():
    bomb = zlib.compress(bytes(10_000_000))
    with pytest.raises(StoreError, match="does not hold 384 bytes"):
        expand(bomb, 384)


def test_damage_is_a_store_error():
    good = pack(np.arange(96, dtype=np.int64).reshape(1, 96))[0]
    choice = random.Random(7)
    for _ in range(20_000):
        bad = bytearray(good)
        bad[choice.randrange(len(bad))] ^= 1 << choice.randrange(8)
        try:
            found = unpack([bytes(bad[: choice.randint(1, len(bad))])], 96)
        except StoreError:
            continue
        assert found.shape == (1, 96)
