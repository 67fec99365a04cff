"""Tiers fill in order of time: what an estimate fills is its part of the tier."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openami.backoffice.mdm.billing.determinants import Flow, Period, determinants
from openami.backoffice.mdm.billing.plan import parse_plans

PLAN = '[[plan]]\nname = "tiers"\nregister = "all"\ntiers_wh = [100, 250]\n'


def told(energies, estimated, *, scaler=0, edition=2, export=None):
    """The tiers of one point as (value, estimated part)."""
    (plan,) = parse_plans(PLAN + ('metering = "net"\n' if export else ""))
    plan = type(plan)(**{name: getattr(plan, name) for name in plan.__struct_fields__} | {"edition": edition})

    def flow(values, marked):
        row = np.array([values], dtype=np.int64)
        return Flow(row, np.zeros(row.shape, dtype=np.bool_), np.isin(np.arange(row.shape[1]), marked)[None, :])

    count = len(energies)
    flows = {"import": flow(energies, estimated)} | ({"export": flow(export, [])} if export else {})
    zeros = np.zeros(count, dtype=np.int64)
    period = Period(900 * np.arange(count), zeros, 900, zeros.astype(np.int8), scaler)
    lines = determinants(plan, period, flows)[0]
    return [(line.value, line.estimated_value) for line in lines if line.name.startswith("tier.")]


def test_an_estimate_may_fill_two_tiers():
    assert told([80, 60, 60, 100], [1]) == [(100, 20), (150, 40), (50, 0)]
    assert told([80, 60, 60, 100], [3]) == [(100, 0), (150, 50), (50, 50)]
    assert told([80, 60, 60, 100], []) == [(100, 0), (150, 0), (50, 0)]


def test_bounds_are_watt_hours_whatever_the_scaler():
    assert told([800, 600], [1], scaler=-1) == [(100, 20), (40, 40), (0, 0)]


def test_what_is_fed_in_empties_tiers_again():
    assert told([150, 0, 40], [2], export=[0, 90, 0]) == [(100, 40), (0, 0), (0, 0)]


def test_a_plan_that_was_stored_before_gives_what_it_gave():
    assert told([80, 60, 60, 100], [1], edition=1) == [(100, 0), (150, 0), (50, 0)]


@pytest.mark.parametrize("scaler", [0, -2])
@given(st.lists(st.tuples(st.integers(0, 120), st.booleans()), min_size=1, max_size=12))
def test_parts_of_all_tiers_are_the_estimates(scaler, intervals):
    unit = 10**-scaler
    energies = [energy * unit for energy, _ in intervals]
    guessed = [at for at, (_, marked) in enumerate(intervals) if marked]
    tiers = told(energies, guessed, scaler=scaler)
    assert sum(part for _, part in tiers) == sum(energies[at] for at in guessed) // unit
    assert all(0 <= part <= value for value, part in tiers)
