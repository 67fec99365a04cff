"""Reasons come back as they were stored; damaged ones are an error of the store and nothing else."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openami.backoffice.mdm.reasons import Outcome, Reason, decode, encode
from openami.model.errors import StoreError

plain = st.one_of(st.integers(-(2**60), 2**60), st.text(max_size=5), st.lists(st.integers(0, 9), max_size=3))
reasons = st.builds(
    Reason,
    st.integers(0, 95),
    st.integers(1, 96),
    st.sampled_from(["spike", "linear"]),
    st.sampled_from(Outcome),
    st.dictionaries(st.text(max_size=4), st.integers(0, 9), max_size=3),
    st.dictionaries(st.text(max_size=4), plain, max_size=3),
)


@settings(max_examples=300, derandomize=True, deadline=None)
@given(told=st.lists(reasons, max_size=5), order=st.randoms(use_true_random=False))
def test_round_trip(told, order):
    blob = encode(told)
    found = decode(blob)
    assert len(found) == len(told)
    assert all(one in told for one in found)
    assert encode(found) == blob
    distinct = {(one.first, one.count, one.name, one.outcome) for one in told}
    if len(distinct) == len(told):
        order.shuffle(told)
        assert encode(told) == blob
    assert (blob is None) == (not told)


def test_rules_stand_before_methods():
    rule, method = Reason(5, 1, "spike", Outcome.REFUSED), Reason(0, 9, "linear", Outcome.ESTIMATED)
    assert decode(encode([method, rule])) == [rule, method]


@pytest.mark.parametrize("blob", [b"", b"\xc1", b"\x93", b"\x91\x01", b"\x91\x96\x00\x01\xa1a\xa1b\x80\x80"])
def test_damage_is_told(blob):
    with pytest.raises(StoreError, match="damaged"):
        decode(blob)


@settings(max_examples=400, derandomize=True, deadline=None)
@given(blob=st.binary(max_size=60))
def test_any_bytes_are_reasons_or_an_error_of_the_store(blob):
    with contextlib.suppress(StoreError):
        decode(blob)
