"""Counters: what was saved is never forgotten and never runs back, whatever kills the process."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from openami.io.disk import SystemDisk
from openami.io.keystore import CounterFile
from openami.model.errors import SettingError, StoreError
from openami.simulation.disk import FaultDisk, PowerCut

PATH = Path("keys/counters")


def test_values_survive_closing(tmp_path):
    path = tmp_path / "deep" / "counters"
    counters = CounterFile(path, disk=SystemDisk())
    assert counters.load("meter 1") == 0
    counters.save("meter 1", 1000)
    counters.save_many({"meter 1": 2000, "mètre": 2**64 - 1})
    counters.close()
    again = CounterFile(path, disk=SystemDisk())
    assert again.load("meter 1") == 2000
    assert again.load("mètre") == 2**64 - 1
    assert again.names() == ["meter 1", "mètre"]
    again.close()


def test_one_process_at_a_time(tmp_path):
    counters = CounterFile(tmp_path / "c", disk=SystemDisk())
    with pytest.raises(StoreError, match="in use by another process"):
        CounterFile(tmp_path / "c", disk=SystemDisk())
    counters.close()


def test_a_counter_never_goes_back():
    counters = CounterFile(PATH, disk=FaultDisk())
    counters.save("a", 10)
    with pytest.raises(StoreError, match="stands at 10; it never goes back to 9"):
        counters.save("a", 9)
    assert counters.load("a") == 10


@pytest.mark.parametrize(("name", "value"), [("", 1), ("x" * 256, 1), ("a", -1), ("a", 2**64)])
def test_what_cannot_be_a_counter_is_refused(name, value):
    with pytest.raises(SettingError):
        CounterFile(PATH, disk=FaultDisk()).save(name, value)


def test_saving_the_same_value_costs_no_sync():
    disk = FaultDisk()
    counters = CounterFile(PATH, disk=disk)
    counters.save("a", 1)
    steps = disk.steps
    counters.save("a", 1)
    assert disk.steps == steps


def test_ten_thousand_counters_share_one_sync():
    disk = FaultDisk()
    counters = CounterFile(PATH, disk=disk)
    before = disk.steps
    counters.save_many({f"meter {number}": 1000 for number in range(10_000)})
    assert disk.steps - before <= 4
    assert CounterFile(PATH, disk=disk.after_power_cut()).load("meter 9999") == 1000


def test_the_journal_stays_short():
    disk = FaultDisk()
    counters = CounterFile(PATH, disk=disk, compact_bytes=500)
    for value in range(1, 2000):
        counters.save("a", value)
        counters.save("b", 2 * value)
    assert disk.size(PATH) < 600
    again = CounterFile(PATH, disk=disk.after_power_cut())
    assert (again.load("a"), again.load("b")) == (1999, 3998)


def test_damage_before_the_end_stops_rather_than_falling_back():
    disk = FaultDisk()
    counters = CounterFile(PATH, disk=disk)
    for value in (1, 2, 3):
        counters.save("a", value)
    disk.files[PATH].now[30] ^= 1
    with pytest.raises(StoreError, match="damaged at offset"):
        CounterFile(PATH, disk=disk.after_kill())


def workload(disk, confirmed):
    counters = CounterFile(PATH, disk=disk, compact_bytes=150)
    for value in range(1, 26):
        name = "abc"[value % 3]
        confirmed.setdefault("asked", {})[name] = value
        counters.save(name, value)
        confirmed.setdefault("done", {})[name] = value
        if value % 4 == 0:
            both = {"d": value, "e": value}
            confirmed["asked"].update(both)
            counters.save_many(both)
            confirmed["done"].update(both)


def run(dies_at, seed=0):
    disk, confirmed = FaultDisk(dies_at, seed), {}
    try:
        workload(disk, confirmed)
    except PowerCut:
        return disk, confirmed
    return disk, confirmed


STEPS = run(None)[0].steps


def test_there_are_enough_kill_points():
    assert STEPS >= 50


@pytest.mark.parametrize("dies_at", range(1, STEPS + 1))
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("end", ["kill", "power cut", "kill, power cut"])
def test_killed_at_any_step_no_confirmed_value_is_lost_and_none_invented(dies_at, seed, end):
    disk, confirmed = run(dies_at, seed)
    after = disk.after_power_cut() if end == "power cut" else disk.after_kill()
    counters = CounterFile(PATH, disk=after, compact_bytes=150)
    seen = {name: counters.load(name) for name in "abcde"}
    if end == "kill, power cut":
        counters = CounterFile(PATH, disk=after.after_power_cut(), compact_bytes=150)
        assert {name: counters.load(name) for name in "abcde"} == seen
    for name in "abcde":
        done = confirmed.get("done", {}).get(name, 0)
        assert seen[name] in (done, confirmed.get("asked", {}).get(name, 0))
    assert seen["d"] == seen["e"]
    counters.save("a", 1000)
    assert counters.load("a") == 1000


@pytest.mark.parametrize("fails_at", range(1, STEPS + 1))
def test_a_disk_error_at_any_step_loses_nothing(fails_at):
    disk = FaultDisk(seed=fails_at)
    disk.fails = {fails_at}
    counters = CounterFile(PATH, disk=disk, compact_bytes=150)
    done = 0
    for value in range(1, 26):
        try:
            counters.save("a", value)
        except StoreError:
            assert counters.load("a") == done
            continue
        done = value
    assert CounterFile(PATH, disk=disk.after_power_cut()).load("a") == done


def test_many_random_lives_in_a_row():
    choice = random.Random(3)
    disk, done, asked = FaultDisk(seed=2), 0, 0
    for _ in range(100):
        disk.dies_at = disk.steps + choice.randint(1, 30)
        try:
            counters = CounterFile(PATH, disk=disk, compact_bytes=100)
            assert done <= counters.load("a") <= asked
            while True:
                asked += 1
                counters.save("a", asked)
                done = asked
        except PowerCut:
            disk = disk.after_power_cut() if choice.random() < 0.5 else disk.after_kill()
