"""The spool: what is acknowledged is never lost, what is released never comes again, whatever kills it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from openami.io.disk import SystemDisk
from openami.io.spool import FileSpool, SpoolFull
from openami.model.errors import StoreError
from openami.simulation.disk import FaultDisk, PowerCut

FOLDER = Path("spool")


def make(disk=None, folder=FOLDER, **settings):
    return FileSpool(folder, disk=disk or FaultDisk(), random=random.Random(1).randbytes, **settings)


def contents(spool):
    return [item.content for item in spool.read(0, 1 << 20, 1 << 30)]


def test_items_come_back_in_order_with_their_numbers(tmp_path):
    spool = make(SystemDisk(), tmp_path)
    assert spool.append(b"one") == 1
    assert spool.append_many([b"", b"three"]) == [2, 3]
    spool.close()
    again = make(SystemDisk(), tmp_path)
    assert again.read(0, 10) == [(1, b"one"), (2, b""), (3, b"three")]
    assert again.read(1, 1) == [(2, b"")]
    assert again.identity == spool.identity
    again.close()


def test_only_one_process_uses_a_spool(tmp_path):
    spool = make(SystemDisk(), tmp_path)
    with pytest.raises(StoreError, match="in use by another process"):
        make(SystemDisk(), tmp_path)
    spool.close()
    make(SystemDisk(), tmp_path).close()


def test_reading_is_bounded_by_count_and_bytes_but_never_stuck():
    spool = make()
    spool.append_many([b"x" * 100] * 5)
    assert [number for number, _ in spool.read(0, 3)] == [1, 2, 3]
    assert [number for number, _ in spool.read(0, 10, 250)] == [1, 2]
    assert [number for number, _ in spool.read(2, 10, 1)] == [3]


def test_released_items_never_come_again_and_numbers_go_on():
    disk = FaultDisk()
    spool = make(disk, segment_bytes=100)
    spool.append_many([b"a" * 40] * 3)
    spool.append(b"b")
    spool.release(3)
    spool.release(2)
    assert spool.read(0, 10) == [(4, b"b")]
    spool.release(1000)
    assert spool.waiting == 0
    again = make(disk.after_power_cut())
    assert again.read(0, 10) == []
    assert again.append(b"c") == 5


def test_released_segments_leave_the_disk():
    spool = make(segment_bytes=1000)
    for _ in range(50):
        spool.append(b"x" * 100)
    before = spool.size
    spool.release(45)
    assert spool.size < before / 3
    assert spool.waiting == 5


def test_a_long_active_segment_is_given_back_once_all_is_released():
    spool = make()
    spool.append_many([b"x" * 50_000] * 2)
    spool.release(2)
    assert spool.size == 0
    assert spool.append(b"y") == 3


def test_a_full_spool_takes_nothing_and_says_so():
    spool = make(limit_bytes=300)
    spool.append(b"x" * 200)
    with pytest.raises(SpoolFull, match="is full: 300 bytes"):
        spool.append_many([b"1", b"y" * 100])
    assert contents(spool) == [b"x" * 200]
    with pytest.raises(SpoolFull, match="takes 10 at most"):
        make(item_bytes_max=10).append(b"12345678901")


def test_many_items_are_found_from_the_middle():
    spool = make(segment_bytes=5_000)
    for number in range(1, 1001):
        assert spool.append(b"%d" % number) == number
    for after in (0, 63, 64, 65, 500, 998, 999, 1000):
        assert [item.number for item in spool.read(after, 3)] == list(range(after + 1, min(after + 4, 1001)))


@pytest.mark.parametrize("step", range(1, 4))
def test_a_disk_error_takes_nothing_and_the_next_append_mends(step):
    disk = FaultDisk()
    spool = make(disk)
    spool.append(b"first")
    disk.fails = {disk.steps + step}
    try:
        spool.append(b"second")
    except StoreError as error:
        assert "nothing was taken" in str(error)  # noqa: PT017 - only some steps are reached
        assert contents(spool) == [b"first"]
        spool.append(b"second")
    assert contents(spool) == [b"first", b"second"]
    assert contents(make(disk.after_power_cut())) == [b"first", b"second"]


def test_rotten_bytes_are_kept_aside_and_their_numbers_never_given_again():
    disk = FaultDisk()
    spool = make(disk)
    spool.append_many([b"good", b"soon rotten", b"behind it"])
    disk.files[FOLDER / f"{1:020d}.items"].now[25] ^= 1
    again = make(disk.after_kill())
    assert contents(again) == [b"good"]
    assert again.append(b"new") > 3
    torn = [name for name in again._disk.names(FOLDER) if name.endswith(".torn")]
    assert b"behind it" in again._disk.read(FOLDER / torn[0])


def test_a_damaged_release_mark_gives_items_again_rather_than_losing_them():
    disk = FaultDisk()
    spool = make(disk)
    spool.append_many([b"a", b"b"])
    spool.release(1)
    disk.files[FOLDER / "released"].now[:] = b"\xff\xff"
    assert contents(make(disk.after_kill())) == [b"a", b"b"]


# Kill points: a workload of appends and releases is killed at every single step of the disk.


def workload(disk, log):
    """Append and release; `log` records what was acknowledged, as a sender and a reader would know it."""
    spool = make(disk, segment_bytes=120)
    log["identity"] = spool.identity
    for number in range(1, 15):
        content = b"item %d " % number + b"." * number
        log["sent"].append(content)
        for given in spool.append_many([content, content + b"!"]):
            log["acknowledged"][given] = content
            content += b"!"
        if number % 3 == 0:
            through = max(log["acknowledged"]) - 1
            log["releasing"] = through
            spool.release(through)
            log["released"] = through


def run(dies_at, seed=0):
    disk = FaultDisk(dies_at, seed)
    log = {"identity": None, "sent": [], "acknowledged": {}, "releasing": 0, "released": 0}
    try:
        workload(disk, log)
    except PowerCut:
        return disk, log
    return disk, log


STEPS = run(None)[0].steps


def test_there_are_enough_kill_points():
    assert STEPS >= 50


@pytest.mark.parametrize("dies_at", range(1, STEPS + 1))
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("end", ["kill", "power cut", "kill, power cut"])
def test_killed_at_any_step_the_spool_loses_and_doubles_nothing(dies_at, seed, end):
    disk, log = run(dies_at, seed)
    after = disk.after_power_cut() if end == "power cut" else disk.after_kill()
    spool = make(after)
    if log["identity"]:
        assert spool.identity == log["identity"]
    items = spool.read(0, 1000)
    if end == "kill, power cut":  # what was shown to a reader survives a power cut right after it
        spool = make(after.after_power_cut())
        assert spool.read(0, 1000) == items
    numbers = [item.number for item in items]
    assert numbers == sorted(set(numbers))
    kept = dict(items)
    for number, content in log["acknowledged"].items():
        if number > log["releasing"]:
            assert kept[number] == content
        elif number <= log["released"]:
            assert number not in kept
    sent = {content for sent in log["sent"] for content in (sent, sent + b"!")}
    assert {item.content for item in items} <= sent
    fresh = spool.append(b"after")
    assert fresh > max([0, *numbers, *log["acknowledged"]])
    assert spool.read(fresh - 1, 1) == [(fresh, b"after")]


def test_many_random_lives_in_a_row():
    choice = random.Random(7)
    acknowledged, released = {}, 0
    disk = FaultDisk(seed=1)
    for life in range(60):
        disk.dies_at = disk.steps + choice.randint(1, 40)
        attempt = 0
        try:
            spool = make(disk, segment_bytes=200)
            for attempt in range(100):
                content = b"%d/%d" % (life, attempt)
                acknowledged[spool.append(content)] = content
                if choice.random() < 0.3:
                    through = max(acknowledged) - choice.randint(0, 5)
                    released = max(released, through)
                    spool.release(through)
        except PowerCut:
            disk = disk.after_power_cut() if choice.random() < 0.5 else disk.after_kill()
    kept = dict(make(disk).read(0, 10_000))
    for number, content in acknowledged.items():
        if number > released:
            assert kept[number] == content
