"""What a chart shows of real stored readings: days of 92, 96 and 100 intervals, holes, what is not read yet."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from openami.backoffice.mdm.mdm import Mdm
from openami.backoffice.registry.registry import Registry
from openami.model.obis import ObisCode
from openami.model.point import ChannelKind
from openami.model.quality import GuaranteeClass
from openami.model.reading import ProfileReading
from openami.model.unit import Unit
from openami.portal.calendar import View, Window
from openami.portal.chart import State
from openami.portal.ownership import Sight, whole
from openami.portal.picture import Flow, interval_channel, picture
from stores import in_memory

IMPORT = ObisCode(1, 0, 1, 8, 0)
BERLIN = ZoneInfo("Europe/Berlin")
START = int(datetime(2024, 3, 1, tzinfo=UTC).timestamp())
END = int(datetime(2024, 11, 5, 10, tzinfo=UTC).timestamp())
HOLE = datetime(2024, 6, 12, 8, tzinfo=UTC), datetime(2024, 6, 12, 9, tzinfo=UTC)
PER_INTERVAL_WH = 25


@pytest.fixture(scope="module")
def rooms():
    store = in_memory()
    registry = Registry(store)
    point = registry.add_point("P1", "1 Alder Row", "Europe/Berlin")
    registry.add_channel(point.id, 1, IMPORT, ChannelKind.INTERVAL_ENERGY, Unit.WATT_HOUR, 0, 900)
    meter = registry.add_meter("M1", b"OAM\x00\x00\x00\x00\x01", GuaranteeClass.SHARED_KEYS, None)
    registry.install(meter.id, point.id, datetime(2024, 1, 1, tzinfo=UTC))
    stamps = np.arange(START, END + 1, 900, dtype=np.int64)
    registers = PER_INTERVAL_WH * (stamps - START) // 900
    known = (stamps <= HOLE[0].timestamp()) | (stamps >= HOLE[1].timestamp())
    status = np.zeros(int(known.sum()), np.uint8)
    mdm = Mdm(store, registry)
    mdm.take_profile([ProfileReading(meter.id, IMPORT, 900, stamps[known], registers[known], status, HOLE[1], 7)])
    return registry, mdm, point


def shown(rooms, view, day, sight=None, now=END + 3600):
    registry, mdm, point = rooms
    window = Window.holding(view, day, BERLIN)
    channel = interval_channel(registry.channels(point.id), Flow.IMPORT)

    def link(view, start, end):
        return f"/{view}/{int(start.timestamp())}/{int(end.timestamp())}"

    return picture(mdm, sight or whole(point), channel, window, Flow.IMPORT, now, link)


@pytest.mark.parametrize(
    ("day", "intervals"), [(date(2024, 3, 31), 92), (date(2024, 7, 1), 96), (date(2024, 10, 27), 100)]
)
def test_a_day_has_as_many_bars_as_it_has_intervals(rooms, day, intervals):
    seen = shown(rooms, View.DAY, day)
    assert len(seen.chart.bars) == len(seen.entries) == intervals
    assert seen.known.intervals == intervals
    assert seen.known.energy_wh == intervals * PER_INTERVAL_WH
    assert {entry.state for entry in seen.entries} == {State.MEASURED}


def test_the_hour_that_comes_twice_is_told_apart(rooms):
    names = [entry.when for entry in shown(rooms, View.DAY, date(2024, 10, 27)).entries]
    assert len(set(names)) == 100
    assert "02:00–02:15 CEST" in names
    assert "02:00–02:15 CET" in names


def test_a_hole_is_missing_and_has_no_value(rooms):
    seen = shown(rooms, View.DAY, date(2024, 6, 12))
    missing = [entry for entry in seen.entries if entry.state is State.MISSING]
    assert [entry.when for entry in missing] == ["10:00–10:15", "10:15–10:30", "10:30–10:45", "10:45–11:00"]
    assert all(entry.energy_wh is None and entry.link is None for entry in missing)
    assert seen.known.missing == 4
    assert seen.known.energy_wh == 92 * PER_INTERVAL_WH


def test_a_day_with_a_hole_is_incomplete_in_its_month(rooms):
    seen = shown(rooms, View.MONTH, date(2024, 6, 1))
    assert len(seen.entries) == 30
    assert [entry.when for entry in seen.entries if entry.state is State.PARTIAL] == ["Wednesday, 12 June"]


def test_what_comes_after_the_last_reading_is_not_called_missing(rooms):
    seen = shown(rooms, View.DAY, date(2024, 11, 5))
    states = [entry.state for entry in seen.entries]
    assert states == [State.MEASURED] * 44 + [State.PENDING] * 4
    assert len(seen.chart.bars) == 96
    assert seen.known.missing == 0


def test_a_month_that_has_begun_says_so(rooms):
    last = shown(rooms, View.MONTH, date(2024, 11, 1)).entries[-1]
    assert last.when == "Tuesday, 5 November, so far"
    assert last.energy_wh == 44 * PER_INTERVAL_WH


def test_a_year_has_months_that_lead_to_days(rooms):
    seen = shown(rooms, View.YEAR, date(2024, 1, 1))
    march = next(entry for entry in seen.entries if entry.when.startswith("March"))
    assert march.link == f"/year/{int(march.start.timestamp())}/{int(march.end.timestamp())}"
    assert seen.known.energy_wh == (END - START) // 900 * PER_INTERVAL_WH - 4 * PER_INTERVAL_WH


def test_a_limited_sight_hides_what_lies_outside(rooms):
    moved = datetime(2024, 7, 10, 10, tzinfo=UTC)
    own = Sight(rooms[2], ((moved, datetime(9999, 1, 1, tzinfo=UTC)),))
    day = shown(rooms, View.DAY, date(2024, 7, 10), own)
    assert day.entries[0].when == "12:00–12:15"
    assert day.known.intervals == 48
    month = shown(rooms, View.MONTH, date(2024, 7, 1), own)
    assert month.entries[0].energy_wh == 48 * PER_INTERVAL_WH
    assert len(month.chart.bars) == 31
    assert len(month.entries) == 22


def test_a_point_without_readings_is_empty_and_not_zero(rooms):
    registry, mdm, _ = rooms
    point = registry.add_point("P2", "2 Alder Row", "Europe/Berlin")
    window = Window.holding(View.DAY, date(2024, 6, 1), BERLIN)
    seen = picture(mdm, whole(point), None, window, Flow.IMPORT, END, lambda *_: "")
    assert seen.is_empty
    assert {entry.state for entry in seen.entries} == {State.PENDING}
