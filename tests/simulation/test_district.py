from __future__ import annotations

import numpy as np
import pytest

from openami.model.errors import SettingError
from openami.protocols.dlms.counters import MemoryCounters
from openami.simulation.district import district_text, load_district
from openami.simulation.households import make_meter
from openami.simulation.population import new_district, station_key
from openami.simulation.power_line import PowerLine, Tap, power_line_links
from openami.simulation.radio import Radio, levels, mean_neighbours, radio_links
from openami.simulation.streams import Streams

START = 1_773_100_800  # 2026-03-10T00:00:00Z


def level_of(district):
    keys = [station_key(house.name) for house in district.houses]
    return levels(district.radio, [(house.x_m * 10, house.y_m * 10) for house in district.houses], keys)


def test_a_district_is_its_file(tmp_path):
    district = new_district(60, 3)
    path = tmp_path / "district.toml"
    path.write_text(district_text(district))
    assert load_district(path) == district
    assert new_district(60, 3) == district != new_district(60, 4)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_thousand_meters_hear_ten_others_and_each_other(seed):
    district = new_district(1000, seed)
    level = level_of(district)
    assert 9.5 <= mean_neighbours(district.radio, level) <= 11
    assert (level == level.T).all(), "a radio link is the same in both directions"
    reached, edge = {0}, [0]
    while edge:
        found = np.flatnonzero((level[edge] >= district.radio.sensitivity_dbm).any(axis=0))
        edge = [int(one) for one in found if int(one) not in reached]
        reached.update(edge)
    assert len(reached) == 1000


def test_one_more_house_changes_no_other_link():
    houses = new_district(20, 1).houses
    keys = [station_key(house.name) for house in houses]
    places = [(house.x_m * 10, house.y_m * 10) for house in houses]
    fewer = radio_links(Radio(), levels(Radio(), places[:-1], keys[:-1]), keys[:-1])
    more = radio_links(Radio(), levels(Radio(), places, keys), keys)
    assert fewer == [[one for one in of if one.receiver != 19] for of in more[:-1]]


def test_losses_lie_between_their_bounds():
    district = new_district(50, 1)
    keys = [station_key(house.name) for house in district.houses]
    losses = [one.loss / (1 << 20) for of in radio_links(Radio(), level_of(district), keys) for one in of]
    assert 0.05 <= min(losses) < 0.08
    assert 0.17 < max(losses) <= 0.20


def test_the_power_line_is_asymmetric_and_ends_at_the_transformer():
    taps = [Tap("T1", "Ash", along) for along in (0, 100, 200)] + [Tap("T1", "Elm", 100), Tap("T2", "Elm", 100)]
    links = power_line_links(PowerLine(), taps, [station_key(f"M{number}") for number in range(5)])
    heard = {(one, other.receiver): other.level_dbm for one, of in enumerate(links) for other in of}
    assert not any(4 in pair for pair in heard)
    assert any(heard[one, other] != heard[other, one] for one, other in heard if (other, one) in heard)
    assert heard[0, 1] > heard[0, 2]
    assert [PowerLine().noise_db(hour) for hour in (3, 7, 12, 18, 22)] == [0, 3, 0, 6, 0]


def test_meters_differ_and_say_what_their_values_are_worth():
    district = new_district(60, 1)
    meters = [make_meter(district, number, Streams(1), START, 1, MemoryCounters()) for number in range(60)]
    for meter in meters:
        meter.advance(START + 86_400)
    drawn = {meter.energy.import_wh - meter.config.import_wh for meter in meters}
    assert len(drawn) > 40
    plants = [meter for meter, house in zip(meters, district.houses, strict=True) if house.pv_w]
    assert plants
    assert all("synthetic" in meter.label for meter in plants)
    assert all(meter.energy.export_wh > 0 for meter in plants)
    again = make_meter(district, 5, Streams(1), START, 1, MemoryCounters())
    again.advance(START + 86_400)
    assert again.energy.import_wh == meters[5].energy.import_wh


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("medium = ", 'medium = "smoke"\n#'), "Invalid enum"),
        (("rate_bps", "speed"), "unknown field"),
        (("[[collectors]]", "[[houses"), "district file"),
        (("M00002", "M00001"), "two stations have one name"),
    ],
)
def test_a_wrong_file_is_refused_by_name(tmp_path, change, message):
    path = tmp_path / "district.toml"
    path.write_text(district_text(new_district(3, 1)).replace(*change, 1))
    with pytest.raises(SettingError, match=message):
        load_district(path)


def test_a_missing_file_says_what_makes_one(tmp_path):
    with pytest.raises(SettingError, match="openami district new"):
        load_district(tmp_path / "none.toml")
