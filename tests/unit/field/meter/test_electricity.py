from __future__ import annotations

from datetime import UTC, datetime

import pytest

from meter_bench import CONFIG, DAY_S, START, Client, make_meter
from openami.field.meter import codes
from openami.field.meter.curve import ArrayCurve, SteadyCurve
from openami.field.meter.daylight_saving import british, european
from openami.field.meter.electricity import ElectricityMeter
from openami.field.meter.profile_status import ProfileStatus
from openami.model.errors import SettingError
from openami.model.event import EventCode
from openami.model.obis import ObisCode
from openami.protocols.dlms.access_result import ActionResult, DataAccessResult
from openami.protocols.dlms.cosem.attribute import Attribute, Method
from openami.protocols.dlms.cosem.clock import Clock
from openami.protocols.dlms.cosem.disconnect_control import ControlMode, DisconnectControl, Transition
from openami.protocols.dlms.cosem.profile_generic import ProfileGeneric
from openami.protocols.dlms.cosem.register import Register
from openami.protocols.dlms.data import decode_data, encode_data
from openami.protocols.dlms.date_time import CosemDateTime
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor, CosemMethodDescriptor

MANAGEMENT = Client(1)


def value(meter: ElectricityMeter, code: str, now: float) -> int:
    """A register as a client reads it."""
    raw = meter.get(MANAGEMENT, CosemAttributeDescriptor(3, ObisCode.parse(code), 2), None, now)
    assert isinstance(raw, bytes)
    number: int = decode_data(raw).value
    return number


def put(meter: ElectricityMeter, attribute: Attribute, code: ObisCode, new: object, now: float) -> DataAccessResult:
    raw = encode_data(attribute.cosem_type.to_data(new))
    where = CosemAttributeDescriptor(attribute.class_id, code, attribute.attribute_id)
    return meter.set(MANAGEMENT, where, None, raw, now)


def do(meter: ElectricityMeter, method: Method, code: ObisCode, argument: int, now: float) -> ActionResult:
    raw = encode_data(method.parameter.to_data(argument))
    return meter.action(MANAGEMENT, CosemMethodDescriptor(method.class_id, code, method.method_id), raw, now)[0]


def load(meter: ElectricityMeter) -> list[tuple[int, int, int]]:
    """Stamp since the start, status, import of each row."""
    rows = meter.load_profile.records().tolist()
    return [(second - START, status, energy) for second, _, _, status, energy, _ in rows]


def events(meter: ElectricityMeter) -> list[int]:
    return [row[-1] for row in meter.event_log.records().tolist()]


def test_registers_count_what_flows_exactly() -> None:
    meter = make_meter(SteadyCurve(1000, 100), import_wh=500_000, export_wh=7)
    assert value(meter, "1-0:1.8.0*255", START + 3600) == 501_000
    assert value(meter, "1-0:2.8.0*255", START + 3600) == 107
    assert value(meter, "1-0:1.8.0*255", START + 3 * 3600 + 1) == 503_000
    assert value(meter, "1-0:1.8.0*255", START) == 503_000, "time never runs backwards"


def test_a_register_ends_where_the_curve_does_however_often_it_is_asked() -> None:
    curve = ArrayCurve(START, 1800, [7, 0, 11, 1, 300, 2], [0, 5, 0, 0, 1, 0], label="synthetic: test")
    once, often = make_meter(curve), make_meter(curve)
    for second in range(0, 6 * 1800 * 3 + 1, 77):
        often.advance(START + second)
    once.advance(START + 6 * 1800 * 3)
    often.advance(START + 6 * 1800 * 3)
    assert once.energy.import_wh == often.energy.import_wh == 3 * 321
    assert once.energy.export_wh == often.energy.export_wh == 3 * 6
    assert load(once) == load(often)


def test_tariffs_share_the_energy_by_the_local_hour() -> None:
    meter = make_meter(SteadyCurve(1000), tariff_2_hours=(22, 23, 0, 1, 2, 3, 4, 5))
    meter.advance(START + DAY_S)
    assert meter.energy.tariff_wh == [16_000, 8_000]
    assert value(meter, "1-0:1.8.1*255", START + DAY_S) == 16_000
    assert meter.tariff == 2
    cet = make_meter(SteadyCurve(1000), tariff_2_hours=(0,), time_zone=-60)
    cet.advance(START + 22 * 3600)
    assert cet.energy.tariff_wh[1] == 0
    cet.advance(START + 24 * 3600)
    assert cet.energy.tariff_wh[1] == 1_000


