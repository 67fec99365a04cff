"""A primary and secondaries on one bus: addressing, read-out, search, settings, and lines that are bad."""

from __future__ import annotations

import pytest

from mbus_bus import Bus, BusMeter
from openami.model.errors import DecodeError, LimitExceeded, LinkTimeout, LocalProtocolError
from openami.protocols.mbus.application import Content
from openami.protocols.mbus.selected_application import SelectedApplication
from openami.protocols.mbus.wired.events import Answered, Disturbed, Ended, Initialise, RequestData, SendData, Silent
from openami.protocols.mbus.wired.frame import BROADCAST, NETWORK_LAYER, Acknowledge, LongFrame, encode_frame
from openami.protocols.mbus.wired.primary import WiredPrimary
from openami.protocols.mbus.wired.procedures import (
    Disturbance,
    MbusRefusal,
    read_alarms,
    read_out,
    read_selected,
    reset_application,
    scan,
    search,
    set_identification,
    set_primary_address,
    switch_baud_rate,
)
from openami.protocols.mbus.wired.selection import Selection, decode_selection
from openami.protocols.mbus.wireless.address import MeterAddress


def address(identification, letters="OAM", version=1, device_type=7):
    return MeterAddress.parse(f"{letters}.{identification}.{version:02X}.{device_type:02X}")


def telegram(meter, litres, *, more=False):
    header = meter.transport_order + bytes((1, 0, 0, 0))
    return 0x72, header + b"\x04\x13" + litres.to_bytes(4, "little") + (b"\x1f" if more else b"")


def bus_meter(primary, identification, litres=(2500,), **options):
    meter = address(identification)
    last = len(litres) - 1
    telegrams = [telegram(meter, each, more=index < last) for index, each in enumerate(litres)]
    return BusMeter(primary, meter, telegrams, **options)


def volumes(applications):
    return [str(record.value) for application in applications for record in application.records]


def test_read_out_by_primary_address():
    bus = Bus([bus_meter(5, "12345678"), bus_meter(6, "12345679", (7,))])
    assert volumes(bus.perform(read_out(5))) == ["2.500 m³"]
    assert volumes(bus.perform(read_out(6))) == ["0.007 m³"]
    assert [meter.readouts for meter in bus.meters] == [1, 1]


def test_several_telegrams_are_read_to_the_last_one():
    bus = Bus([bus_meter(5, "12345678", (1, 2, 3, 4))])
    assert volumes(bus.perform(read_out(5))) == ["0.001 m³", "0.002 m³", "0.003 m³", "0.004 m³"]
    assert bus.meters[0].readouts == 1


def test_a_lost_answer_is_repeated_not_skipped():
    """The frame count bit stays as it was, so the meter sends the same telegram again."""
    turns = []

    def lossy(data):
        turns.append(data)
        return b"" if len(turns) % 2 else data

    bus = Bus([bus_meter(5, "12345678", (1, 2, 3))], change=lossy)
    assert volumes(bus.perform(read_out(5))) == ["0.001 m³", "0.002 m³", "0.003 m³"]
    assert bus.meters[0].readouts == 1


def test_a_flipped_bit_is_asked_for_again():
    turns = []

    def flip(data):
        turns.append(data)
        if len(turns) == 2:
            return data[:10] + bytes((data[10] ^ 4,)) + data[11:]
        return data

    bus = Bus([bus_meter(5, "12345678")], change=flip)
    assert volumes(bus.perform(read_out(5))) == ["2.500 m³"]
    assert len(turns) == 3


def test_an_acknowledgement_out_of_noise_hides_no_data():
    bus = Bus([bus_meter(5, "12345678", (1, 2))], change=lambda data: b"\xe5" + data)
    assert volumes(bus.perform(read_out(5))) == ["0.001 m³", "0.002 m³"]


def test_telegrams_that_were_promised_and_do_not_come():
    bus = Bus(
        [bus_meter(5, "12345678", (1, 2))], change=lambda data: data if len(data) < 2 or b"\x1f" in data else b"\xe5"
    )
    with pytest.raises(Disturbance, match="said that more telegrams follow"):
        bus.perform(read_out(5))


def test_more_telegrams_without_end():
    bus = Bus([bus_meter(5, "12345678", tuple(range(9)))])
    with pytest.raises(LimitExceeded, match="more than 8 telegrams"):
        bus.perform(read_out(5, telegrams_max=8))


