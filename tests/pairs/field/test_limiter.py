"""Limits that our client sets really disconnect and reconnect our meter; monitors run their scripts."""

from __future__ import annotations

import pytest

from meter_bench import START, make_meter
from openami.field.meter import codes
from openami.field.meter.curve import ArrayCurve
from openami.field.meter.electricity import ElectricityMeter
from openami.model.event import EventCode
from openami.protocols.dlms.access_result import DataAccessResult
from openami.protocols.dlms.cosem.disconnect_control import ControlMode, ControlState
from openami.protocols.dlms.cosem.limiter import EmergencyProfile, Limiter, LimiterActions
from openami.protocols.dlms.cosem.register_monitor import ActionSet, RegisterMonitor, ValueDefinition
from openami.protocols.dlms.cosem.script_table import ActionItem
from openami.protocols.dlms.data import boolean, double_long_unsigned, octet_string
from openami.protocols.dlms.date_time import CosemDateTime
from procedure_pair import MeterPair

MINUTE_S = 60
LIMITER = codes.LIMITER
NOTHING = ActionItem(codes.DISCONNECT_SCRIPTS, 0)
OK = DataAccessResult.SUCCESS


def by_minute(*power_w: int) -> ArrayCurve:
    """Multiples of 60 W, minute by minute."""
    return ArrayCurve(START, MINUTE_S, [power // 60 for power in power_w], label="synthetic: test")


def limited(meter: ElectricityMeter, normal_w: int, over_s: int, under_s: int) -> MeterPair:
    pair = MeterPair(meter)
    assert pair.write(Limiter.min_over_threshold_duration, LIMITER, over_s) == OK
    assert pair.write(Limiter.min_under_threshold_duration, LIMITER, under_s) == OK
    assert pair.write(Limiter.threshold_normal, LIMITER, double_long_unsigned(normal_w)) == OK
    return pair


def switched(meter: ElectricityMeter, until: int) -> list[tuple[int, bool]]:
    """Seconds from the start at which the contact opened or closed, looked at second by second."""
    seen, before = [], meter.disconnector.connected
    for second in range(int(meter.now) - START, until + 1):
        meter.advance(START + second)
        if meter.disconnector.connected is not before:
            before = not before
            seen.append((second, before))
    return seen


def events(meter: ElectricityMeter) -> list[tuple[int, int]]:
    return [(row[0] - START, row[-1]) for row in meter.event_log.records().tolist()]


def test_too_much_for_too_long_disconnects_and_reconnects_when_it_is_over() -> None:
    meter = make_meter(by_minute(1200, 6000, 6000, 6000, *[1200] * 56), control_mode=ControlMode.MODE_5)
    limited(meter, 3000, 90, 120)
    assert switched(meter, 900) == [(150, False), (280, True)], "seen under the limit at 160 s"
    assert events(meter) == [
        (150, EventCode.LIMITER_THRESHOLD_EXCEEDED),
        (150, EventCode.DISCONNECTED_LOCALLY),
        (280, EventCode.LIMITER_THRESHOLD_OK),
        (280, EventCode.RECONNECTED_LOCALLY),
    ]
    flowed_wh = 20 + 100 + 50 + -(-1200 * (900 - 280) // 3600)
    assert meter.energy.import_wh == flowed_wh, "after the 50 Wh of half a minute nothing flowed until 280 s"


def test_a_peak_that_is_shorter_than_the_duration_does_nothing() -> None:
    meter = make_meter(by_minute(1200, 6000, 1200, 6000, *[1200] * 56), control_mode=ControlMode.MODE_5)
    limited(meter, 3000, 61, 0)
    assert switched(meter, 900) == []


def test_in_a_mode_without_local_reconnection_a_person_must_come() -> None:
    meter = make_meter(by_minute(1200, 6000, *[1200] * 58), control_mode=ControlMode.MODE_2)
    pair = limited(meter, 3000, 0, 10)
    assert [opened for _, opened in switched(meter, 900)] == [False]
    assert meter.disconnector.state is ControlState.READY_FOR_RECONNECTION
    assert pair.read(Limiter.threshold_active, LIMITER) == double_long_unsigned(3000)


def test_an_emergency_profile_holds_for_its_group_and_its_time() -> None:
    meter = make_meter(by_minute(*[2400] * 60), control_mode=ControlMode.MODE_5)
    pair = limited(meter, 3000, 10, 10)
    pair.write(Limiter.threshold_emergency, LIMITER, double_long_unsigned(1000))
    nothing = LimiterActions(ActionItem(codes.DISCONNECT_SCRIPTS, 1), NOTHING)
    pair.write(Limiter.actions, LIMITER, nothing)
    profile = EmergencyProfile(7, CosemDateTime.from_utc(START + 300), 400)
    assert pair.write(Limiter.emergency_profile, LIMITER, profile) == OK
    meter.advance(START + 280)
    assert pair.write(Limiter.emergency_profile_group_id_list, LIMITER, (1, 8)) == OK
    assert switched(meter, 290) == [], "not our group"
    pair.now = START + 290
    assert pair.write(Limiter.emergency_profile_group_id_list, LIMITER, (1, 7)) == OK
    assert not pair.read(Limiter.emergency_profile_active, LIMITER)
    assert switched(meter, 600) == [(310, False)]
    pair.now = START + 600
    assert pair.read(Limiter.emergency_profile_active, LIMITER)
    assert pair.read(Limiter.threshold_active, LIMITER) == double_long_unsigned(1000)
    pair.now = START + 700
    assert not pair.read(Limiter.emergency_profile_active, LIMITER)
    assert pair.read(Limiter.threshold_active, LIMITER) == double_long_unsigned(3000)


def test_a_meter_without_limits_looks_at_nothing() -> None:
    meter = make_meter()
    meter.advance(START + 100)
    assert meter.limiter.due == float("inf")


@pytest.mark.parametrize(
    ("attribute", "value", "result"),
    [
        (Limiter.threshold_normal, boolean(True), DataAccessResult.TYPE_UNMATCHED),
        (Limiter.threshold_emergency, octet_string(b"1"), DataAccessResult.TYPE_UNMATCHED),
        (Limiter.monitored_value, ValueDefinition(3, codes.SERIAL, 2), DataAccessResult.OTHER_REASON),
        (Limiter.monitored_value, ValueDefinition(1, codes.SERIAL, 2), DataAccessResult.OTHER_REASON),
        (Limiter.monitored_value, ValueDefinition(3, codes.IMPORT, 2), OK),
        (Limiter.threshold_active, double_long_unsigned(1), DataAccessResult.READ_WRITE_DENIED),
    ],
)
def test_what_can_be_set(attribute, value, result) -> None:
    pair = MeterPair(make_meter())
    assert pair.write(attribute, LIMITER, value) == result
    if result == OK:
        assert pair.read(attribute, LIMITER) == value


def test_a_register_monitor_runs_its_scripts_both_ways() -> None:
    curve = by_minute(1200, 6000, 1200, 9000, 1200, *[1200] * 55)
    meter = make_meter(curve, control_mode=ControlMode.MODE_5)
    pair = MeterPair(meter)
    code = codes.REGISTER_MONITORS[1]
    off, on = (ActionItem(codes.DISCONNECT_SCRIPTS, number) for number in (1, 2))
    actions = (ActionSet(NOTHING, NOTHING), ActionSet(off, on))
    thresholds = (double_long_unsigned(3000), double_long_unsigned(8000))
    assert pair.write(RegisterMonitor.actions, code, actions) == OK
    assert pair.write(RegisterMonitor.thresholds, code, thresholds) == OK
    assert pair.read(RegisterMonitor.thresholds, code) == thresholds
    assert pair.read(RegisterMonitor.actions, code) == actions
    assert pair.read(RegisterMonitor.monitored_value, code) == ValueDefinition(3, codes.IMPORT_POWER, 2)
    assert switched(meter, 500) == [(180, False), (190, True), (200, False), (210, True), (220, False), (230, True)]
    assert pair.write(RegisterMonitor.thresholds, code, ()) == OK
    assert pair.write(RegisterMonitor.thresholds, code, (boolean(True),)) == DataAccessResult.TYPE_UNMATCHED
    assert pair.write(RegisterMonitor.thresholds, code, thresholds * 5) == DataAccessResult.OTHER_REASON
    missing = ValueDefinition(3, codes.LIMITER, 2)
    assert pair.write(RegisterMonitor.monitored_value, code, missing) == DataAccessResult.OTHER_REASON
    assert switched(meter, 4000) == []


def test_a_monitored_energy_register_ends_the_billing_when_it_is_full() -> None:
    meter = make_meter(by_minute(*[6000] * 60))
    pair = MeterPair(meter)
    code = codes.REGISTER_MONITORS[0]
    pair.write(RegisterMonitor.monitored_value, code, ValueDefinition(3, codes.IMPORT, 2))
    end = ActionItem(codes.BILLING_SCRIPTS, 1)
    pair.write(RegisterMonitor.actions, code, (ActionSet(end, NOTHING),))
    pair.write(RegisterMonitor.thresholds, code, (double_long_unsigned(1000),))
    meter.advance(START + 3000)
    assert [meter.monthly_billing[0][1].value] == [1016], "the first look after 600 s, at 610 s"
    assert len(meter.monthly_billing) == 1
