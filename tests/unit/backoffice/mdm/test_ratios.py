"""What registers stand for where instrument transformers were changed: by columns and one by one it is the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openami.backoffice.mdm.ratios import UNCHANGED, Ratios

TWICE = Ratios(40, (1_000, 2_000), (40, 80, 20))


def column(*values):
    return np.array(values, dtype=np.int64)


def test_what_flowed_is_by_the_multiplier_at_the_begin():
    starts = column(0, 999, 1_000, 1_999, 2_000)
    assert TWICE.flowed(column(40, 40, 40, 40, 40), starts).tolist() == [40, 40, 80, 80, 20]


def test_a_change_at_an_edge_cuts_nothing():
    starts, ends = column(0, 900, 1_000, 1_900, 900), column(1_000, 1_100, 2_000, 2_000, 2_100)
    assert TWICE.cut(starts, ends).tolist() == [False, True, False, False, True]


def test_without_a_change_registers_tell_what_flowed():
    assert UNCHANGED.flowed(column(7), column(0)).tolist() == [7]
    assert not UNCHANGED.cut(column(0), column(10)).any()
    assert UNCHANGED.energy(1, (0, 100), (10, 107), {}) == 7


def test_energy_across_changes_needs_the_register_at_each():
    reads = {(1, 1_000): 4_000, (1, 2_000): 8_000}
    assert TWICE.energy(1, (500, 0), (2_500, 12_000), reads) == 4_000 + 8_000 + 2_000
    assert TWICE.energy(1, (500, 0), (2_500, 12_000), {(1, 1_000): 4_000}) is None
    assert TWICE.energy(2, (500, 0), (2_500, 12_000), reads) is None, "reads of another meter tell nothing"
    assert TWICE.energy(1, (500, 5_000), (2_500, 12_000), reads) is None, "a register that fell"


def test_the_multiplier_at_a_moment():
    assert [TWICE.at(stamp) for stamp in (0, 999, 1_000, 2_000)] == [40, 40, 80, 20]


@pytest.mark.parametrize("base", [1, 40])
@given(
    times=st.lists(st.integers(1, 90), unique=True, max_size=4),
    factors=st.lists(st.integers(1, 500), min_size=5, max_size=5),
    counted=st.lists(st.integers(0, 9), min_size=100, max_size=100),
    cuts=st.lists(st.integers(1, 99), unique=True, max_size=8),
)
def test_however_it_is_cut_the_sum_is_the_same(base, times, factors, counted, cuts):
    """A meter is read every second in truth, and at some moments by us: at each change, and at `cuts`."""
    times = sorted(times)
    ratios = Ratios(base, tuple(times), (base, *factors[: len(times)]))
    registers = np.concatenate(([0], np.cumsum(counted))) * base
    truth = sum(count * ratios.at(second) for second, count in enumerate(counted))
    reads = {(1, at): int(registers[at]) for at in times}
    assert ratios.energy(1, (0, 0), (100, int(registers[100])), reads) == truth
    stamps = np.array(sorted({0, 100, *times, *cuts}))
    assert not ratios.cut(stamps[:-1], stamps[1:]).any()
    assert ratios.flowed(np.diff(registers[stamps]), stamps[:-1]).sum() == truth
