from __future__ import annotations

import asyncio
import random

import pytest

from meter_bench import KEYS, METER_TITLE, START, BenchClock, make_meter
from openami.field.meter import codes
from openami.field.meter.electricity import ElectricityMeter
from openami.field.meter.faces.push import live
from openami.field.meter.push import CONFIRMED
from openami.field.meter.push_queue import opens_at
from openami.model.errors import ConnectFailed
from openami.model.event import EventCode
from openami.protocols.dlms.access_result import DataAccessResult
from openami.protocols.dlms.apdu import decode_apdu
from openami.protocols.dlms.cosem import data as cosem_data
from openami.protocols.dlms.cosem.push_setup import CommunicationWindow, PushSetup
from openami.protocols.dlms.data import double_long_unsigned, octet_string
from openami.protocols.dlms.date_time import CosemDateTime
from openami.protocols.dlms.notification import DataNotification
from openami.protocols.dlms.security import read_header, unprotect
from procedure_pair import MeterPair

ALARM = codes.PUSH_ON_ALARM
HOUR_S = 3600
OK = DataAccessResult.SUCCESS


def set_up(meter: ElectricityMeter, *, within: int = 0, retries: int = 0, every: int = 60, windows=()) -> MeterPair:
    """A client writes how alarms are pushed."""
    pair = MeterPair(meter)
    assert pair.write(PushSetup.randomisation_start_interval, ALARM, within) == OK
    assert pair.write(PushSetup.number_of_retries, ALARM, retries) == OK
    assert pair.write(PushSetup.repetition_delay, ALARM, every) == OK
    assert pair.write(PushSetup.communication_window, ALARM, tuple(windows)) == OK
    return pair


def opened(apdu: bytes | None) -> DataNotification:
    assert apdu is not None
    notification = decode_apdu(unprotect(KEYS, METER_TITLE, decode_apdu(apdu).content))
    assert isinstance(notification, DataNotification)
    return notification


def departures(meter: ElectricityMeter, until: int, *, fail: bool = False) -> list[tuple[int, bytes]]:
    """When pushes come out, second by second from the start, and what they are."""
    seen = []
    for second in range(int(meter.now) - START, until + 1):
        meter.advance(START + second)
        while (apdu := meter.next_push()) is not None:
            seen.append((second, apdu))
            if fail:
                meter.pushes.failed(apdu, START + second)
    return seen


def window(start: tuple[int, int], end: tuple[int, int]) -> CommunicationWindow:
    times = (CosemDateTime(None, None, None, None, *time, 0, 0) for time in (start, end))
    return CommunicationWindow(*times)


def test_pushes_of_many_meters_are_spread_over_the_interval() -> None:
    times = []
    for number in range(60):
        meter = make_meter()
        meter = ElectricityMeter(meter.config, meter.curve, START, random=random.Random(number).randbytes)
        set_up(meter, within=100)
        meter.alarm(EventCode.COVER_OPENED, START)
        ((second, apdu),) = departures(meter, 101)
        assert opened(apdu).date_time == CosemDateTime.from_utc(START), "it says what was, not when it left"
        times.append(second)
    assert min(times) < 10
    assert max(times) > 90
    assert len({*times}) > 30


def test_without_randomness_of_its_own_each_meter_still_has_its_own_delays() -> None:
    def delays(title: bytes) -> list[int]:
        meter = make_meter(system_title=title)
        setup = meter.device.object(PushSetup, ALARM)
        setup.randomisation_start_interval = 50
        meter.alarm(EventCode.COVER_OPENED, START)
        meter.alarm(EventCode.COVER_CLOSED, START)
        return [second for second, _ in departures(meter, 60)]

    assert delays(METER_TITLE) == delays(METER_TITLE) != delays(b"OAM\0\0\0\0\2")


def test_a_failed_push_is_repeated_sealed_anew_as_often_as_the_setup_says() -> None:
    meter = make_meter()
    set_up(meter, retries=3, every=40)
    meter.alarm(EventCode.COVER_OPENED, START + 5)
    seen = departures(meter, 400, fail=True)
    assert [second for second, _ in seen] == [5, 45, 85, 125]
    assert len({opened(apdu) for _, apdu in seen}) == 1, "the same notification, with the same invoke-id"
    counters = [read_header(decode_apdu(apdu).content).invocation_counter for _, apdu in seen]
    assert counters == sorted({*counters}), "never the same number twice"


def test_a_delivered_push_is_not_repeated() -> None:
    meter = make_meter()
    set_up(meter, retries=3, every=40)
    meter.alarm(EventCode.COVER_OPENED, START + 5)
    apdu = meter.next_push()
    meter.pushes.delivered(apdu)
    meter.pushes.failed(apdu, START + 6)
    assert departures(meter, 400) == []


def test_a_push_that_is_to_be_confirmed_is_repeated_until_it_is() -> None:
    meter = make_meter(push_confirmation_s=20)
    set_up(meter, retries=5, every=30)
    meter.alarm(EventCode.COVER_OPENED, START)
    first = meter.next_push()
    meter.pushes.delivered(first)
    number = opened(first).long_invoke_id_and_priority
    assert number & CONFIRMED
    assert [second for second, _ in departures(meter, 99)] == [50], "20 s of waiting, 30 s of delay"
    assert not meter.pushes.confirmed(number + 1)
    assert departures(meter, 101)[0][0] == 100
    assert meter.pushes.confirmed(number)
    assert not meter.pushes.confirmed(number)
    assert departures(meter, 1000) == []