def test_the_quadrants_and_the_power_factor_agree() -> None:
    meter = make_meter(SteadyCurve(1000), power_factor_permille=800)
    now = START + 4 * 3600
    assert value(meter, "1-0:5.8.0*255", now) == value(meter, "1-0:3.8.0*255", now) == 3_000
    assert [value(meter, f"1-0:{c}.8.0*255", now) for c in (4, 6, 7, 8)] == [0, 0, 0, 0]
    assert value(meter, "1-0:3.7.0*255", now) == 750
    assert value(meter, "1-0:13.7.0*255", now) == 800


@pytest.mark.parametrize("phases", [1, 3])
def test_power_is_voltage_times_current_times_power_factor(phases: int) -> None:
    meter = make_meter(SteadyCurve(2300), phases=phases)
    now, power_w = START + 1234, 0.0
    for phase in range(phases):
        voltage = value(meter, f"1-0:{32 + 20 * phase}.7.0*255", now) / 10
        assert 227.7 <= voltage <= 232.3
        power_w += voltage * value(meter, f"1-0:{31 + 20 * phase}.7.0*255", now) / 1000 * 0.95
    assert power_w == pytest.approx(2300, rel=1e-3)
    assert value(meter, "1-0:1.7.0*255", now) == 2300


def test_the_load_profile_has_a_row_at_each_boundary_and_one_at_the_start() -> None:
    meter = make_meter()
    meter.advance(START + 3600)
    assert load(meter) == [(0, 0, 0), (900, 0, 250), (1800, 0, 500), (2700, 0, 750), (3600, 0, 1000)]
    late = make_meter(start=START + 10)
    late.advance(START + 1800)
    assert [row[0] for row in load(late)] == [900, 1800]


@pytest.mark.parametrize(
    ("day", "quarters"), [((2026, 3, 29), 92), ((2026, 10, 25), 100), ((2026, 6, 1), 96)], ids=["92", "100", "96"]
)
def test_local_days_of_summer_time_have_their_quarters_and_one_billing_row_each(day, quarters: int) -> None:
    midnight = datetime(*day, tzinfo=UTC).timestamp() - 3600 * (1 if quarters == 92 else 2)  # local midnight of CET
    meter = make_meter(start=midnight, time_zone=-60, daylight_saving=european())
    meter.advance(midnight + 900 * quarters)
    assert len(meter.load_profile) == quarters + 1
    assert len(meter.daily_billing) == 2
    local = [meter.daily_billing.row(number)[0].value for number in (0, 1)]
    assert [stamp[5:8] for stamp in local] == [b"\0\0\0", b"\0\0\0"]
    assert local[0][3] + 1 in {local[1][3], 32}
    deviations = {int.from_bytes(stamp[9:11], "big", signed=True) for stamp in local}
    assert deviations == ({-60, -120} if quarters != 96 else {-120})


def test_billing_rows_hold_the_registers_at_midnight() -> None:
    meter = make_meter()
    meter.advance(START + 2 * DAY_S + 5000)
    rows = [row[3:] for row in meter.daily_billing.records().tolist()]
    assert rows == [(0, 0, 0, 0), (24_000, 16_000, 8_000, 2_400), (48_000, 32_000, 16_000, 4_800)]


def test_a_full_profile_keeps_the_newest_rows() -> None:
    meter = make_meter(profile_entries=10, capture_period_s=60)
    meter.advance(START + 3600)
    assert [row[0] for row in load(meter)] == list(range(3060, 3601, 60))


def test_a_drifting_clock_stamps_its_own_boundaries() -> None:
    meter = make_meter(SteadyCurve(3_600_000), drift_ppm=1000, clock_error_s=5)
    meter.advance(START + DAY_S)
    assert meter.clock.reading(START + DAY_S) - START - DAY_S == pytest.approx(5 + 86.4)
    first, second = load(meter)[:2]
    assert (first[0], second[0]) == (900, 1800)
    assert first[2] == pytest.approx((900 - 5) / 1.001 * 1000, abs=1), "the row is taken when the meter's clock says so"
    assert second[2] - first[2] == pytest.approx(900_000 / 1.001, abs=1)


def test_setting_the_clock_leaves_a_gap_that_says_why() -> None:
    meter = make_meter()
    meter.advance(START + 950)
    assert (
        put(meter, Clock.time, codes.CLOCK, CosemDateTime.from_utc(START + 7250), START + 950)
        is DataAccessResult.SUCCESS
    )
    meter.advance(START + 950 + 900)
    assert [row[:2] for row in load(meter)] == [(0, 0), (900, 0), (8100, ProfileStatus.CLOCK_ADJUSTED)]
    assert events(meter) == [EventCode.CLOCK_ADJUSTED]


