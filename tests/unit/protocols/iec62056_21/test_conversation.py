"""IEC 62056-21: a reader and a device in memory, messages one by one, load profiles."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openami.model.errors import DecodeError, FrameCheckError, LocalProtocolError
from openami.protocols.iec62056_21.channel import Channel
from openami.protocols.iec62056_21.data_set import DataSet, decode_data_sets
from openami.protocols.iec62056_21.load_profile import decode_load_profile, read_command
from openami.protocols.iec62056_21.message import (
    Command,
    DataBlock,
    Identification,
    Option,
    decode_command,
    decode_data_block,
    decode_identification,
    encode_command,
    encode_data_block,
    encode_identification,
    without_parity,
)
from openami.protocols.iec62056_21.reader import (
    Acknowledged,
    ChangeSpeed,
    DataReceived,
    PasswordRequested,
    Reader,
    Refused,
    SignedOn,
)
from openami.protocols.iec62056_21.tariff_device import CommandRefused, DeviceSettings, LockedOut, TariffDevice

REGISTERS = [DataSet("1.8.0", ("000123.4*kWh",)), DataSet("C.1.0", ("12345678",))]
PROFILE = (
    "P.01(0240115001500)(00)(15)(2)(1.5)(kW)(2.5)(kW)\r\n(0.250)(0.000)\r\n(0.300)(0.010)\r\n"
    "P.01(1240715001500)(08)(15)(2)(1.5)(kW)(2.5)(kW)\r\n(0.5)(0)\r\n"
)
CODES = {
    "A": Identification("OAM", "-", "METER"),
    "B": Identification("OAM", "D", "METER"),
    "C": Identification("OAM", "5", "METER"),
}


class Line:
    """Both ends, the speed each of them speaks, and what passed; `spoil` changes what the device sends."""

    def __init__(self, mode="C", *, spoil=lambda octets: octets, reader=None, echo=False, **settings):
        self.written = {}
        self.device = TariffDevice(
            DeviceSettings(CODES[mode], lambda: REGISTERS, read=self.read, write=self.write, **settings)
        )
        self.reader = reader or Reader()
        self.spoil, self.echo = spoil, echo
        self.speeds = {"reader": 300, "device": 300}
        self.now = 0.0
        self.noticed = []
        self.events = []
        self.sent = []

    def read(self, command):
        if command.data and command.data.startswith("P.01"):
            return PROFILE
        return "(000123.4*kWh)" if command.data == "1.8.0()" else None

    def write(self, command):
        self.written[command.type] = command.data
        return command.data != "no"

    def settle(self):
        for _ in range(200):
            out = self.reader.data_to_send(self.now)
            event = self.reader.next_event()
            if isinstance(event, ChangeSpeed):
                self.speeds["reader"] = event.speed
            elif event is not None:
                self.events.append(event)
            if out:
                self.sent.append(out)
                self.device.receive(out, self.now)
                if self.echo:
                    self.reader.receive(out, 0.0)
            back = self.device.data_to_send(0.0)
            for at in range(len(changed := self.spoil(back))):
                self.reader.receive(changed[at : at + 1], 0.0)
            change = self.device.next_event()
            if isinstance(change, ChangeSpeed):
                self.speeds["device"] = change.speed
            elif change is not None:
                self.noticed.append(change)
            if not (out or back or event or change):
                return self.events
        raise AssertionError("they never end")

    def sign_on(self, option=Option.DATA_READOUT, address=""):
        self.reader.sign_on(0.0, address, option)
        return self.settle()

    def command(self, letter, kind, data):
        self.events.clear()
        self.reader.command(Command(letter, kind, data), 0.0)
        (event,) = self.settle()
        return event


@pytest.mark.parametrize(("mode", "speed"), [("A", 300), ("B", 4800), ("C", 9600)])
@pytest.mark.parametrize("echo", [False, True])
def test_a_read_out_in_every_mode(mode, speed, echo):
    line = Line(mode, echo=echo)
    signed_on, data = line.sign_on()
    assert signed_on == SignedOn(CODES[mode])
    assert decode_data_sets(data.data.partition("!")[0]) == REGISTERS
    assert line.speeds == {"reader": speed, "device": speed}


def test_a_head_of_fixed_speed_keeps_it():
    line = Line(reader=Reader(follow_speed=False))
    assert isinstance(line.sign_on()[1], DataReceived)
    assert line.speeds == {"reader": 300, "device": 300}


def test_zeros_wake_a_device_first():
    line = Line(reader=Reader(wake_up=True))
    assert len(line.sign_on()) == 2
    assert line.sent[0].startswith(bytes(60))


def test_only_the_device_that_is_called_answers():
    line = Line(address="0042")
    assert line.sign_on(address="43") == []
    line.reader.handle_timeout(2.0)
    assert len(line.sign_on(address="42")) == 2


def test_programming_mode_with_password_read_write_and_end():
    line = Line(passwords={"1": "secret"})
    assert line.sign_on(Option.PROGRAMMING_MODE)[1:] == [PasswordRequested("")]
    assert line.command("R", "1", "1.8.0()") == DataReceived("(ER01)")
    assert line.command("P", "1", "(secret)") == Acknowledged()
    assert line.command("R", "1", "1.8.0()") == DataReceived("(000123.4*kWh)")
    assert line.command("R", "1", "9.9.9()") == DataReceived("(ER03)")
    assert line.command("W", "1", "0.9.1(120000)") == Acknowledged()
    assert line.command("W", "5", "no") == DataReceived("(ER02)")
    assert line.written == {"1": "0.9.1(120000)", "5": "no"}
    line.reader.sign_off()
    line.settle()
    with pytest.raises(LocalProtocolError, match="programming mode"):
        line.reader.command(Command("R", "1", "1.8.0()"), 0.0)


def test_wrong_passwords_end_the_conversation():
    line = Line(passwords={"1": "secret", "2": "other"})
    line.sign_on(Option.PROGRAMMING_MODE)
    assert isinstance(line.command("P", "1", "(other)"), Refused)


def guess(line, password, now):
    """Whether a password opens the device in a conversation of its own."""
    line.reader, line.now = Reader(), now
    line.sign_on(Option.PROGRAMMING_MODE)
    return isinstance(line.command("P", "1", f"({password})"), Acknowledged)


def test_guessing_is_locked_out_across_conversations_and_nobody_for_good():
    line = Line(passwords={"1": "secret"})
    for now in range(2):  # the reader says a refused password three times
        assert not guess(line, "wrong", float(now))
    assert line.noticed == [LockedOut()]
    assert not guess(line, "secret", 30.0)
    assert line.noticed == [LockedOut()]
    assert guess(line, "secret", 61.0)
    assert not guess(line, "wrong", 62.0)
    assert guess(line, "secret", 200.0)


def test_what_may_not_be_written_is_noticed():
    line = Line(passwords={"1": "secret"})
    line.sign_on(Option.PROGRAMMING_MODE)
    line.command("W", "1", "C.1.0(5)")
    line.command("R", "1", "1.8.0()")
    line.command("P", "1", "(secret)")
    line.command("W", "1", "no")
    line.command("W", "1", "C.1.0(5)")
    assert line.noticed == [CommandRefused(Command("W", "1", "C.1.0(5)")), CommandRefused(Command("W", "1", "no"))]


def test_partial_blocks_are_joined():
    line = Line(block_size=20)
    line.sign_on(Option.PROGRAMMING_MODE)
    assert line.command("R", "3", "P.01(;)") == DataReceived(PROFILE)


def test_a_spoiled_block_is_asked_again():
    spoiled = []

    def spoil(octets):
        if octets.startswith(b"\x02") and not spoiled:
            spoiled.append(octets)
            return octets.replace(b"123", b"124", 1)
        return octets

    line = Line(spoil=spoil)
    assert decode_data_sets(line.sign_on()[1].data.partition("!")[0]) == REGISTERS
    assert line.sent[-1] == b"\x15"


def test_who_never_answers_is_given_up():
    reader = Reader(answer_s=2.0)
    reader.sign_on(0.0)
    sent = 0
    now = 0.0
    while (due := reader.next_timeout()) is not None:
        sent += bool(reader.data_to_send(now))
        now = due
        reader.handle_timeout(now)
    assert sent == 3
    assert reader.next_event() == Refused("nothing usable within 2 s")


def test_a_line_that_ends_is_told():
    reader = Reader()
    reader.sign_on(0.0)
    reader.closed(0.0)
    assert reader.next_event() == Refused("the line ended")


def test_a_load_profile_becomes_values():
    line = Line()
    line.sign_on(Option.PROGRAMMING_MODE)
    command = read_command("0240115000000")
    data = line.command(command.letter, command.type, command.data).data
    winter, summer = decode_load_profile(decode_data_sets(data))
    assert (winter.period_min, winter.rows) == (15, (("0.250", "0.000"), ("0.300", "0.010")))
    values = winter.measurements()
    assert [str(each.value) for each in values] == ["250 W", "0 W", "300 W", "10 W"]
    assert values[2].time == datetime(2024, 1, 14, 23, 30, tzinfo=UTC)
    assert (summer.measurements()[0].time, summer.status) == (datetime(2024, 7, 14, 22, 15, tzinfo=UTC), 8)


@pytest.mark.parametrize(
    "text",
    ["P.01(0)(0)(15)", "P.01(0)(zz)(15)(1)(1.5)(kW)", "P.01(0)(0)(15)(9)(1.5)(kW)", "P.01(0)(0)(15)(2)(a)(b)(c)(d)(1)"],
)
def test_a_bad_header_is_named(text):
    with pytest.raises(DecodeError):
        decode_load_profile(decode_data_sets(text))


@pytest.mark.parametrize("command", [Command("P", "0", "(1234567)"), Command("B", "0"), Command("R", "1", "1.8.0()")])
def test_commands_survive_the_way(command):
    assert decode_command(encode_command(command)) == command


def test_the_block_check_of_a_published_message():
    assert encode_command(Command("P", "0", "(1234567)")) == bytes.fromhex("015030022831323334353637290350")
    assert decode_data_block(bytes.fromhex("02333a3137312e302830290312")) == DataBlock("3:171.0(0)")
    with pytest.raises(FrameCheckError, match="block check 11, calculated 12"):
        decode_data_block(bytes.fromhex("02333a3137312e302830290311"))


@pytest.mark.parametrize(
    "octets", [b"", b"\x01P0\x02x", b"\x01X9\x03" + bytes((0x58 ^ 0x39 ^ 3,)), b"/?!\r\n", b"\x02abc"]
)
def test_what_is_no_message(octets):
    for decode in (decode_command, decode_data_block, decode_identification):
        with pytest.raises(DecodeError):
            decode(octets)


def test_identifications():
    found = decode_identification(b"/ISk5MT174\r\n")
    assert (found.mode, found.speed, found.reaction_s) == ("C", 9600, 0.02)
    assert encode_identification(found) == b"/ISk5MT174\r\n"


def test_commands_that_do_not_exist_are_our_error():
    with pytest.raises(LocalProtocolError, match="no command R9"):
        encode_command(Command("R", "9"))
    with pytest.raises(LocalProtocolError, match="end a message"):
        encode_data_block(DataBlock("a\x03"))


def test_parity_in_eight_bits():
    even = bytes(octet | 0x80 * (octet.bit_count() & 1) for octet in b"/OAM5")
    assert without_parity(even) == b"/OAM5"
    with pytest.raises(FrameCheckError, match="odd parity"):
        without_parity(b"/OAM5")


@settings(max_examples=200, derandomize=True)
@given(st.binary(max_size=300))
def test_any_octets_are_borne_by_both_ends(octets):
    line = Line()
    line.reader.sign_on(0.0)
    line.reader.receive(octets, 0.0)
    line.device.receive(b"/?!\r\n" + octets, 0.0)
    Channel().feed(octets)
    while line.device.data_to_send(0.0) or line.device.next_event():
        pass
