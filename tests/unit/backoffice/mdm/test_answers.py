"""What metering data management answers beside the casebook: evidence, series, missing data, last stamps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from openami.backoffice.mdm.calendar import Period, edges
from openami.backoffice.mdm.consumption import watt_hours
from openami.backoffice.mdm.mdm import ACTIVE_ENERGY_IMPORT
from openami.backoffice.mdm.status import CLOCK_INVALID
from openami.backoffice.registry.registry import NotRegistered
from openami.model.errors import SettingError
from openami.model.obis import ObisCode
from openami.model.point import Channel, ChannelKind
from openami.model.quality import Quality
from openami.model.unit import Unit

DAY = timedelta(days=1)
QUARTER = timedelta(minutes=15)


@pytest.fixture
def start(house):
    return house.registry.installations(house.meter)[0].start


def test_every_value_leads_to_its_bytes(house, start):
    said = [b"\x7e\xa0first", b"\x7e\xa0second"]
    number = house.mdm.keep_evidence(house.meter, start + DAY, "dlms", said, b"\x02\x04plain", "campaign 1")
    assert house.mdm.keep_evidence(house.meter, start + DAY, "dlms", said, b"\x02\x04plain", "campaign 1") == number
    house.mdm.take_profile([house.reading(0, 50, evidence=number)])
    found = house.mdm.evidence_of(house.point, 1, start + 7 * QUARTER)
    assert found == house.mdm.evidence(number)
    assert (found.received, found.plain, found.protocol) == (tuple(said), b"\x02\x04plain", "dlms")
    assert house.mdm.evidence_of(house.point, 1, start + 60 * QUARTER) is None
    assert house.mdm.bill(house.point, start, start + DAY).closing.evidence == number


def test_evidence_of_a_meter_that_hangs_nowhere_is_kept(house, start):
    number = house.mdm.keep_evidence(house.meter, start - DAY, "dlms", [b"bench"], b"", "")
    assert house.mdm.evidence(number).received == (b"bench",)


def test_evidence_that_is_not_there(house):
    with pytest.raises(NotRegistered, match="evidence 17 is not in the store"):
        house.mdm.evidence(17)


def test_last_stamp_and_holes_tell_what_to_read_next(house, start):
    assert house.mdm.last_stamp(house.point, 1) is None
    assert house.mdm.holes(house.meter, start, start + DAY) == [(start, start + DAY)]
    house.mdm.take_profile([house.reading(0, 21), house.reading(31, 10)])
    assert house.mdm.last_stamp(house.point, 1) == start + 40 * QUARTER
    wanted = [(start + 20 * QUARTER, start + 30 * QUARTER), (start + 40 * QUARTER, start + DAY)]
    assert house.mdm.holes(house.meter, start, start + DAY) == wanted


def test_a_lost_snapshot_leaves_two_intervals_without_energy(house, start):
    house.mdm.take_profile([house.reading(0, 10), house.reading(11, 86)])
    gaps = house.mdm.missing(start, start + DAY)
    assert [(gap.start, gap.end, gap.intervals) for gap in gaps] == [(start + 9 * QUARTER, start + 11 * QUARTER, 2)]
    assert house.mdm.holes(house.meter, start, start + DAY) == [(start + 9 * QUARTER, start + 10 * QUARTER)]


def test_nothing_is_missing_where_nothing_hung(house, start):
    house.mdm.take_profile([house.reading(0, 97)])
    house.registry.remove(house.meter, start + DAY)
    assert house.mdm.missing(start - 5 * DAY, start + 5 * DAY) == []


def test_a_series_has_every_interval(house, start):
    house.mdm.take_profile([house.reading(90, 20)])
    series = house.mdm.series(house.point, 1, start, start + 2 * DAY)
    assert len(series) == 192
    assert (series.quality == Quality.MEASURED).sum() == 19
    assert series.stamps[0] == int(start.timestamp()) + 900


def test_a_period_off_the_grid_holds_whole_intervals_only(house, start):
    house.mdm.take_profile([house.reading(0, 97)])
    series = house.mdm.series(house.point, 1, start + timedelta(minutes=1), start + timedelta(minutes=59))
    assert len(series) == 2
    assert len(house.mdm.series(house.point, 1, start, start)) == 0
    assert house.mdm.consumption(house.point, start, start, Period.DAY) == []


def test_bill_of_nothing(house, start):
    bill = house.mdm.bill(house.point, start, start + DAY)
    assert (bill.opening, bill.closing, bill.register_energy_wh, bill.difference_wh) == (None, None, None, None)
    assert (bill.interval_energy_wh, bill.intervals, bill.missing) == (0, 96, 96)


def test_a_bill_opens_with_the_last_register_that_can_be_trusted_however_long_ago(house, start):
    """The meter's clock is invalid for three days: what it tells of them opens no bill."""
    house.mdm.take_profile([house.reading(1, 96)])
    doubtful = house.reading(97, 3 * 96)
    doubtful.status[:] = CLOCK_INVALID
    house.mdm.take_profile([doubtful, house.reading(97 + 3 * 96, 96)])
    bill = house.mdm.bill(house.point, start + 3 * DAY, start + 5 * DAY)
    assert (bill.opening.stamp, bill.register_energy_wh) == (start + DAY, 38_400)