@pytest.mark.parametrize(
    "stamp",
    [
        CosemDateTime(None, 1, 1),
        CosemDateTime.from_utc(0),
        CosemDateTime.from_utc(4_102_444_800),
        CosemDateTime(2026, 1, 1),
    ],
    ids=str,
)
def test_times_that_the_clock_cannot_show_are_refused(stamp: CosemDateTime) -> None:
    meter = make_meter()
    assert put(meter, Clock.time, codes.CLOCK, stamp, START + 60) is DataAccessResult.OTHER_REASON
    assert meter.clock.reading(START + 60) == START + 60
    assert events(meter) == []


def test_a_time_without_deviation_is_local_time() -> None:
    meter = make_meter(time_zone=-60, daylight_saving=european())
    summer = CosemDateTime(2026, 7, 1, None, 12, 0, 0, None, None, None)
    assert put(meter, Clock.time, codes.CLOCK, summer, START) is DataAccessResult.SUCCESS
    assert meter.clock.reading(START) == datetime(2026, 7, 1, 10, tzinfo=UTC).timestamp()
    assert str(meter.clock.date_time(START)).startswith("2026-07-01T12:00:00")


@pytest.mark.parametrize(
    ("method", "argument", "moved_to"),
    [
        (Clock.adjust_to_quarter, 0, 1800),
        (Clock.adjust_to_minute, 0, 1440),
        (Clock.adjust_to_measuring_period, 0, 1800),
        (Clock.shift_time, -900, 530),
        (Clock.shift_time, 900, 2330),
    ],
)
def test_adjusting_and_shifting(method: Method, argument: int, moved_to: int) -> None:
    meter = make_meter()
    assert do(meter, method, codes.CLOCK, argument, START + 1430) is ActionResult.SUCCESS
    assert meter.clock.reading(START + 1430) == START + moved_to


def test_shifts_that_are_too_far_and_methods_that_are_not_there() -> None:
    meter = make_meter(capture_period_s=0)
    assert do(meter, Clock.shift_time, codes.CLOCK, 901, START) is ActionResult.OTHER_REASON
    assert do(meter, Clock.adjust_to_measuring_period, codes.CLOCK, 0, START) is ActionResult.OTHER_REASON
    assert do(meter, Clock.adjust_to_preset_time, codes.CLOCK, 0, START) is ActionResult.READ_WRITE_DENIED


def test_the_capture_period_is_settable_and_keeps_the_rows() -> None:
    meter = make_meter()
    meter.advance(START + 900)
    period = ProfileGeneric.capture_period
    assert put(meter, period, codes.LOAD_PROFILE, 1800, START + 1000) is DataAccessResult.SUCCESS
    meter.advance(START + 2 * 3600)
    assert [row[0] for row in load(meter)] == [0, 900, 1800, 3600, 5400, 7200]
    assert put(meter, period, codes.LOAD_PROFILE, 7, START + 7200) is DataAccessResult.OTHER_REASON
    assert put(meter, period, codes.DAILY_BILLING, 900, START + 7200) is DataAccessResult.READ_WRITE_DENIED
    assert put(meter, period, codes.LOAD_PROFILE, 0, START + 7200) is DataAccessResult.SUCCESS
    meter.advance(START + DAY_S)
    assert len(meter.load_profile) == 6
    assert do(meter, ProfileGeneric.capture, codes.LOAD_PROFILE, 0, START + DAY_S + 5) is ActionResult.SUCCESS
    assert load(meter)[-1][0] == DAY_S + 5
    assert do(meter, ProfileGeneric.capture, codes.DAILY_BILLING, 0, START + DAY_S + 5) is ActionResult.SUCCESS
    assert do(meter, ProfileGeneric.reset, codes.LOAD_PROFILE, 0, START + DAY_S + 5) is ActionResult.SUCCESS
    assert load(meter) == []


def test_nothing_flows_through_an_open_contact() -> None:
    meter = make_meter()
    assert (
        do(meter, DisconnectControl.remote_disconnect, codes.DISCONNECT_CONTROL, 0, START + 3600)
        is ActionResult.SUCCESS
    )
    assert (
        do(meter, DisconnectControl.remote_disconnect, codes.DISCONNECT_CONTROL, 0, START + 3601)
        is ActionResult.SUCCESS
    )
    assert value(meter, "1-0:1.8.0*255", START + 7200) == 1_000
    assert value(meter, "1-0:1.7.0*255", START + 7200) == 0
    assert value(meter, "1-0:31.7.0*255", START + 7200) == 0
    assert (
        do(meter, DisconnectControl.remote_reconnect, codes.DISCONNECT_CONTROL, 0, START + 7200) is ActionResult.SUCCESS
    )
    assert value(meter, "1-0:1.8.0*255", START + 10_800) == 2_000
    assert events(meter) == [EventCode.DISCONNECTED_REMOTELY, EventCode.RECONNECTED_REMOTELY]
    assert [row[2] for row in load(meter)[4:9]] == [1000, 1000, 1000, 1000, 1000]