@pytest.mark.parametrize("noise", [b"", b"\x00", b"\xff\x10", b"\x68\x05"])
def test_echo_and_noise_are_no_collision(noise):
    bus = Bus([bus_meter(5, "12345678")], echo=True, change=lambda data: noise + data if data else b"")
    assert volumes(bus.perform(read_selected(Selection("12345678")))) == ["2.500 m³"]


def test_an_echo_alone_is_silence():
    bus = Bus([bus_meter(5, "12345678")], echo=True)
    assert bus.ask(Initialise(9)) == Silent(Initialise(9))
    assert bus.ask(RequestData(9)) == Silent(RequestData(9))


def test_silence_is_told_with_what_to_look_at():
    with pytest.raises(LinkTimeout, match="no answer from meter 9; check its address"):
        Bus([bus_meter(5, "12345678")]).perform(read_out(9))


def test_a_bad_line_is_told_apart_from_silence():
    bus = Bus([bus_meter(5, "12345678")], change=lambda data: data[:-1] + b"\x00")
    with pytest.raises(Disturbance, match="can be read"):
        bus.perform(read_out(5))


def test_an_application_error_is_the_meters_refusal():
    meter = BusMeter(5, address("12345678"), [(0x70, b"\x08")])
    with pytest.raises(MbusRefusal, match="application too busy"):
        Bus([meter]).perform(read_out(5))


def test_data_that_cannot_be_read():
    meter = BusMeter(5, address("12345678"), [(0x78, b"\x04\x13\x00")])
    with pytest.raises(DecodeError):
        Bus([meter]).perform(read_out(5))


def test_scan_of_primary_addresses():
    bus = Bus([bus_meter(1, "11111111"), bus_meter(250, "22222222")])
    found = bus.perform(scan())
    assert [(each.address, str(each.meter)) for each in found] == [
        (1, "OAM.11111111.01.07"),
        (250, "OAM.22222222.01.07"),
    ]


def test_two_meters_at_one_primary_address_are_found_as_a_disturbance():
    found = Bus([bus_meter(3, "11111111"), bus_meter(3, "22222222")]).perform(scan(range(1, 5)))
    assert [(each.address, each.meter) for each in found] == [(3, None)]


NUMBERS = ["00000000", "00000001", "12345678", "12345679", "1234567A", "A0000000", "ABCDEABC", "90000009", "99999999"]


@pytest.mark.parametrize("echo", [False, True])
def test_search_finds_every_number_letters_included(echo):
    bus = Bus([bus_meter(0, number) for number in NUMBERS], echo=echo)
    result = bus.perform(search())
    assert sorted(each.meter.identification for each in result.found) == sorted(NUMBERS)
    assert result.unresolved == ()
    assert not any(meter.core.selected for meter in bus.meters)


def test_answers_that_overlay_bit_by_bit_need_a_thorough_search():
    bus = Bus([bus_meter(0, number) for number in NUMBERS], skew=0)
    result = bus.perform(search(thorough=True))
    assert sorted(each.meter.identification for each in result.found) == sorted(NUMBERS)
    assert result.unresolved == ()


def test_search_finds_an_f_of_the_meters_own():
    bus = Bus([bus_meter(0, "F2345678"), bus_meter(0, "F2345679")])
    result = bus.perform(search())
    assert sorted(each.meter.identification for each in result.found) == ["F2345678", "F2345679"]


def test_search_tells_meters_with_one_number_as_unresolved():
    same = [BusMeter(0, meter, [telegram(meter, 1)]) for meter in (address("12345678"), address("12345678", "ABC", 2))]
    bus = Bus([*same, bus_meter(0, "22345678")])
    result = bus.perform(search())
    assert [each.meter.identification for each in result.found] == ["22345678"]
    assert result.unresolved == (Selection("12345678"),)
    assert volumes(bus.perform(read_selected(Selection.parse("12345678.ABC.FF.FF")))) == ["0.001 m³"]


def test_meters_that_share_all_else_are_told_apart_by_their_fabrication_number():
    twins = [bus_meter(0, "12345678"), bus_meter(0, "12345678")]
    for number, twin in enumerate(twins):
        twin.core.fabrication = f"0000000{number}"
        twin.telegrams = [(ci, data[:-1] + bytes((number,))) for ci, data in twin.telegrams]
    bus = Bus(twins)
    chosen = Selection.parse("12345678.FFFF.FF.FF.00000001")
    assert decode_selection(bytes(chosen)) == chosen
    (told,) = bus.perform(read_selected(chosen))
    assert told.data[-1] == 1
    assert [twin.core.selected for twin in twins] == [False, True]
    with pytest.raises(LinkTimeout):
        bus.perform(read_selected(Selection("12345678", fabrication="00000002")))


