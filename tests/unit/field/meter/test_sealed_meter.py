"""Sealed commands in the meter: own limits, delay, answers, and the refusal of everything critical without seals."""

from __future__ import annotations

from dataclasses import replace

import pytest

import seal_keys as keys
from meter_bench import Client
from openami.field.meter import codes
from openami.field.meter.access import MANAGEMENT, PUBLIC
from openami.field.meter.sealed_commands import Stage
from openami.field.meter.sealed_meter import SealedMeter
from openami.field.meter.security_record import MemoryRecords
from openami.field.meter.switching_limits import DELAY_MAX_S, DWELL_S, SwitchingLimits
from openami.model.errors import SettingError
from openami.model.event import EventCode
from openami.protocols.dlms.access_result import ActionResult, DataAccessResult
from openami.protocols.dlms.cosem.disconnect_control import ControlMode, ControlState, Transition
from openami.protocols.dlms.data import double_long_unsigned, encode_data, enum, integer, long, octet_string, unsigned
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor, CosemMethodDescriptor
from openami.protocols.seal.objects import SEALED_COMMAND
from openami.protocols.seal.verbs import CLOSED_LIST, CriticalVerb
from sealed_bench import START, challenge, make_sealed, order, report, submit

SUCCESS, DENIED, LATER = (
    DataAccessResult.SUCCESS,
    DataAccessResult.READ_WRITE_DENIED,
    DataAccessResult.TEMPORARY_FAILURE,
)
HOUR_S = 3600


def state(meter):
    return meter.meter.disconnector.state


def test_a_disconnect_is_scheduled_delayed_done_and_reported():
    meter = make_sealed()
    assert submit(meter, order(1, START), START) is SUCCESS
    counter, verb, stage, at, contact = report(meter, START)
    assert (counter, verb, stage, contact) == (1, CriticalVerb.DISCONNECT, Stage.SCHEDULED, ControlState.CONNECTED)
    assert 0 < at - START <= DELAY_MAX_S
    meter.meter.advance(at - 1)
    assert state(meter) is ControlState.CONNECTED
    meter.meter.advance(at + 1)
    assert state(meter) is ControlState.DISCONNECTED
    assert report(meter, at + 1)[2:] == (Stage.DONE, at, ControlState.DISCONNECTED)
    assert meter.meter.last_event == EventCode.DISCONNECTED_REMOTELY
    assert meter.meter.next_push() is not None


def test_a_reconnect_only_arms():
    meter = make_sealed()
    submit(meter, order(1, START), START)
    later = START + HOUR_S
    submit(meter, order(2, later, apdu=keys.RECONNECT), later)
    meter.meter.advance(later + HOUR_S)
    assert state(meter) is ControlState.READY_FOR_RECONNECTION
    assert meter.meter.switch(Transition.MANUAL_RECONNECT, later + HOUR_S)
    assert state(meter) is ControlState.CONNECTED


def test_an_emergency_knows_no_delay():
    meter = make_sealed()
    assert submit(meter, order(1, START, emergency=True), START) is SUCCESS
    meter.meter.advance(START + 1)
    assert state(meter) is ControlState.DISCONNECTED


def test_delays_are_spread_and_differ():
    delays = set()
    meter = make_sealed()
    for number in range(20):
        now = START + number * 2 * 86_400
        assert submit(meter, order(number + 1, now), now) is SUCCESS
        delays.add(report(meter, now)[3] - now)
        meter.meter.advance(now + HOUR_S)
    assert len(delays) > 15
    assert max(delays) <= DELAY_MAX_S


def test_execution_at_a_planned_time():
    meter = make_sealed()
    planned = START + 1800
    submit(meter, order(1, START, execute_at=planned, emergency=True), START)
    meter.meter.advance(planned - 1)
    assert state(meter) is ControlState.CONNECTED
    meter.meter.advance(planned + 1)
    assert state(meter) is ControlState.DISCONNECTED