def test_pushes_wait_for_a_communication_window() -> None:
    meter = make_meter()
    set_up(meter, retries=2, every=1800, windows=(window((2, 0), (3, 0)), window((22, 30), (0, 30))))
    meter.alarm(EventCode.COVER_OPENED, START + 1200)
    apdu = meter.next_push()
    assert apdu is not None, "the night's window is open until half past midnight"
    meter.pushes.failed(apdu, START + 1200)
    seen = departures(meter, 24 * HOUR_S, fail=True)
    assert [second for second, _ in seen] == [2 * HOUR_S, 2 * HOUR_S + 1800]


def test_windows_of_one_day_open_and_close_for_ever() -> None:
    meter = make_meter()
    begin, end = (CosemDateTime.from_utc(START + hour * HOUR_S) for hour in (5, 6))
    once = (CommunicationWindow(begin, end),)
    assert opens_at(meter, once, START) == START + 5 * HOUR_S
    assert opens_at(meter, once, START + 5.5 * HOUR_S) == START + 5.5 * HOUR_S
    assert opens_at(meter, once, START + 6 * HOUR_S) == float("inf")
    assert opens_at(meter, (), START + 7) == START + 7


def test_waiting_pushes_survive_a_power_failure() -> None:
    meter = make_meter()
    set_up(meter, retries=1, every=600)
    meter.alarm(EventCode.COVER_OPENED, START)
    meter.pushes.failed(meter.next_push(), START + 1)
    meter.power_fail(START + 100)
    meter.next_push()
    assert departures(meter, 1000) == []
    meter.power_restore(START + 2000)
    pushed = [opened(apdu).date_time for _, apdu in departures(meter, 2000)]
    assert pushed == [CosemDateTime.from_utc(START), CosemDateTime.from_utc(START + 2000)]


def test_setting_the_clock_back_does_not_hold_pushes_for_long() -> None:
    meter = make_meter()
    set_up(meter, within=1000)
    meter.alarm(EventCode.COVER_OPENED, START)
    meter.set_clock(START - 50_000, START + 1)
    assert len(departures(meter, 1002)) == 1


async def test_a_living_meter_repeats_what_the_network_did_not_take() -> None:
    clock = BenchClock(START)
    meter = make_meter()
    set_up(meter, retries=2, every=5)
    meter.alarm(EventCode.COVER_OPENED, START)
    asked: list[float] = []
    done = asyncio.Event()

    async def deliver(_apdu: bytes, _client_sap: int) -> None:
        asked.append(clock.at - START)
        if len(asked) < 3:
            raise ConnectFailed("nobody is there")
        done.set()

    life = asyncio.get_running_loop().create_task(live(meter, clock, deliver))
    await asyncio.wait_for(done.wait(), 5)
    life.cancel()
    await asyncio.gather(life, return_exceptions=True)
    assert asked == [0, 5, 10]


def bits(pair: MeterPair) -> list[int]:
    names = (codes.ALARM_REGISTER, codes.ALARM_DESCRIPTOR, codes.ALARM_FILTER)
    return [pair.read(cosem_data.Data.value, code).value for code in names]


def test_alarms_are_kept_until_cleared_and_noticed() -> None:
    meter = make_meter()
    pair = MeterPair(meter)
    value = cosem_data.Data.value
    assert bits(pair) == [0, 0, 0xFFFFFFFF]
    meter.alarm(EventCode.MAGNETIC_FIELD, START)
    meter.alarm(EventCode.CLOCK_INVALID, START)
    assert bits(pair) == [0x2001, 0x2001, 0xFFFFFFFF]
    assert pair.write(value, codes.ALARM_DESCRIPTOR, double_long_unsigned(0)) == OK
    meter.alarm(EventCode.MAGNETIC_FIELD, START)
    assert bits(pair)[:2] == [0x2001, 0], "it was the case before: nothing new"
    assert pair.write(value, codes.ALARM_REGISTER, double_long_unsigned(0xFFFF0001)) == OK
    assert bits(pair)[:2] == [1, 0], "bits can be cleared, not set"
    assert meter.event_log.last()[1] == (EventCode.ALARM_REGISTER_CLEARED,)
    meter.alarm(EventCode.MAGNETIC_FIELD, START)
    assert bits(pair)[:2] == [0x2001, 0x2000]
    wrong = pair.write(value, codes.ALARM_FILTER, octet_string(b"1234"))
    assert wrong == DataAccessResult.TYPE_UNMATCHED


@pytest.mark.parametrize(
    ("wanted", "pushed"), [(0, []), (0x2000, [EventCode.COVER_OPENED]), (1 << 31, [EventCode(40 + 1)])]
)
def test_the_filter_holds_alarms_back_but_not_out_of_the_log(wanted: int, pushed: list[EventCode]) -> None:
    meter = make_meter()
    pair = MeterPair(meter)
    assert pair.write(cosem_data.Data.value, codes.ALARM_FILTER, double_long_unsigned(wanted)) == OK
    meter.alarm(EventCode.COVER_OPENED, START)
    meter.alarm(EventCode.COVER_CLOSED, START)
    seen = [opened(apdu).notification_body[-1] for apdu in iter(lambda: meter.next_push() or b"", b"")]
    assert seen == pushed
    assert [row[-1] for row in meter.event_log.records().tolist()] == [40, 41]