def test_bill_with_one_register(house, start):
    house.mdm.take_register([house.register(10, 555)])
    bill = house.mdm.bill(house.point, start, start + DAY)
    assert (bill.opening.register_wh, bill.closing, bill.register_energy_wh) == (555, None, None)


def test_questions_about_what_is_not_there(house, start):
    other = ObisCode(1, 0, 2, 8, 0)
    assert house.mdm.consumption(house.point, start, start + DAY, Period.DAY, other) == []
    assert house.mdm.bill(house.point, start, start + DAY, other) is None
    with pytest.raises(NotRegistered, match="channel 9"):
        house.mdm.series(house.point, 9, start, start + DAY)
    with pytest.raises(ValueError, match="no time zone"):
        house.mdm.series(house.point, 1, datetime(2026, 1, 1), start)


def test_stamped_registers_have_no_intervals(house, start):
    kind = ChannelKind.STAMPED_REGISTER
    house.registry.add_channel(house.point, 2, ACTIVE_ENERGY_IMPORT, kind, Unit.WATT_HOUR, 0, 0)
    with pytest.raises(NotRegistered, match="stamped-register"):
        house.mdm.series(house.point, 2, start, start + DAY)


@pytest.mark.parametrize(
    ("scaler", "value", "wh"), [(0, 7, 7), (3, 7, 7_000), (-1, 25, 2), (-1, 35, 4), (-1, 26, 3), (-2, 149, 1)]
)
def test_scaled_registers_become_whole_watt_hours(scaler, value, wh):
    channel = Channel(1, 1, ACTIVE_ENERGY_IMPORT, ChannelKind.INTERVAL_ENERGY, Unit.WATT_HOUR, scaler, 900)
    assert watt_hours(value, channel) == wh


def test_reactive_energy_is_not_billed_as_active():
    channel = Channel(1, 1, ACTIVE_ENERGY_IMPORT, ChannelKind.INTERVAL_ENERGY, Unit.VAR_HOUR, 0, 900)
    with pytest.raises(SettingError, match="not Wh"):
        watt_hours(1, channel)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", datetime(2026, 3, 28, 23, tzinfo=UTC), 23),
        ("Europe/Berlin", datetime(2026, 10, 24, 22, tzinfo=UTC), 25),
        ("America/Santiago", datetime(2026, 9, 6, 4, tzinfo=UTC), 23),
        ("Africa/Cairo", datetime(2026, 4, 23, 22, tzinfo=UTC), 23),
    ],
)
def test_days_that_begin_or_end_at_a_change_of_clocks(zone, day, hours):
    """In Chile and Egypt clocks jump over midnight itself: the day begins at one o'clock."""
    start = int(day.timestamp())
    bounds = edges(start, start + 30 * 3_600, Period.DAY, zone, 900)
    assert bounds[1] - bounds[0] == hours * 3_600
    assert len(edges(start, int(bounds[1]), Period.HOUR, zone, 900)) == hours + 1