def test_search_below_a_beginning():
    bus = Bus([bus_meter(0, number) for number in NUMBERS])
    result = bus.perform(search(Selection("1234FFFF")))
    assert [each.meter.identification for each in result.found] == ["12345678", "12345679", "1234567A"]


def test_search_on_an_endlessly_disturbed_line_ends():
    bus = Bus([bus_meter(0, "12345678")], change=lambda _: b"\x00\x55")
    with pytest.raises(LimitExceeded, match="the line may be disturbed"):
        bus.perform(search(probes_max=200))


def test_settings():
    bus = Bus([bus_meter(5, "12345678")])
    bus.perform(set_primary_address(5, 17))
    bus.perform(set_identification(17, "87654321"))
    bus.perform(reset_application(17, SelectedApplication(1)))
    bus.perform(switch_baud_rate(17, 9600))
    assert bus.meters[0].told == [
        (0x51, bytes.fromhex("017a11")),
        (0x51, bytes.fromhex("0c7921436587")),
        (0x50, b"\x10"),
        (0xBD, b""),
    ]
    assert volumes(bus.perform(read_out(17))) == ["2.500 m³"]


def test_a_lost_acknowledgement_does_not_set_twice():
    turns = []

    def lossy(data):
        turns.append(data)
        return b"" if len(turns) == 1 else data

    bus = Bus([bus_meter(5, "12345678")], change=lossy)
    bus.perform(reset_application(5))
    assert len(turns) == 2
    assert bus.meters[0].told == [(0x50, b"")]


def test_wrong_settings_are_refused_before_anything_is_sent():
    bus = Bus([bus_meter(5, "12345678")])
    for procedure in (set_primary_address(5, 251), set_identification(5, "1234"), switch_baud_rate(5, 115200)):
        with pytest.raises(LocalProtocolError):
            bus.perform(procedure)
    assert bus.steps == 0


def test_alarms():
    quiet, loud = bus_meter(5, "12345678"), bus_meter(6, "12345679", alarms=[(0x71, b"\x04")])
    bus = Bus([quiet, loud])
    assert bus.perform(read_alarms(5)) is None
    alarm = bus.perform(read_alarms(6))
    assert (alarm.content, alarm.code) == (Content.ALARM, 4)


def test_a_broadcast_is_heard_by_all_and_answered_by_none():
    bus = Bus([bus_meter(5, "12345678"), bus_meter(6, "12345679")])
    request = SendData(BROADCAST, 0x50)
    assert bus.ask(request) == Silent(request)
    assert [meter.told for meter in bus.meters] == [[(0x50, b"")]] * 2


def test_another_selection_or_an_initialisation_ends_a_selection():
    bus = Bus([bus_meter(0, "12345678"), bus_meter(0, "22345678")])
    bus.perform(read_selected(Selection("12345678")))
    bus.perform(read_selected(Selection("22345678")))
    assert [meter.core.selected for meter in bus.meters] == [False, True]
    assert isinstance(bus.ask(Initialise(NETWORK_LAYER)), Answered)
    assert isinstance(bus.ask(RequestData(NETWORK_LAYER)), Silent)


def test_collided_selections_are_an_acknowledgement_collided_data_a_disturbance():
    bus = Bus([bus_meter(0, "12345678"), bus_meter(0, "22345678")])
    select = SendData(NETWORK_LAYER, 0x52, bytes(Selection()))
    assert bus.ask(select) == Answered(select, Acknowledge())
    assert isinstance(bus.ask(RequestData(NETWORK_LAYER)), Disturbed)


def test_the_end_of_the_link_is_told_once():
    primary = WiredPrimary()
    primary.send(Initialise(1), 0.0)
    primary.closed(0.0)
    primary.closed(0.0)
    assert primary.next_event() == Ended()
    assert primary.next_event() is None
    assert primary.data_to_send(0.0) == b""
    assert primary.next_timeout() is None


def test_answers_in_single_bytes():
    primary = WiredPrimary()
    primary.send(RequestData(5), 0.0)
    assert primary.data_to_send(0.0) == bytes.fromhex("107b058016")
    frame = encode_frame(LongFrame(0x08, 5, 0x78, bytes.fromhex("041301000000")))
    for at, byte in enumerate(frame):
        assert primary.next_event() is None
        primary.receive(bytes((byte,)), 0.2 * at)
        primary.handle_timeout(0.2 * at + 0.1)
    answer = primary.next_event()
    assert isinstance(answer, Answered)
    assert answer.frame.data == bytes.fromhex("041301000000")
