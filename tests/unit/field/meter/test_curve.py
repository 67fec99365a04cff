from __future__ import annotations

import pytest

from openami.field.meter.curve import ArrayCurve, SteadyCurve
from openami.field.meter.real_curves import Origin, Window, load
from openami.model.errors import SettingError


def test_energy_flows_evenly_inside_an_interval_and_exactly_at_its_ends() -> None:
    curve = ArrayCurve(1000, 10, [5, 0, 7], [0, 1, 0], label="test")
    assert [curve.import_wh(1000 + second) for second in (0, 2, 4, 10, 19.999, 20, 25, 30)] == [0, 1, 2, 5, 5, 5, 8, 12]
    assert [curve.export_wh(1000 + second) for second in (0, 10, 15, 20, 30)] == [0, 0, 0, 1, 1]


def test_the_curve_begins_again_and_reaches_back() -> None:
    curve = ArrayCurve(1000, 10, [5, 0, 7], label="test")
    assert curve.import_wh(1000 + 30 * 7 + 10) == 12 * 7 + 5
    assert curve.import_wh(1000 - 30) == -12
    assert curve.export_wh(5000) == 0
    values = [curve.import_wh(900 + step / 7) for step in range(2000)]
    assert values == sorted(values)


def test_power_is_that_of_the_interval() -> None:
    curve = ArrayCurve(0, 1800, [500, 0], [0, 100], label="test")
    assert curve.power_w(0) == (1000, 0)
    assert curve.power_w(1799.9) == (1000, 0)
    assert curve.power_w(1800) == (0, 200)
    assert SteadyCurve(3, 4).power_w(99) == (3, 4)
    assert SteadyCurve(1000, 4).import_wh(3600 * 24) == 24_000


def test_large_energies_are_exact() -> None:
    curve = ArrayCurve(0, 10, [2**33, 1], label="test")
    assert curve.import_wh(10) == 2**33
    assert curve.import_wh(40) == 2 * (2**33 + 1)


def test_a_later_copy_shares_everything_but_time_and_label() -> None:
    curve = ArrayCurve(0, 10, [1, 2, 3], label="real: x")
    later = curve.later(10, "replayed: x, 10 s later")
    assert [later.import_wh(second) for second in (10, 20, 40)] == [curve.import_wh(second) for second in (0, 10, 30)]
    assert later.label.startswith("replayed")
    assert curve.start_s == 0


def test_real_values_are_replayed_to_the_watt_hour() -> None:
    window = load("uk-1").longest()
    curve = ArrayCurve.replay(window)
    assert curve.import_wh(window.end_s) - curve.import_wh(window.start_s) == int(window.energy_wh.sum())
    assert curve.label == window.label
    pair = ArrayCurve.replay(window, window)
    assert pair.export_wh(window.start_s + window.interval_s) == int(window.energy_wh[0])
    assert "fed in" in pair.label
    other = Window(window.source, window.start_s + 900, window.interval_s, window.energy_wh, Origin.REAL)
    with pytest.raises(SettingError, match="same intervals"):
        ArrayCurve.replay(window, other)


@pytest.mark.parametrize(
    ("drawn", "fed", "reason"),
    [([], [], "no intervals"), ([1], [1, 2], "1 import and 2 export"), ([-1], [], "negative energy")],
)
def test_a_wrong_curve_says_what_is_wrong(drawn: list[int], fed: list[int], reason: str) -> None:
    with pytest.raises(SettingError, match=reason):
        ArrayCurve(0, 10, drawn, fed, label="test")
