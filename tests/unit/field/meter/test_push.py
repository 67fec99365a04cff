from __future__ import annotations

from itertools import pairwise

import pytest

from meter_bench import CLIENT_TITLE, KEYS, METER_TITLE, START, Client, make_meter
from openami.field.meter import codes
from openami.field.meter.electricity import ElectricityMeter
from openami.field.meter.push_queue import PUSHES_MAX
from openami.model.errors import DecodeError, SecurityError
from openami.model.event import EventCode
from openami.protocols.dlms.access_result import ActionResult
from openami.protocols.dlms.apdu import decode_apdu
from openami.protocols.dlms.ciphered import GeneralGloCiphering
from openami.protocols.dlms.cosem.event_push import EVENT_PUSH, EventPush
from openami.protocols.dlms.cosem.interval_push import read_interval_push
from openami.protocols.dlms.cosem.push_setup import PushSetup
from openami.protocols.dlms.counters import MemoryCounters
from openami.protocols.dlms.data import decode_data, encode_data, integer
from openami.protocols.dlms.date_time import CosemDateTime
from openami.protocols.dlms.descriptor import CosemMethodDescriptor
from openami.protocols.dlms.notification import DataNotification
from openami.protocols.dlms.profile import decode_profile
from openami.protocols.dlms.security import read_header, unprotect


def opened(apdu: bytes | None) -> tuple[DataNotification, EventPush]:
    assert apdu is not None
    sealed = decode_apdu(apdu)
    assert isinstance(sealed, GeneralGloCiphering)
    assert sealed.system_title == METER_TITLE
    notification = decode_apdu(unprotect(KEYS, METER_TITLE, sealed.content))
    assert isinstance(notification, DataNotification)
    return notification, EVENT_PUSH.from_data(decode_data(notification.notification_body))


def test_the_last_gasp_is_the_last_word() -> None:
    meter = make_meter()
    meter.power_fail(START + 100)
    notification, push = opened(meter.next_push())
    assert push == EventPush(
        codes.PUSH_ON_POWER_DOWN, b"OAM70000001", CosemDateTime.from_utc(START + 100), EventCode.LAST_GASP
    )
    assert notification.date_time == CosemDateTime.from_utc(START + 100)
    assert meter.next_push() is None
    meter.alarm(EventCode.COVER_OPENED, START + 200)
    assert meter.next_push() is None, "a meter without supply is silent"
    assert len(meter.event_log) == 2
    meter.power_restore(START + 300)
    assert opened(meter.next_push())[1].event_code == EventCode.POWER_UP


@pytest.mark.parametrize("code", [EventCode.COVER_OPENED, EventCode.MAGNETIC_FIELD, EventCode.OVER_VOLTAGE])
def test_alarms_are_logged_and_pushed(code: EventCode) -> None:
    meter = make_meter()
    meter.alarm(code, START + 5)
    assert opened(meter.next_push())[1] == EventPush(
        codes.PUSH_ON_ALARM, b"OAM70000001", CosemDateTime.from_utc(START + 5), code
    )
    assert meter.event_log.last()[1] == (code,)


def test_no_counter_is_used_twice_not_even_after_a_restart() -> None:
    counters = MemoryCounters()
    used = []
    for restart in range(3):
        meter = ElectricityMeter(make_meter().config, make_meter().curve, START, counters)
        for number in range(20):
            meter.alarm(EventCode.COVER_OPENED, START + number)
            sealed = decode_apdu(meter.next_push() or b"")
            assert isinstance(sealed, GeneralGloCiphering)
            used.append(read_header(sealed.content).invocation_counter)
        assert counters.load(f"dlms/{METER_TITLE.hex()}/sent") > used[-1], restart
    assert all(earlier < later for earlier, later in pairwise(used))


def test_any_flipped_bit_is_refused() -> None:
    meter = make_meter()
    meter.alarm(EventCode.COVER_OPENED, START)
    sealed = decode_apdu(meter.next_push() or b"")
    assert isinstance(sealed, GeneralGloCiphering)
    for place in range(len(sealed.content)):
        content = bytearray(sealed.content)
        content[place] ^= 0x10
        with pytest.raises(SecurityError):
            unprotect(KEYS, METER_TITLE, bytes(content))
    with pytest.raises(SecurityError):
        unprotect(KEYS, CLIENT_TITLE, sealed.content)


def test_waiting_pushes_are_bounded_and_the_newest_are_kept() -> None:
    meter = make_meter()
    for number in range(40):
        meter.alarm(EventCode.COVER_OPENED if number < 39 else EventCode.COVER_CLOSED, START + number)
    waiting = [opened(apdu)[1] for apdu in iter(lambda: meter.next_push() or b"", b"")]
    assert len(waiting) == 16
    assert waiting[-1].event_code == EventCode.COVER_CLOSED


def test_management_can_ask_for_a_push() -> None:
    meter = make_meter()
    method = CosemMethodDescriptor(PushSetup.push.class_id, codes.PUSH_ON_ALARM, PushSetup.push.method_id)
    result, _ = meter.action(Client(1), method, encode_data(integer(0)), START + 9)
    assert result is ActionResult.SUCCESS
    assert opened(meter.next_push())[1].event_code == 0
    assert meter.action(Client(2), method, encode_data(integer(0)), START + 9)[0] is ActionResult.READ_WRITE_DENIED


def test_every_hour_the_newest_rows_are_pushed_later_than_the_hour_and_once() -> None:
    meter = make_meter(push_rows=4, push_spread_s=600)
    meter.advance(START + 3599)
    assert meter.next_push() is None
    meter.advance(START + 3600 + 600)
    sealed = decode_apdu(meter.next_push() or b"")
    assert isinstance(sealed, GeneralGloCiphering)
    notification = decode_apdu(unprotect(KEYS, METER_TITLE, sealed.content))
    assert isinstance(notification, DataNotification)
    push = read_interval_push(notification.notification_body)
    assert push is not None
    assert push.capture_period_s == 900
    rows = decode_profile(push.buffer)
    assert rows.stamps.tolist() == [START + 900 * number for number in (1, 2, 3, 4)]
    assert rows.columns[2].values.tolist() == [250, 500, 750, 1000]
    assert rows.columns[3].values.tolist() == [25, 50, 75, 100]
    assert meter.next_push() is None
    meter.advance(START + 86_400 + 600)
    assert len([1 for _ in range(100) if meter.next_push() is not None]) == PUSHES_MAX, "unsent ones are the newest"


def test_an_interval_push_is_told_from_others_and_a_broken_one_is_refused() -> None:
    assert read_interval_push(bytes.fromhex("020209060004190900ff1200")) is None
    with pytest.raises(DecodeError, match="capture period"):
        read_interval_push(bytes.fromhex("020309060001190900ff12000f"))
