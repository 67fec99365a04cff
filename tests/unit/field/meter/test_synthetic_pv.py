"""The synthetic plant: deterministic, bounded by the sun, and never sold as measured."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from openami.field.meter.real_curves import Origin, Window
from openami.field.meter.synthetic_pv import netted, synthetic_pv
from openami.model.errors import SettingError

JUNE = int(datetime(2026, 6, 1, tzinfo=UTC).timestamp())
DECEMBER = int(datetime(2026, 12, 1, tzinfo=UTC).timestamp())
DAY = 48
MONTH = 30 * DAY


def by_hour(window: Window) -> list[int]:
    return window.energy_wh.reshape(-1, 24, 2).sum(axis=(0, 2)).tolist()


def test_same_seed_same_values_other_seed_others():
    first, again, other = (synthetic_pv(seed, JUNE, 1800, MONTH).energy_wh.tolist() for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_a_part_made_alone_is_the_part_of_the_whole():
    whole = synthetic_pv(5, JUNE, 900, 400)
    part = synthetic_pv(5, JUNE + 100 * 900, 900, 50)
    assert part.energy_wh.tolist() == whole.energy_wh[100:150].tolist()


def test_values_are_pinned():
    assert synthetic_pv(7, JUNE + 11 * 3600, 1800, 4).energy_wh.tolist() == [230, 229, 225, 189]


def test_nights_are_dark_and_noon_is_brightest():
    hours = by_hour(synthetic_pv(1, JUNE, 1800, MONTH))
    assert hours[0] == hours[23] == 0
    assert hours.index(max(hours)) in {11, 12}


@pytest.mark.parametrize(("latitude_deg", "brighter", "darker"), [(52.0, JUNE, DECEMBER), (-35.0, DECEMBER, JUNE)])
def test_summer_gives_more_than_winter_on_either_side_of_the_equator(latitude_deg, brighter, darker):
    most, least = (
        int(synthetic_pv(1, start, 1800, MONTH, latitude_deg=latitude_deg).energy_wh.sum())
        for start in (brighter, darker)
    )
    assert most > 2 * least


def test_never_more_than_the_peak():
    energy_wh = synthetic_pv(3, JUNE, 1800, MONTH, peak_w=4_000).energy_wh
    assert 0 <= energy_wh.min() <= energy_wh.max() <= 2_000


def test_the_label_says_what_it_is():
    window = synthetic_pv(3, JUNE, 1800, 1)
    assert window.origin is Origin.SYNTHETIC
    assert window.label == "synthetic: pv-3, 4000 W peak, model of sun and chance clouds, measured nowhere"
    assert window.moved(4).origin is Origin.SYNTHETIC


@pytest.mark.parametrize(("start_s", "interval_s"), [(JUNE + 1, 1800), (JUNE, 1000), (JUNE, 0)])
def test_off_the_grid_is_refused(start_s, interval_s):
    with pytest.raises(SettingError, match="grid"):
        synthetic_pv(1, start_s, interval_s, 1)


def test_netting_keeps_the_balance_and_the_label():
    load = Window("uk-9", JUNE, 1800, np.full(DAY, 300, np.int64), Origin.REPLAYED, ("moved by +4 weeks",))
    generation = synthetic_pv(1, JUNE, 1800, DAY)
    drawn, fed = netted(load, generation)
    assert (drawn.energy_wh - fed.energy_wh).tolist() == (load.energy_wh - generation.energy_wh).tolist()
    assert not (drawn.energy_wh * fed.energy_wh).any()
    assert drawn.origin is fed.origin is Origin.SYNTHETIC
    assert drawn.label.startswith("synthetic: uk-9, moved by +4 weeks, less pv-1 (4000 W peak")


def test_netting_of_windows_that_do_not_fit_is_refused():
    load = Window("uk-9", JUNE, 900, np.zeros(DAY, np.int64))
    with pytest.raises(SettingError, match="differ"):
        netted(load, synthetic_pv(1, JUNE, 1800, DAY))
