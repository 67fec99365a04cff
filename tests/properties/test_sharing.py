"""Shares always sum to their total, none is further than one unit from its exact part, and order is kept."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from openami.backoffice.mdm.estimation.sharing import prorated, rounded, scale_estimated, scale_to_register

weights = st.integers(1, 40).flatmap(
    lambda width: st.lists(
        st.lists(st.one_of(st.integers(0, 3), st.integers(-5, 10**12)), min_size=width, max_size=width),
        min_size=1,
        max_size=4,
    )
)
totals = st.one_of(st.integers(-50, 50), st.integers(-(10**15), 10**15))


@settings(max_examples=400, derandomize=True, deadline=None)
@given(weights=weights, total=totals)
def test_sums_are_exact(weights, total):
    matrix = np.array(weights, dtype=np.int64)
    shared = scale_to_register(matrix, np.full(len(matrix), total, dtype=np.int64))
    for row, found in zip(matrix.tolist(), shared.tolist(), strict=True):
        assert sum(found) == total
        clean = [max(weight, 0) for weight in row]
        clean = clean if any(clean) else [1] * len(clean)
        for weight, value in zip(clean, found, strict=True):
            assert abs(Fraction(total * weight, sum(clean)) - value) < 1
        assert all(value * total >= 0 for value in found), "a share never has the other sign"


@settings(max_examples=300, derandomize=True, deadline=None)
@given(weights=weights, total=totals)
def test_scaling_again_changes_nothing(weights, total):
    matrix = np.array(weights, dtype=np.int64)
    wanted = np.full(len(matrix), abs(total), dtype=np.int64)
    once = scale_to_register(matrix, wanted)
    assert (scale_to_register(once, wanted) == once).all()


@settings(max_examples=300, derandomize=True, deadline=None)
@given(
    values=st.lists(st.tuples(st.integers(0, 10**6), st.booleans()), min_size=1, max_size=96),
    total=st.integers(0, 10**8),
)
def test_what_is_measured_stays(values, total):
    matrix = np.array([[value for value, _ in values]], dtype=np.int64)
    estimated = np.array([[flag for _, flag in values]])
    found = scale_estimated(matrix, estimated, np.array([total], dtype=np.int64))
    assert (found[~estimated] == matrix[~estimated]).all()
    measured = int(matrix[~estimated].sum())
    if estimated.any() and total >= measured:
        assert int(found.sum()) == total


@settings(max_examples=300, derandomize=True, deadline=None)
@given(parts=st.lists(st.integers(0, 10**9), min_size=1, max_size=96))
def test_rounding_keeps_the_sum(parts):
    assert int(rounded(np.array([parts], dtype=np.int64)).sum()) == (sum(parts) + 500) // 1000


def test_remainders_go_to_the_largest():
    assert scale_to_register(np.array([[1, 1, 1]]), np.array([2])).tolist() == [[1, 1, 0]]
    assert scale_to_register(np.array([[3, 5, 2]]), np.array([7])).tolist() == [[2, 4, 1]]
    assert scale_to_register(np.array([[0, 0, 0, 0]]), np.array([6])).tolist() == [[2, 2, 1, 1]]
    assert prorated(100, np.array([10, 20], dtype=np.int64)).tolist() == [33, 67]
