from __future__ import annotations

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET

import msgspec
import pytest

from openami.cli.commands import run as run_command
from openami.simulation.district import Collector, Fault, Operations, Reading, district_text
from openami.simulation.pictures import draw
from openami.simulation.population import new_district
from openami.simulation.run import simulate, summary

FAULTS = [Fault(kind="feeder-power-cut", at_s=2000, for_s=600), Fault(kind="flood", at_s=3000, amount=100)]


@pytest.fixture(scope="module")
def result():
    return simulate(new_district(20, 2), 2, 0.05)


def test_a_small_district_delivers_everything(result):
    assert result.passed, [one.findings[:2] for one in result.checkers]
    assert result.formed_s < 900
    assert result.routed_at_15_min == 20
    assert result.intervals == result.intervals_stored > 0
    assert result.arrived >= 20
    assert sum(result.hops.values()) == result.arrived
    assert result.latency_s(50) <= result.latency_s(99) <= result.latency_s(100) < 600


def test_the_same_seed_gives_the_same_history_in_every_process(tmp_path):
    path = tmp_path / "district.toml"
    path.write_text(district_text(msgspec.structs.replace(new_district(8, 3), faults=FAULTS)))
    lines = []
    for hash_seed, seed in (("1", "5"), ("2", "5"), ("3", "6")):
        command = [
            sys.executable,
            "-c",
            "from openami.cli import main; main()",
            "simulate",
            str(path),
            "--seed",
            seed,
            "--days",
            "0.03",
            "--json",
        ]
        done = subprocess.run(
            command, env={**os.environ, "PYTHONHASHSEED": hash_seed}, capture_output=True, text=True, check=True
        )
        lines.append(json.loads(done.stdout.splitlines()[-1]))
    first, second, other = ({key: value for key, value in line.items() if key != "cpu_s"} for line in lines)
    assert first == second
    assert first["trace_hash"] != other["trace_hash"]
    assert first["passed"]
    assert first["delivered"] == 1.0


def test_the_power_line_carries_the_same_mesh():
    district = new_district(20, 1, medium="power-line")
    result = simulate(district, 1, 0.05)
    assert result.passed, [one.findings[:2] for one in result.checkers]
    assert result.intervals == result.intervals_stored > 0


def test_a_lost_reading_is_found_and_the_run_can_be_played_again(tmp_path, capsys):
    """Meters that push too few rows, and nobody who reads what is missing: the checker must not stay silent."""
    path = tmp_path / "district.toml"
    nobody = Operations(campaign_meters=0)
    district = msgspec.structs.replace(new_district(4, 1), reading=Reading(push_rows=3), operations=nobody)
    path.write_text(district_text(district))
    assert run_command(["simulate", str(path), "--seed", "4", "--days", "0.09"]) == 1
    told = capsys.readouterr().err
    assert "intervals lost" in told
    assert f"again: openami simulate {path} --seed 4 --days 0.09" in " ".join(told.split())


def test_a_district_that_nobody_hears_delivers_nothing():
    far = [Collector(name="C1", x_m=90_000, y_m=0)]
    result = simulate(msgspec.structs.replace(new_district(4, 1), collectors=far), 1, 0.05)
    assert result.formed_s is None
    assert result.arrived == 0
    assert not result.passed


def test_pictures_are_drawings_with_titles(result, tmp_path):
    paths = draw(new_district(20, 2), result, tmp_path / "pictures")
    assert [path.name for path in paths] == ["map.svg", "delivery.svg", "hops.svg", "latency.svg"]
    for path in paths:
        root = ET.fromstring(path.read_text())
        assert root.find("{http://www.w3.org/2000/svg}title").text
    drawn = ET.fromstring(paths[0].read_text())
    assert len(drawn.findall("{http://www.w3.org/2000/svg}circle")) == 21
    assert len(drawn.findall("{http://www.w3.org/2000/svg}path")) == 20, "one route each"


def test_the_summary_is_numbers(result):
    told = json.loads(json.dumps(summary(result)))
    assert told["passed"] is True
    assert isinstance(told["delivered"], float)
    assert {one["name"] for one in told["checkers"]} >= {"energy conserved", "frame counters", "duty cycle"}


def test_a_new_district_does_not_overwrite(tmp_path):
    path = tmp_path / "district.toml"
    assert run_command(["district", "new", "--meters", "5", "--seed", "1", "--out", str(path)]) == 0
    before = path.read_text()
    assert run_command(["district", "new", "--meters", "6", "--seed", "1", "--out", str(path)]) == 1
    assert path.read_text() == before


def reachable_share(result):
    """Of the meters that were alive ten minutes after relays had died."""
    (note,) = [note for note in result.notes if note[0].startswith("reachable")]
    return note[1] / note[2]


@pytest.mark.parametrize("seed", [21, 22])
def test_two_small_districts_form_lose_relays_and_deliver(seed):
    """What `test_a_thousand_meters` asks of 20 seeds, of 60 meters for an hour and a half and two hours of healing."""
    fault = Fault(kind="relays-die", at_s=1500, for_s=1500, amount=5)
    result = simulate(msgspec.structs.replace(new_district(60, seed), faults=[fault]), seed, 0.06)
    assert result.passed, [one.findings[:2] for one in result.checkers]
    assert result.formed_s is not None
    assert result.formed_s <= 900
    assert reachable_share(result) >= 0.995
    assert result.intervals_stored == result.intervals > 0


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("seed", range(1, 21))
def test_a_thousand_meters(seed):
    """A day: formed within 15 minutes, 5 % of the relays die at noon, every value of the day is there in the end."""
    fault = Fault(kind="relays-die", at_s=43_200, for_s=3600, amount=5)
    result = simulate(msgspec.structs.replace(new_district(1000, seed), faults=[fault]), seed, 1.0)
    print(json.dumps(summary(result)))
    assert result.passed
    assert result.formed_s is not None
    assert result.formed_s <= 900
    assert reachable_share(result) >= 0.995
    assert result.intervals_stored >= 0.999 * result.intervals


@pytest.mark.long
@pytest.mark.timeout(14_400)
def test_a_week_of_a_thousand_meters_without_wan_is_in_the_store_two_hours_after_it():
    """From the meters over the mesh to the back office; `test_backhaul` plays the same without the mesh."""
    fault = Fault(kind="wan-outage", at_s=6 * 3600, for_s=7 * 86_400)
    result = simulate(msgspec.structs.replace(new_district(1000, 31), faults=[fault]), 31, 7.25)
    print(json.dumps(summary(result)))
    assert result.passed
    assert result.intervals_stored == result.intervals > 7 * 96 * 2 * 1000
