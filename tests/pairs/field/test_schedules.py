"""Single action schedules that really act, and the billing and demand values that they fix."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest

from meter_bench import DAY_S, START, make_meter
from openami.field.meter import codes
from openami.field.meter.curve import ArrayCurve, SteadyCurve
from openami.field.meter.daylight_saving import european
from openami.field.meter.electricity import ElectricityMeter
from openami.field.meter.firmware import FirmwareImage
from openami.protocols.dlms.access_result import ActionResult, DataAccessResult
from openami.protocols.dlms.cosem.demand_register import DemandRegister
from openami.protocols.dlms.cosem.extended_register import ExtendedRegister
from openami.protocols.dlms.cosem.profile_generic import ProfileGeneric
from openami.protocols.dlms.cosem.script_table import ActionItem, ScriptTable
from openami.protocols.dlms.cosem.single_action_schedule import ExecutionTimeDate, SingleActionSchedule
from openami.protocols.dlms.date_time import CosemDate, CosemDateTime, CosemTime
from openami.protocols.dlms.image_transfer import ImagePlan, transfer_image
from procedure_pair import MeterPair

HOUR_S = 3600


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def months(meter: ElectricityMeter) -> list[tuple]:
    """Stamp (UTC seconds), then the values of each monthly row."""
    rows = [meter.monthly_billing[number] for number in range(len(meter.monthly_billing))]
    return [
        (
            CosemDateTime.from_bytes(row[0].value).to_utc().timestamp(),
            *(cell.value for cell in row[1:6]),
            CosemDateTime.from_bytes(row[6].value).to_utc().timestamp(),
        )
        for row in rows
    ]


def once(moment: int) -> ExecutionTimeDate:
    day = datetime.fromtimestamp(moment, UTC)
    return ExecutionTimeDate(CosemTime(day.hour, day.minute, day.second, 0), CosemDate(day.year, day.month, day.day))


def test_each_month_ends_at_local_midnight_with_its_greatest_demand() -> None:
    hours = [random.Random(9).randrange(5000) for _ in range(24 * 365)]
    curve = ArrayCurve(START, HOUR_S, hours, label="synthetic: test")
    meter = make_meter(curve, START, time_zone=-60, daylight_saving=european(), capture_period_s=0)
    meter.advance(at("2026-05-02"))
    rows = months(meter)
    local_midnights = ["2026-01-31T23:00", "2026-02-28T23:00", "2026-03-31T22:00", "2026-04-30T22:00"]
    assert [row[0] for row in rows] == [at(text) for text in local_midnights]
    begin = START
    for stamp, total, tariff_1, tariff_2, _export, maximum_w, reached in rows:
        assert total == tariff_1 + tariff_2 == sum(hours[: (int(stamp) - START) // HOUR_S])
        month = hours[(begin - START) // HOUR_S : (int(stamp) - START) // HOUR_S]
        assert abs(maximum_w - max(month)) <= 4, "quarters of an hour whose energy is cut to whole Wh"
        first = begin + HOUR_S * month.index(max(month))
        assert first < reached <= first + HOUR_S
        begin = int(stamp)


def test_the_end_of_billing_by_script_reads_as_a_profile() -> None:
    meter = make_meter(SteadyCurve(2000))
    pair = MeterPair(meter, START + 5 * HOUR_S + 10)
    assert pair.read(ExtendedRegister.value, codes.MAXIMUM_DEMAND).value == 2000
    assert pair.invoke(ScriptTable.execute, codes.BILLING_SCRIPTS, 1)[0] == ActionResult.SUCCESS
    (row,) = pair.read(ProfileGeneric.buffer, codes.MONTHLY_BILLING)
    assert [cell.value for cell in row[1:6]] == [10_005, 0, 10_005, 0, 2000]
    assert pair.read(ExtendedRegister.value, codes.MAXIMUM_DEMAND).value == 0
    assert pair.invoke(ProfileGeneric.reset, codes.MONTHLY_BILLING)[0] == ActionResult.SUCCESS
    assert pair.read(ProfileGeneric.entries_in_use, codes.MONTHLY_BILLING) == 0


def test_a_month_that_ends_without_supply_is_closed_when_it_is_back() -> None:
    meter = make_meter()
    meter.power_fail(at("2026-01-31T12:00"))
    meter.power_restore(at("2026-02-02T08:00"))
    assert [row[0] for row in months(meter)] == [at("2026-02-02T08:00")]
    meter.advance(at("2026-03-02"))
    assert [row[0] for row in months(meter)][1:] == [at("2026-03-01")]


@pytest.mark.parametrize("jump_s", [10, 5000])
def test_setting_the_clock_over_the_end_of_a_month_does_not_lose_it(jump_s: int) -> None:
    meter = make_meter()
    meter.advance(at("2026-01-31T23:59:55"))
    meter.set_clock(at("2026-01-31T23:59:55") + jump_s, at("2026-01-31T23:59:55"))
    meter.advance(at("2026-02-01T06:00"))
    assert [row[0] for row in months(meter)] == [at("2026-01-31T23:59:55") + jump_s]


def test_a_full_profile_forgets_its_oldest_month() -> None:
    meter = make_meter(monthly_entries=3, capture_period_s=0)
    meter.advance(at("2026-12-31"))
    assert [row[0] for row in months(meter)] == [at("2026-10-01"), at("2026-11-01"), at("2026-12-01")]


def test_a_schedule_disconnects_and_another_reconnects() -> None:
    meter = make_meter(SteadyCurve(1000), control_mode=4)
    pair = MeterPair(meter)
    schedule = codes.DISCONNECT_SCHEDULE
    assert pair.write(SingleActionSchedule.execution_time, schedule, (once(START + 5000),)) == DataAccessResult.SUCCESS
    assert pair.read(SingleActionSchedule.execution_time, schedule) == (once(START + 5000),)
    meter.advance(START + 4999.5)
    assert meter.disconnector.connected
    meter.advance(START + 5000)
    assert not meter.disconnector.connected
    pair.now = START + 6000
    reconnect = ActionItem(codes.DISCONNECT_SCRIPTS, 2)
    assert pair.write(SingleActionSchedule.executed_script, schedule, reconnect) == DataAccessResult.SUCCESS
    times = (once(START + 5500), once(START + 8600))
    assert pair.write(SingleActionSchedule.execution_time, schedule, times) == DataAccessResult.SUCCESS
    meter.advance(START + 20_000)
    assert meter.disconnector.connected
    assert meter.energy.import_wh == 1000 * (20_000 - 3600) // 3600
    too_many = (once(START),) * 17
    assert pair.write(SingleActionSchedule.execution_time, schedule, too_many) == DataAccessResult.OTHER_REASON


def test_a_repeated_schedule_with_wildcards_acts_each_time() -> None:
    meter = make_meter(SteadyCurve(1000))
    pair = MeterPair(meter)
    sundays = ExecutionTimeDate(CosemTime(None, 30, 0, 0), CosemDate(None, None, None, 7))
    pair.write(SingleActionSchedule.execution_time, codes.BILLING_SCHEDULE, (sundays,))
    meter.advance(START + 14 * DAY_S)
    sunday = at("2026-01-04")
    hours = [sunday + week * 7 * DAY_S + hour * HOUR_S + 1800 for week in (0, 1) for hour in range(24)]
    assert [row[0] for row in months(meter)] == hours[-24:]


def test_an_image_is_activated_by_schedule() -> None:
    meter = make_meter(firmware_activation_s=10)
    pair = MeterPair(meter)
    image = FirmwareImage(b"OAM-3", bytes(900))
    pair.perform(transfer_image(ImagePlan(b"OAM-3", bytes(image), activate=False)))
    pair.write(SingleActionSchedule.execution_time, codes.IMAGE_SCHEDULE, (once(START + DAY_S),))
    meter.advance(START + DAY_S + 9)
    assert meter.firmware != image
    meter.advance(START + DAY_S + 10)
    assert meter.firmware == image


@pytest.mark.parametrize("periods", [1, 2, 5])
def test_demand_is_the_average_of_a_sliding_window(periods: int) -> None:
    energies = [random.Random(periods).randrange(2000) for _ in range(96)]
    curve = ArrayCurve(START, 900, energies, label="synthetic: test")
    meter = make_meter(curve, demand_periods=periods)
    greatest = 0
    for number in range(96):
        now = START + 900 * (number + 1)
        meter.advance(now)
        window = energies[max(0, number + 1 - periods) : number + 1]
        expected = sum(window) * 3600 // (900 * periods)
        greatest = max(greatest, expected)
        assert (meter.demand.last_w, meter.demand.maximum_w) == (expected, greatest)


def test_a_running_demand_and_an_early_end_of_its_period() -> None:
    meter = make_meter(SteadyCurve(3600))
    pair = MeterPair(meter, START + 1000)
    assert pair.read(DemandRegister.last_average_value, codes.DEMAND).value == 3600
    assert pair.read(DemandRegister.current_average_value, codes.DEMAND).value == 400
    assert pair.read(DemandRegister.start_time_current, codes.DEMAND) == CosemDateTime.from_utc(START + 900)
    assert pair.invoke(DemandRegister.next_period, codes.DEMAND)[0] == ActionResult.SUCCESS
    assert pair.read(DemandRegister.last_average_value, codes.DEMAND).value == 400
    assert pair.read(DemandRegister.capture_time, codes.DEMAND) == CosemDateTime.from_utc(START + 1000)
    assert pair.invoke(DemandRegister.reset, codes.DEMAND)[0] == ActionResult.SUCCESS
    assert pair.read(DemandRegister.last_average_value, codes.DEMAND).value == 0
    assert pair.read(ExtendedRegister.value, codes.MAXIMUM_DEMAND).value == 3600
    assert pair.invoke(ExtendedRegister.reset, codes.MAXIMUM_DEMAND)[0] == ActionResult.SUCCESS
    assert pair.read(ExtendedRegister.value, codes.MAXIMUM_DEMAND).value == 0