def test_dwell_and_switchings_per_day():
    meter = make_sealed()
    now = START
    for number, apdu in enumerate((keys.DISCONNECT, keys.RECONNECT) * 2):
        assert submit(meter, order(number * 2 + 1, now, apdu=apdu, emergency=True), now) is SUCCESS
        assert submit(meter, order(number * 2 + 2, now + 600, apdu=apdu, emergency=True), now + 600) is LATER
        assert report(meter, now + 600)[2] == Stage.LIMITED
        now += DWELL_S
    assert submit(meter, order(100, now, emergency=True), now) is LATER
    tomorrow = START + 86_400 + DWELL_S * 3
    assert submit(meter, order(101, tomorrow, emergency=True), tomorrow) is SUCCESS


def test_a_power_cut_gives_no_other_four_switchings():
    records = MemoryRecords()
    limits = SwitchingLimits(records)
    for number in range(4):
        limits.plan(1000.0 + number * DWELL_S)
    again = SwitchingLimits(records)
    assert not again.allow(1000.0 + 4 * DWELL_S)
    assert not again.allow(1000.0 + 3 * DWELL_S + 1)
    assert again.allow(1000.0 + 86_400 + 3 * DWELL_S)


def test_limits_see_the_future_too():
    limits = SwitchingLimits(MemoryRecords())
    limits.plan(1000)
    assert not limits.allow(1000 - DWELL_S + 1)
    assert limits.allow(1000 - DWELL_S)


def test_a_clock_command_moves_no_dwell_and_no_delay():
    meter = make_sealed()
    submit(meter, order(1, START), START)
    at = report(meter, START)[3]
    meter.meter.set_clock(START + 86_400, START + 1)
    meter.meter.advance(at - 1)
    assert state(meter) is ControlState.CONNECTED
    meter.meter.advance(at + 1)
    assert state(meter) is ControlState.DISCONNECTED


