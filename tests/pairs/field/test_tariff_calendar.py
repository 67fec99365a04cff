"""A calendar that our client writes really switches our meter's tariffs, on days with summer time too."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from meter_bench import DAY_S, START, make_meter
from openami.field.meter import codes
from openami.field.meter.curve import SteadyCurve
from openami.field.meter.daylight_saving import british, european
from openami.field.meter.electricity import ElectricityMeter
from openami.model.event import EventCode
from openami.protocols.dlms.access_result import ActionResult, DataAccessResult
from openami.protocols.dlms.cosem.activity_calendar import (
    ActivityCalendar,
    DayProfile,
    DayProfileAction,
    Season,
    WeekProfile,
)
from openami.protocols.dlms.cosem.register_activation import RegisterActivation, RegisterActivationMask
from openami.protocols.dlms.cosem.script_table import ScriptTable
from openami.protocols.dlms.cosem.special_days_table import SpecialDayEntry, SpecialDaysTable
from openami.protocols.dlms.date_time import CosemDate, CosemDateTime, CosemTime
from procedure_pair import MeterPair

LONDON = ZoneInfo("Europe/London")
CALENDAR = codes.ACTIVITY_CALENDAR
HOUR_S = 3600


def starts(month: int, day: int) -> CosemDateTime:
    return CosemDateTime(None, month, day, None, 0, 0, 0, 0)


def day_profile(day_id: int, *times: tuple[int, int, int]) -> DayProfile:
    actions = (DayProfileAction(CosemTime(h, m, 0, 0), codes.TARIFF_SCRIPTS, tariff) for h, m, tariff in times)
    return DayProfile(day_id, tuple(actions))


SEASONS = (Season(b"S", starts(4, 1), b"s"), Season(b"W", starts(10, 1), b"w"))
WEEKS = (WeekProfile(b"s", 1, 1, 1, 1, 1, 2, 2), WeekProfile(b"w", 3, 3, 3, 3, 3, 3, 2))
DAYS = (
    day_profile(1, (7, 30, 1), (21, 0, 2)),
    day_profile(2, (0, 0, 2)),
    day_profile(3, (6, 0, 1), (1, 15, 2), (22, 45, 2)),
)
HOLIDAYS = (SpecialDayEntry(1, CosemDate(None, 12, 25), 2), SpecialDayEntry(2, CosemDate(2026, 3, 10), 2))


def write_passive(pair: MeterPair) -> None:
    for attribute, value in (
        (ActivityCalendar.calendar_name_passive, b"2026"),
        (ActivityCalendar.season_profile_passive, SEASONS),
        (ActivityCalendar.week_profile_table_passive, WEEKS),
        (ActivityCalendar.day_profile_table_passive, DAYS),
    ):
        assert pair.write(attribute, CALENDAR, value) == DataAccessResult.SUCCESS
    assert pair.write(SpecialDaysTable.entries, codes.SPECIAL_DAYS, HOLIDAYS) == DataAccessResult.SUCCESS


def expected_tariff(second: int) -> int:
    """What the calendar above says of an instant, worked out a second time: by zoneinfo and by hand."""
    local = datetime.fromtimestamp(second, LONDON)
    minute = local.hour * 60 + local.minute
    day = local.date()
    if (day.month, day.day) == (12, 25) or day == date(2026, 3, 10):
        return 2
    summer = 4 <= day.month < 10
    if summer and day.weekday() < 5:
        if minute < 7 * 60 + 30:
            return 2  # every evening before ends in tariff 2
        return 1 if minute < 21 * 60 else 2
    if summer or day.weekday() == 6:
        return 2
    if minute < 75:
        return 2
    return 1 if 6 * 60 <= minute < 22 * 60 + 45 else 2


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("start", "days"),
    [("2026-03-26", 5), ("2026-10-22", 5), ("2026-09-29", 4), ("2026-12-23", 4), ("2026-03-09", 3), ("2026-06-05", 5)],
)
def test_every_quarter_hour_counts_in_the_tariff_that_the_calendar_says(start: str, days: int) -> None:
    begin = at(start)
    meter = make_meter(SteadyCurve(4000), begin - 2 * DAY_S, daylight_saving=british())
    pair = MeterPair(meter, begin - DAY_S)
    write_passive(pair)
    activated = CosemDateTime.from_utc(begin - DAY_S + 100)
    assert pair.write(ActivityCalendar.activate_passive_calendar_time, CALENDAR, activated) == DataAccessResult.SUCCESS
    meter.advance(begin)
    before = list(meter.energy.tariff_wh)
    for second in range(begin, begin + days * DAY_S, 900):
        meter.advance(second + 900)
        tariff = expected_tariff(second)
        grown = [after - was for after, was in zip(meter.energy.tariff_wh, before, strict=True)]
        assert grown == [1000 * (tariff == 1), 1000 * (tariff == 2)], datetime.fromtimestamp(second, LONDON)
        before = list(meter.energy.tariff_wh)
    assert meter.energy.import_wh == sum(meter.energy.tariff_wh)


def test_the_passive_calendar_takes_over_to_the_second() -> None:
    meter = make_meter(SteadyCurve(3600), tariff_2_hours=())
    pair = MeterPair(meter)
    write_passive(pair)
    assert pair.read(ActivityCalendar.calendar_name_active, CALENDAR) == b"factory"
    moment = START + 5 * HOUR_S + 7
    pair.write(ActivityCalendar.activate_passive_calendar_time, CALENDAR, CosemDateTime.from_utc(moment))
    meter.advance(moment - 1)
    assert meter.tariff == 1
    meter.advance(START + 6 * HOUR_S)
    assert meter.energy.tariff_wh[1] == HOUR_S - 7, "tariff 2 from the second of activation, until six o'clock"
    pair.now = START + 7 * HOUR_S
    assert pair.read(ActivityCalendar.calendar_name_active, CALENDAR) == b"2026"
    assert pair.read(ActivityCalendar.day_profile_table_active, CALENDAR) == DAYS
    assert meter.event_log.last()[1] == (EventCode.CALENDAR_ACTIVATED,)


def test_a_calendar_is_activated_at_once_by_the_method_and_never_by_an_unspecified_time() -> None:
    meter = make_meter(SteadyCurve(1000), tariff_2_hours=())
    pair = MeterPair(meter)
    write_passive(pair)
    never = CosemDateTime(None, None, None)
    assert pair.write(ActivityCalendar.activate_passive_calendar_time, CALENDAR, never) == DataAccessResult.SUCCESS
    meter.advance(START + 3 * DAY_S)
    assert meter.calendar.active.name == b"factory"
    pair.now = START + 3 * DAY_S
    assert pair.invoke(ActivityCalendar.activate_passive_calendar, CALENDAR)[0] == ActionResult.SUCCESS
    assert meter.calendar.active.name == b"2026"
    assert meter.tariff == 2, "winter Sunday, midnight"


def test_an_active_calendar_cannot_be_written() -> None:
    pair = MeterPair(make_meter())
    denied = pair.write(ActivityCalendar.calendar_name_active, CALENDAR, b"mine")
    assert denied == DataAccessResult.READ_WRITE_DENIED


def test_special_days_come_and_go_one_by_one() -> None:
    meter = make_meter(tariff_2_hours=())
    pair = MeterPair(meter)
    write_passive(pair)
    pair.invoke(ActivityCalendar.activate_passive_calendar, CALENDAR)
    pair.now = START + 12 * HOUR_S
    meter.advance(pair.now)
    assert meter.tariff == 1
    today = SpecialDayEntry(9, CosemDate(2026, 1, 1), 2)
    assert pair.invoke(SpecialDaysTable.insert, codes.SPECIAL_DAYS, today)[0] == ActionResult.SUCCESS
    assert meter.tariff == 2, "the day's profile holds from the moment that it is inserted"
    assert pair.invoke(SpecialDaysTable.insert, codes.SPECIAL_DAYS, replace(today, day_id=3))[0] == 0
    assert meter.tariff == 1
    assert pair.invoke(SpecialDaysTable.delete, codes.SPECIAL_DAYS, 9)[0] == ActionResult.SUCCESS
    assert pair.invoke(SpecialDaysTable.delete, codes.SPECIAL_DAYS, 9)[0] == ActionResult.OTHER_REASON
    assert pair.read(SpecialDaysTable.entries, codes.SPECIAL_DAYS) == HOLIDAYS


def tariffs_over_a_night(meter: ElectricityMeter) -> list[int]:
    seen = []
    for second in range(START + 20 * HOUR_S, START + 32 * HOUR_S, HOUR_S):
        meter.advance(second + 1)
        seen.append(meter.tariff)
    return seen


def test_a_meter_without_supply_finds_its_tariff_again() -> None:
    meter = make_meter()
    meter.power_fail(START + 21 * HOUR_S)
    meter.power_restore(START + 23 * HOUR_S)
    assert meter.tariff == 2
    meter.power_fail(START + 29 * HOUR_S)
    meter.power_restore(START + 31 * HOUR_S)
    assert meter.tariff == 1


def test_setting_the_clock_enters_the_tariff_of_the_new_time() -> None:
    meter = make_meter(time_zone=-60, daylight_saving=european())
    meter.set_clock(START + 12 * HOUR_S, START)
    assert meter.tariff == 1
    meter.set_clock(START + 22 * HOUR_S, START + 1)
    assert meter.tariff == 2


def test_scripts_and_masks_switch_too_and_total_goes_on() -> None:
    meter = make_meter(SteadyCurve(1000), tariff_2_hours=())
    pair = MeterPair(meter)
    activation = codes.REGISTER_ACTIVATION
    assert pair.invoke(ScriptTable.execute, codes.TARIFF_SCRIPTS, 2)[0] == ActionResult.SUCCESS
    assert pair.read(RegisterActivation.active_mask, activation) == b"\x02"
    assert pair.invoke(ScriptTable.execute, codes.TARIFF_SCRIPTS, 3)[0] == ActionResult.OTHER_REASON
    both, none = RegisterActivationMask(b"both", (1, 2)), RegisterActivationMask(b"none", ())
    for mask in (both, none):
        assert pair.invoke(RegisterActivation.add_mask, activation, mask)[0] == ActionResult.SUCCESS
    strange = RegisterActivationMask(b"strange", (3,))
    assert pair.invoke(RegisterActivation.add_mask, activation, strange)[0] == ActionResult.OTHER_REASON
    pair.now = START + HOUR_S
    assert pair.write(RegisterActivation.active_mask, activation, b"both") == DataAccessResult.SUCCESS
    assert pair.invoke(RegisterActivation.delete_mask, activation, b"both")[0] == ActionResult.OTHER_REASON
    pair.now += HOUR_S
    assert pair.write(RegisterActivation.active_mask, activation, b"none") == DataAccessResult.SUCCESS
    assert pair.write(RegisterActivation.active_mask, activation, b"gone") == DataAccessResult.OTHER_REASON
    meter.advance(START + 3 * HOUR_S)
    assert meter.energy.tariff_wh == [1000, 2000]
    assert meter.energy.import_wh == 3000
    assert pair.invoke(RegisterActivation.delete_mask, activation, b"both")[0] == ActionResult.SUCCESS
    assert timedelta(seconds=meter.now - START) == timedelta(hours=3)
