"""The truth score is reproducible, counts what it says, and the published table is what the command prints."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from openami.app import mdm_score
from openami.app.mdm_curves import Curve, curves_of, shipped_curves
from openami.app.mdm_faults import FAULTS, Spoilt
from openami.app.mdm_score import score_methods, score_rules
from openami.model.errors import SettingError

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "mdm-score.md"


@pytest.fixture
def small(monkeypatch):
    """Two months of one household, so that a test has time for it."""
    whole = next(shipped_curves())
    days = slice(100, 160)
    short = Curve(whole.name, whole.resolution_s, whole.first_day + days.start, whole.energy[days])
    monkeypatch.setattr(mdm_score, "GAPS_PER_CURVE", 10)
    return short


def test_curves_are_whole_days_of_real_households():
    found = list(shipped_curves())
    assert [curve.name for curve in found] == ["uk-0", "uk-1", "uk-2"]
    assert all(curve.energy.shape[1] * curve.resolution_s == 86_400 for curve in found)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_spoils_the_days_chosen_and_no_other(fault, small):
    chosen = np.zeros(len(small.energy), dtype=np.bool_)
    chosen[[3, 10, 40]] = True
    spoilt = fault.spoil(Spoilt.of(small.energy, chosen), small.resolution_s, np.random.default_rng(1))
    touched = (spoilt.energy != small.energy).any(axis=1) | spoilt.missing.any(axis=1)
    assert np.array_equal(touched, chosen)


def test_the_same_seed_gives_the_same_score(small):
    first, again = ([*score_rules([small], 3), *score_methods([small], 3)] for _ in range(2))
    assert first == again
    assert first


def test_what_must_be_found_is_found(small):
    found = {(one.fault, one.rule): one for one in score_rules([small], 1)}
    assert {one.n for one in found.values()} == {len(small.energy) * 5 // 100}
    for fault, rule in (("gap", "missing_interval"), ("one register too low", "register_dip")):
        assert (found[fault, rule].precision, found[fault, rule].recall) == (1.0, 1.0)
    for (_, rule), one in found.items():
        if rule == "sum_check":
            assert (one.precision, one.recall) == (1.0, 1.0)


def test_with_registers_the_sum_is_exact(small):
    found = [one for one in score_methods([small], 1) if one.n]
    assert all(one.sum_error == 0 and one.bias == 0 for one in found if one.registers)
    assert any(one.sum_error > 0 for one in found if not one.registers)
    linear = [one for one in score_methods([small], 1) if one.method == "linear" and one.gap_h > 2]
    assert all((one.n, one.mae) == (0, None) for one in linear)


def test_the_page_has_every_fault_and_method():
    page = PAGE.read_text()
    assert "openami mdm score" in page
    for fault in FAULTS:
        for rule in fault.rules:
            assert f"| {fault.name} | {rule} |" in page
    for method in mdm_score.METHODS:
        assert f"| {method} |" in page


def written(folder, *lines):
    file = folder / "curves.csv.gz"
    with gzip.open(file, "wt") as out:
        out.write("household,begin,kwh\n" + "".join(f"{line}\n" for line in lines))
    return file


def test_other_curves_come_from_a_file(tmp_path):
    start = datetime(2025, 1, 1, 12, tzinfo=UTC)
    hours = [start + timedelta(hours=hour) for hour in range(24 * 70)]
    lines = [f"A,{at.isoformat()},0.{at.hour:03}" for at in hours]
    doubled, short = f"A,{start.isoformat()},9", f"B,{start.isoformat()},1"
    found = list(curves_of(written(tmp_path, *lines, doubled, short)))
    assert [(curve.name, curve.resolution_s, len(curve.energy)) for curve in found] == [("A", 3_600, 69)]
    assert found[0].energy[0].tolist() == list(range(24))
    assert found[0].first_day * 86_400 == datetime(2025, 1, 2, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    "line", ["A,yesterday,1", "A,2025-01-01,much", "A,2025-01-01", "A,2025-01-01,-1", "A,2025-01-01,nan"]
)
def test_a_line_that_is_no_reading_is_named(tmp_path, line):
    with pytest.raises(SettingError, match=r"line 3: .* is not household, begin, kWh"):
        list(curves_of(written(tmp_path, "A,2025-01-01,1", line)))