def test_nothing_is_kept_of_what_is_refused():
    meter = make_sealed()
    good = order(5, START)
    before = dict(meter.meter.counters.values)
    for bit in range(0, len(good) * 8, 40):
        bad = bytearray(good)
        bad[bit // 8] ^= 1 << bit % 8
        assert submit(meter, bytes(bad), START) is DENIED
    assert meter.meter.counters.values == before
    assert submit(meter, good, START) is SUCCESS
    assert submit(meter, good, START) is DENIED


def test_the_public_client_and_other_types_are_refused():
    meter = make_sealed()
    assert submit(meter, order(1, START), START, PUBLIC) is not SUCCESS
    wrong = encode_data(unsigned(1))
    answer = meter.set(Client(MANAGEMENT), CosemAttributeDescriptor(1, SEALED_COMMAND, 2), None, wrong, START)
    assert answer is DataAccessResult.TYPE_UNMATCHED


def test_a_clock_that_is_invalid_wants_a_live_challenge():
    meter = make_sealed()
    meter.meter.clock.invalid = True
    assert submit(meter, order(1, START), START) is DENIED
    live = challenge(meter, START)
    assert submit(meter, order(2, START - 86_400, challenge=live), START) is SUCCESS
    assert submit(meter, order(3, START, challenge=live), START) is DENIED
    old = challenge(meter, START)
    assert submit(meter, order(4, START, challenge=old), START + 601) is DENIED
    challenge(meter, START + 601)
    assert submit(meter, order(5, START, challenge=old), START + 602) is DENIED


def everything():
    """Every member of the closed list, at the names where this meter has such objects."""
    for member in CLOSED_LIST:
        for item in make_sealed().meter.device:
            if item.class_id == member.class_id and member.instance in (None, item.logical_name):
                for number in member.attributes:
                    yield CosemAttributeDescriptor(item.class_id, item.logical_name, number)
                for number in member.methods:
                    yield CosemMethodDescriptor(item.class_id, item.logical_name, number)


def test_everything_critical_is_refused_outside_of_an_envelope():
    meter, seen = make_sealed(), 0
    argument = encode_data(integer(0))
    for descriptor in everything():
        seen += 1
        if isinstance(descriptor, CosemAttributeDescriptor):
            assert meter.set(Client(MANAGEMENT), descriptor, None, argument, START) is DENIED
        else:
            result = meter.action(Client(MANAGEMENT), descriptor, argument, START)
            assert result == (ActionResult.READ_WRITE_DENIED, None)
    assert seen > 60


def test_what_is_not_critical_stays_as_it_was():
    meter = make_sealed()
    push = CosemMethodDescriptor(40, codes.PUSH_ON_ALARM, 1)
    assert meter.action(Client(MANAGEMENT), push, encode_data(integer(0)), START)[0] is ActionResult.SUCCESS
    filter_ = CosemAttributeDescriptor(1, codes.ALARM_FILTER, 2)
    assert meter.set(Client(MANAGEMENT), filter_, None, encode_data(double_long_unsigned(1)), START) is SUCCESS
    assert isinstance(meter.get(Client(MANAGEMENT), CosemAttributeDescriptor(8, codes.CLOCK, 2), None, START), bytes)


def test_the_clock_may_be_nudged_ten_seconds_a_day():
    meter = make_sealed()
    shift = CosemMethodDescriptor(8, codes.CLOCK, 6)

    def nudge(seconds, now):
        return meter.action(Client(MANAGEMENT), shift, encode_data(long(seconds)), now)[0]

    assert nudge(11, START) is ActionResult.READ_WRITE_DENIED
    assert nudge(-6, START) is ActionResult.SUCCESS
    assert nudge(5, START + 10) is ActionResult.READ_WRITE_DENIED
    assert nudge(4, START + 10) is ActionResult.SUCCESS
    assert nudge(10, START + 86_500) is ActionResult.SUCCESS
    broken = meter.action(Client(MANAGEMENT), shift, encode_data(unsigned(1)), START)[0]
    assert broken is ActionResult.READ_WRITE_DENIED


def test_no_mode_in_which_a_reconnection_closes():
    with pytest.raises(SettingError, match="control_mode"):
        make_sealed(control_mode=ControlMode.MODE_2)
    with pytest.raises(SettingError, match="seal is that of"):
        make_sealed(system_title=keys.OTHER)
    meter = make_sealed()
    head = bytes.fromhex("c101c10046000060030aff0400")
    assert submit(meter, order(1, START, apdu=head + encode_data(enum(2))), START) is LATER
    assert submit(meter, order(2, START, apdu=head + encode_data(octet_string(b""))), START) is LATER
    assert submit(meter, order(3, START, apdu=head + b"\x19\x07\xe9\x50" + bytes(9)), START) is LATER
    assert submit(meter, order(4, START, apdu=head + encode_data(enum(3)), emergency=True), START) is SUCCESS
    meter.meter.advance(START + 1)
    assert meter.meter.disconnector.mode is ControlMode.MODE_3


def test_an_activation_of_an_image_that_is_not_there_is_refused():
    meter = make_sealed()
    assert submit(meter, order(1, START, apdu=keys.ACTIVATE, subject=bytes(32)), START) is LATER


def test_at_most_eight_commands_wait():
    meter = make_sealed()
    clock = bytes.fromhex("c101c100080000010000ff0200") + encode_data(octet_string(bytes(12)))
    planned = START + HOUR_S
    answers = [submit(meter, order(n, START, apdu=clock, execute_at=planned), START) for n in range(1, 10)]
    assert answers == [SUCCESS] * 8 + [LATER]
    meter.meter.advance(planned + 1)
    assert report(meter, planned + 1)[2] == Stage.FAILED


def test_settings_put_the_shell_in_front():
    meter = make_sealed()
    settings = meter.server_settings()
    assert list(settings.devices.values()) == [meter]
    assert isinstance(settings.devices[1], SealedMeter)
    assert settings == replace(meter.meter.server_settings(), devices={1: meter})
