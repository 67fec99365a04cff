"""The curves that come with the package: what the files hold, and that nothing is invented."""

from __future__ import annotations

import gzip
import hashlib
from datetime import UTC, datetime
from importlib.resources import files
from itertools import pairwise

import numpy as np
import pytest

from openami.field.meter.real_curves import (
    SOURCES,
    WEEK_S,
    Origin,
    Source,
    Window,
    load,
    read_series,
    replayed,
)
from openami.model.errors import SettingError

HALF_HOUR_S = 1800
TEST = Source("test", "test.csv", HALF_HOUR_S, lambda text: datetime.fromisoformat(text).replace(tzinfo=UTC))
WINDOW = Window("test", 1_800 * 1_000_000, HALF_HOUR_S, np.array([5, 0, 3, 8], np.int64))


def second(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def raw_values(name: str) -> list[str]:
    packed = files("openami").joinpath("data", "opendsm", SOURCES[name].file).read_bytes()
    return gzip.decompress(packed).decode().splitlines()[1:]


class TestFiles:
    @pytest.mark.parametrize(
        ("name", "sha256"),
        [
            ("uk-0", "472d55b4be0edf00905544a1635698b7325aeeee7d279061f5d76b9c7245c383"),
            ("uk-1", "3a777a1e7ccb255aca7469b2e39250d11bb05b2ccfcd0bc0dd87f09465f7ab3e"),
            ("uk-2", "e2f41566a1002bcdc3024617d3eb46defd64b86a729d595123448277d7604cf8"),
        ],
    )
    def test_are_those_of_the_release(self, name, sha256):
        packed = files("openami").joinpath("data", "opendsm", SOURCES[name].file).read_bytes()
        assert hashlib.sha256(packed).hexdigest() == sha256

    @pytest.mark.parametrize(
        ("name", "intervals", "doubled", "windows", "first", "last"),
        [
            ("uk-0", 23_508, 0, 1, "2020-04-01 01:00", "2022-12-06 12:00"),
            ("uk-1", 22_521, 15, 6, "2012-10-12 00:30", "2014-01-25 06:30"),
            ("uk-2", 35_444, 24, 4, "2012-02-20 13:00", "2014-02-28 00:00"),
        ],
    )
    def test_are_as_documented(self, name, intervals, doubled, windows, first, last):
        series = load(name)
        assert len(series.energy_wh) == intervals
        assert series.doubled_rows == doubled
        assert len(list(series.windows())) == windows
        assert (series.stamps[0], series.stamps[-1]) == (second(first), second(last))

    @pytest.mark.parametrize("name", SOURCES)
    def test_are_in_whole_watt_hours_but_for_the_noise_of_float32(self, name):
        values = np.array([float(line.split(",")[1]) for line in raw_values(name)]) * 1000
        assert np.abs(values - np.rint(values)).max() < 0.000_11

    @pytest.mark.parametrize("name", SOURCES)
    def test_lose_no_energy_when_read(self, name):
        rows = {line.split(",")[0]: float(line.split(",")[1]) for line in raw_values(name)}
        assert load(name).energy_wh.sum() == round(1000 * sum(rows.values()))

    @pytest.mark.parametrize("day", ["2013-03-31", "2013-10-27"])
    @pytest.mark.parametrize("name", ["uk-1", "uk-2"])
    def test_stamps_without_a_zone_know_no_summer_time(self, name, day):
        stamps = load(name).stamps
        start = second(day)
        assert np.count_nonzero((stamps >= start) & (stamps < start + 48 * HALF_HOUR_S)) == 48

    def test_a_doubled_row_with_another_value_is_refused(self):
        lines = ["start,value", "2026-01-01 00:00:00,0.1", "2026-01-01 00:00:00,0.2"]
        with pytest.raises(SettingError, match=r"test.csv line 3: a second value for 2026-01-01 00:00:00Z"):
            read_series(TEST, lines)

    @pytest.mark.parametrize("line", ["", "2026-01-01 00:00:00", "x,1", "2026-01-01 00:00:00,x", "1,2,3"])
    def test_a_bad_row_is_named(self, line):
        with pytest.raises(SettingError, match="line 2"):
            read_series(TEST, ["start,value", line])

    def test_an_unknown_name_is_answered_with_the_known_ones(self):
        with pytest.raises(SettingError, match="there are uk-0, uk-1, uk-2"):
            load("uk-9")


class TestWindows:
    @pytest.mark.parametrize("name", SOURCES)
    def test_together_are_the_series(self, name):
        series = load(name)
        windows = list(series.windows())
        assert np.concatenate([window.energy_wh for window in windows]).tolist() == series.energy_wh.tolist()
        assert all(one.end_s < other.start_s for one, other in pairwise(windows))
        assert {window.origin for window in windows} == {Origin.REAL}

    def test_register(self):
        assert WINDOW.cumulative_wh.tolist() == [0, 5, 5, 8, 16]
        assert WINDOW.end_s == WINDOW.start_s + 4 * HALF_HOUR_S

    def test_cut(self):
        part = WINDOW.cut(WINDOW.start_s + HALF_HOUR_S, WINDOW.end_s)
        assert part.energy_wh.tolist() == [0, 3, 8]
        assert part.start_s == WINDOW.start_s + HALF_HOUR_S

    @pytest.mark.parametrize(("start", "end"), [(-1, 4), (0, 5), (3, 2), (0.5, 4)])
    def test_cut_beyond_or_between_is_refused(self, start, end):
        with pytest.raises(SettingError, match="test has no intervals from"):
            WINDOW.cut(int(WINDOW.start_s + start * HALF_HOUR_S), WINDOW.start_s + end * HALF_HOUR_S)

    def test_moved_keeps_weekday_and_time_of_day_and_says_so(self):
        moved = WINDOW.moved(676)
        assert moved.start_s == WINDOW.start_s + 676 * WEEK_S
        before, after = (datetime.fromtimestamp(each.start_s, UTC) for each in (WINDOW, moved))
        assert (before.weekday(), before.time()) == (after.weekday(), after.time())
        assert moved.label == "replayed: test, moved by +676 weeks"
        assert WINDOW.moved(0).label == "real: test"

    def test_split_keeps_every_sum_and_says_so(self):
        quarters = WINDOW.split(900)
        assert quarters.energy_wh.tolist() == [2, 3, 0, 0, 1, 2, 4, 4]
        assert quarters.energy_wh.reshape(-1, 2).sum(axis=1).tolist() == WINDOW.energy_wh.tolist()
        assert quarters.end_s == WINDOW.end_s
        assert quarters.label == "real: test, each 1800 s split evenly over 2 × 900 s"
        assert WINDOW.split(1800) is WINDOW

    @pytest.mark.parametrize("interval_s", [700, 3600])
    def test_split_into_what_does_not_divide_is_refused(self, interval_s):
        with pytest.raises(SettingError, match="cannot be split"):
            WINDOW.split(interval_s)


class TestReplay:
    @pytest.mark.parametrize("name", SOURCES)
    @pytest.mark.parametrize("weeks_back", [0, 3])
    def test_is_a_real_window_moved_by_whole_weeks(self, name, weeks_back):
        window = replayed(name, second("2026-11-23"), weeks_back=weeks_back)
        assert window.origin is Origin.REPLAYED
        assert window.label.endswith("weeks again and again")
        assert (window.end_s - window.start_s) % WEEK_S == 0
        source = load(name).longest()
        assert (window.start_s - source.start_s) % WEEK_S == 0
        assert window.energy_wh.tolist() == source.energy_wh[: len(window.energy_wh)].tolist()

    def test_meters_that_share_a_source_differ(self):
        here, there = (replayed("uk-1", second("2026-11-23"), weeks_back=weeks) for weeks in (0, 5))
        assert here.start_s - there.start_s == 5 * WEEK_S

    @pytest.mark.parametrize("name", SOURCES)
    def test_brings_the_same_season(self, name):
        window = replayed(name, second("2026-11-23"))
        source = load(name).longest()
        weeks = (window.start_s - source.start_s) // WEEK_S
        assert weeks % 52 == 0
        assert abs((window.start_s + window.end_s) / 2 - second("2026-11-23")) <= 26 * WEEK_S
