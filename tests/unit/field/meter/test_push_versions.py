"""Push setups of versions 1 and 2: growing delays, confirmation asked for, parts of profiles, signatures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dlms_curves import curves
from meter_bench import CLIENT_TITLE, CONFIG, KEYS, METER_TITLE, START, make_meter
from openami.field.meter import codes
from openami.field.meter.curve import SteadyCurve
from openami.field.meter.electricity import ElectricityMeter
from openami.field.meter.push import CONFIRMED
from openami.field.meter.security_role import SecurityRole
from openami.model.event import EventCode
from openami.protocols.dlms.access_result import ActionResult, DataAccessResult
from openami.protocols.dlms.apdu import decode_apdu
from openami.protocols.dlms.cosem.data_protection import (
    KeyInfo,
    ProtectionOptions,
    ProtectionParameters,
    ProtectionType,
)
from openami.protocols.dlms.cosem.push_setup import (
    PushObject1,
    PushObject2,
    PushOperationMethod,
    PushSetup,
    PushSetup1,
    PushSetup2,
    RepetitionDelay,
    Restriction,
    RestrictionType,
)
from openami.protocols.dlms.counters import ReceiveWindow, SendCounter
from openami.protocols.dlms.data import Data, DataType, decode_data, double_long_unsigned, structure
from openami.protocols.dlms.date_time import CosemDateTime
from openami.protocols.dlms.notification import DataNotification
from openami.protocols.dlms.secure_channel import SecureChannel
from openami.protocols.dlms.security import SecuritySuite, unprotect
from procedure_pair import MeterPair

ALARM = codes.PUSH_ON_ALARM
OK = DataAccessResult.SUCCESS
NOTHING = Restriction(RestrictionType.NONE, Data(DataType.NULL_DATA, None))
EXTRA = ProtectionOptions(b"", b"", b"", b"", KeyInfo(0, Data(DataType.NULL_DATA, None)))
SIGNED = ProtectionParameters(ProtectionType.DIGITAL_SIGNATURE, EXTRA)
SEALED = ProtectionParameters(ProtectionType.AUTHENTICATION_AND_ENCRYPTION, EXTRA)


def opened(apdu: bytes | None) -> DataNotification:
    assert apdu is not None
    notification = decode_apdu(unprotect(KEYS, METER_TITLE, decode_apdu(apdu).content))
    assert isinstance(notification, DataNotification)
    return notification


def departures(meter: ElectricityMeter, until: int) -> list[int]:
    """When pushes come out; the network takes none of them."""
    seen = []
    for second in range(int(meter.now) - START, until + 1):
        meter.advance(START + second)
        while (apdu := meter.next_push()) is not None:
            seen.append(second)
            meter.pushes.failed(apdu, START + second)
    return seen


@pytest.mark.parametrize("version", [0, 1, 2])
def test_every_version_pushes_the_same(version: int) -> None:
    meter = make_meter(push_setup_version=version)
    setup = meter.device.object(PushSetup, ALARM)
    assert (setup.class_id, setup.version) == (40, version)
    meter.alarm(EventCode.COVER_OPENED, START)
    body = decode_data(opened(meter.next_push()).notification_body).value
    assert body[0].value == bytes(ALARM)
    assert body[-1].value == EventCode.COVER_OPENED
    elements = [one for one in meter.device.object_list(1) if one.logical_name == ALARM]
    assert [one.version for one in elements] == [version]


def test_delays_grow_by_the_exponent_and_stay_below_the_greatest() -> None:
    meter = make_meter(push_setup_version=2)
    pair = MeterPair(meter)
    assert pair.write(PushSetup2.number_of_retries, ALARM, 5) == OK
    assert pair.write(PushSetup2.repetition_delay, ALARM, RepetitionDelay(10, 200, 50)) == OK
    meter.alarm(EventCode.COVER_OPENED, START)
    assert departures(meter, 400) == [0, 10, 30, 70, 120, 170]


def test_a_setup_that_asks_for_confirmation_repeats_until_there_is_one_and_remembers_it() -> None:
    meter = make_meter(push_setup_version=2)
    pair = MeterPair(meter)
    confirmed = PushOperationMethod.CONFIRMED_RETRY_ON_MISSING_CONFIRMATION
    assert pair.write(PushSetup2.push_operation_method, ALARM, confirmed) == OK
    assert pair.write(PushSetup2.number_of_retries, ALARM, 9) == OK
    assert pair.write(PushSetup2.repetition_delay, ALARM, RepetitionDelay(10, 100, 10)) == OK
    assert pair.read(PushSetup2.last_confirmation_date_time, ALARM).year is None
    meter.alarm(EventCode.COVER_OPENED, START)
    number = opened(meter.next_push()).long_invoke_id_and_priority
    assert number & CONFIRMED
    meter.advance(START + 40)
    assert opened(meter.next_push()).long_invoke_id_and_priority == number, "30 s of waiting, 10 s of delay"
    assert meter.pushes.confirmed(number)
    assert departures(meter, 300) == []
    assert pair.read(PushSetup2.last_confirmation_date_time, ALARM) == CosemDateTime.from_utc(START + 40)


@pytest.mark.parametrize("version", [1, 2])
def test_a_push_goes_to_the_client_that_was_written(version: int) -> None:
    role = SecurityRole(keys=replace(KEYS, authentication_key=bytes(16)))
    meter = make_meter(push_setup_version=version, roles={4: role})
    pair = MeterPair(meter)
    client, port = PushSetup1.push_client_sap, PushSetup1.port_reference
    meter.alarm(EventCode.COVER_OPENED, START)
    first = meter.next_push() or b""
    assert meter.pushes.addressed(first)[0] == pair.read(client, ALARM) == 103
    for refused in (0, -1, 4):
        assert pair.write(client, ALARM, refused) == DataAccessResult.OTHER_REASON, "no client, or one with own keys"
    assert pair.write(client, ALARM, 17) == OK
    assert meter.pushes.addressed(first)[0] == pair.read(client, ALARM) == 17
    assert pair.read(client, codes.PUSH_ON_POWER_DOWN) == 103, "each set-up has its own"
    assert pair.write(port, ALARM, codes.CLOCK) == DataAccessResult.OTHER_REASON
    assert pair.write(port, ALARM, pair.read(port, ALARM)) == OK


def test_reset_gives_up_what_is_not_confirmed() -> None:
    meter = make_meter(push_setup_version=2, push_confirmation_s=20)
    pair = MeterPair(meter)
    assert pair.write(PushSetup2.number_of_retries, ALARM, 9) == OK
    assert pair.write(PushSetup2.repetition_delay, ALARM, RepetitionDelay(10, 100, 10)) == OK
    meter.alarm(EventCode.COVER_OPENED, START)
    meter.pushes.failed(meter.next_push() or b"", START)
    assert pair.invoke(PushSetup2.reset, ALARM)[0] == ActionResult.SUCCESS
    assert departures(meter, 200) == []


def profile(columns: tuple = (), **restriction: Any) -> PushObject2:
    chosen = Restriction(**restriction) if restriction else NOTHING
    return PushObject2(7, codes.LOAD_PROFILE, 2, 0, chosen, columns)


@pytest.mark.parametrize(
    ("wanted", "rows", "columns"),
    [
        (profile(), 8, 4),
        (profile(codes.LOAD_PROFILE_COLUMNS[2:]), 8, 2),
        (
            profile(
                restriction_type=RestrictionType.BY_ENTRY,
                restriction_value=structure(double_long_unsigned(2), double_long_unsigned(4)),
            ),
            3,
            4,
        ),
        (
            profile(
                codes.LOAD_PROFILE_COLUMNS[2:3],
                restriction_type=RestrictionType.BY_DATE,
                restriction_value=structure(
                    *(Data(DataType.OCTET_STRING, bytes(CosemDateTime.from_utc(START + at))) for at in (0, 3600))
                ),
            ),
            5,
            1,
        ),
        (replace(profile(), data_index=2), 2, 4),
    ],
)
def test_a_part_of_a_profile_is_pushed(wanted: PushObject2, rows: int, columns: int) -> None:
    meter = make_meter(push_setup_version=2)
    meter.advance(START + 7 * 900)
    pair = MeterPair(meter, START + 7 * 900)
    assert pair.write(PushSetup2.push_object_list, ALARM, (wanted,)) == OK
    assert pair.invoke(PushSetup2.push, ALARM)[0] == ActionResult.SUCCESS
    (buffer,) = decode_data(opened(meter.next_push()).notification_body).value
    assert [len(row.value) for row in buffer.value] == [columns] * rows


@pytest.mark.parametrize(
    "wanted",
    [
        replace(profile(), logical_name=codes.own_setup(99)),
        replace(profile(), attribute_index=77),
        profile(restriction_type=RestrictionType.BY_DATE, restriction_value=Data(DataType.NULL_DATA, None)),
        profile((codes.LOAD_PROFILE_COLUMNS[0], codes.LOAD_PROFILE_COLUMNS[2])),
        profile(codes.DAILY_BILLING_COLUMNS[2:3]),
    ],
)
def test_what_cannot_be_pushed_is_not_taken(wanted: PushObject2) -> None:
    meter = make_meter(push_setup_version=2)
    pair = MeterPair(meter)
    before = pair.read(PushSetup2.push_object_list, ALARM)
    assert pair.write(PushSetup2.push_object_list, ALARM, (wanted,)) != OK
    assert pair.read(PushSetup2.push_object_list, ALARM) == before


def test_a_profile_that_outgrew_one_apdu_is_not_pushed_and_breaks_nothing() -> None:
    meter = make_meter(push_setup_version=1)
    pair = MeterPair(meter)
    whole = PushObject1(7, codes.LOAD_PROFILE, 2, 0, NOTHING)
    assert pair.write(PushSetup1.push_object_list, ALARM, (whole,)) == OK
    meter.alarm(EventCode.COVER_OPENED, START)
    assert meter.next_push() is not None
    meter.alarm(EventCode.COVER_OPENED, START + 40 * 86_400)
    assert meter.next_push() is None


def test_a_push_is_signed_if_its_protection_parameters_say_so() -> None:
    keys = replace(KEYS, suite=SecuritySuite.SUITE_1)
    client, server = curves()
    config = replace(CONFIG, keys=keys, asymmetric=server, client_system_title=CLIENT_TITLE, push_setup_version=1)
    meter = ElectricityMeter(config, SteadyCurve(1), START)
    pair = MeterPair(meter, keys=keys)
    parameters = PushSetup1.push_protection_parameters
    for refused in ((SIGNED,), (SEALED, SIGNED), (ProtectionParameters(ProtectionType.AUTHENTICATION, EXTRA),)):
        assert pair.write(parameters, ALARM, refused) == DataAccessResult.OTHER_REASON
    assert pair.write(parameters, ALARM, (SIGNED, SEALED)) == OK
    meter.alarm(EventCode.COVER_OPENED, START)
    apdu = meter.next_push()
    assert apdu is not None
    channel = SecureChannel(
        keys, CLIENT_TITLE, METER_TITLE, SendCounter("x"), ReceiveWindow(), control=0x30, required=0x30,
        asymmetric=client, signature_required=True,
    )  # fmt: skip
    assert isinstance(decode_apdu(channel.open(decode_apdu(apdu))), DataNotification)
    plain = make_meter(push_setup_version=1)
    assert MeterPair(plain).write(parameters, ALARM, (SIGNED, SEALED)) == DataAccessResult.OTHER_REASON