def test_the_control_mode_decides() -> None:
    meter = make_meter(control_mode=ControlMode.MODE_1)
    meter.switch(Transition.REMOTE_DISCONNECT, START)
    assert do(meter, DisconnectControl.remote_reconnect, codes.DISCONNECT_CONTROL, 0, START) is ActionResult.SUCCESS
    assert not meter.disconnector.connected, "ready for reconnection: somebody has to press the button"
    assert not meter.switch(Transition.LOCAL_RECONNECT, START)
    assert meter.switch(Transition.MANUAL_RECONNECT, START)
    assert meter.disconnector.connected
    mode = DisconnectControl.control_mode
    meter.switch(Transition.REMOTE_DISCONNECT, START)
    assert put(meter, mode, codes.DISCONNECT_CONTROL, ControlMode.MODE_0, START) is DataAccessResult.SUCCESS
    assert meter.disconnector.connected
    refused = do(meter, DisconnectControl.remote_disconnect, codes.DISCONNECT_CONTROL, 0, START)
    assert refused is ActionResult.OTHER_REASON
    assert events(meter)[1:3] == [EventCode.RECONNECTED_LOCALLY, EventCode.DISCONNECTED_REMOTELY]


def test_a_power_failure_leaves_missing_rows_and_an_honest_status() -> None:
    meter = make_meter()
    meter.power_fail(START + 1000)
    meter.power_fail(START + 1100)
    meter.power_restore(START + 4000)
    meter.power_restore(START + 4100)
    meter.advance(START + 5400)
    assert load(meter) == [(0, 0, 0), (900, 0, 250), (4500, ProfileStatus.POWER_DOWN, 416), (5400, 0, 666)]
    assert events(meter) == [EventCode.POWER_DOWN, EventCode.LAST_GASP, EventCode.POWER_UP]
    raw = meter.get(MANAGEMENT, CosemAttributeDescriptor(1, codes.POWER_FAILURES, 2), None, START + 5400)
    assert raw == bytes.fromhex("120001")


def test_the_same_life_gives_the_same_bytes() -> None:
    def live() -> list[bytes | DataAccessResult]:
        meter = make_meter(drift_ppm=37.5, daylight_saving=british())
        meter.advance(START + 5 * DAY_S)
        meter.power_fail(START + 5 * DAY_S + 10)
        meter.power_restore(START + 5 * DAY_S + 4000)
        meter.alarm(EventCode.COVER_OPENED, START + 6 * DAY_S)
        answers = [
            meter.get(MANAGEMENT, CosemAttributeDescriptor(item.class_id, item.logical_name, number), None, meter.now)
            for item in meter.device
            for number in sorted(item.attribute_values)
        ]
        return [*answers, *iter(lambda: meter.next_push() or b"", b"")]

    assert live() == live()


def test_every_attribute_of_every_object_can_be_read_by_management_and_decoded() -> None:
    meter = make_meter(client_system_title=b"OAC\0\0\0\0\1", phases=3)
    meter.advance(START + DAY_S)
    for item in meter.device:
        for number in sorted(item.attribute_values):
            where = CosemAttributeDescriptor(item.class_id, item.logical_name, number)
            raw = meter.get(MANAGEMENT, where, None, meter.now)
            assert isinstance(raw, bytes), (item, number)
            item.ATTRIBUTES[number].cosem_type.from_data(decode_data(raw))


def test_what_the_values_are_is_said() -> None:
    assert make_meter().label == (
        "synthetic: steady 1000 W drawn, 100 W fed in; voltage, current, power factor and reactive energy: synthetic"
    )


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("serial", ""),
        ("serial", "12345678901234"),
        ("system_title", b"short"),
        ("capture_period_s", 7),
        ("profile_entries", 0),
        ("phases", 2),
        ("power_factor_permille", 0),
        ("drift_ppm", 1e6),
        ("time_zone", 1000),
    ],
)
def test_a_wrong_setting_is_named(name: str, wrong: object) -> None:
    with pytest.raises(SettingError, match=name):
        make_meter(**{name: wrong})


def test_a_meter_starts_in_this_century_and_hides_its_keys() -> None:
    with pytest.raises(SettingError, match="2000 to 2099"):
        make_meter(start=0)
    assert CONFIG.keys.authentication_key.hex() not in repr(CONFIG)
    assert repr(CONFIG.keys.authentication_key) not in repr(CONFIG)


def test_registers_say_their_unit() -> None:
    meter = make_meter()
    register = meter.device.object(Register, codes.IMPORT)
    assert str(register.scaler_unit.quantity(1234)) == "1234 Wh"
