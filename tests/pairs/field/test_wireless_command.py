"""Commands on the air: a gateway says them while the meter's window is open, the meter obeys whom it may."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from openami.field.meter.daily_flow import DailyFlow
from openami.field.meter.pipe_meter import PipeKind, PipeMeter, PipeMeterConfig
from openami.field.meter.wireless_meter import Security, WirelessMeter, WirelessSettings
from openami.model.errors import SettingError
from openami.protocols.mbus.encode import date_time_record
from openami.protocols.mbus.wireless.address import MeterAddress
from openami.protocols.mbus.wireless.commanding import MeterCommand, Step
from openami.protocols.mbus.wireless.frame_format import FrameFormat, encode_frame
from openami.protocols.mbus.wireless.keys import KeyStore
from openami.protocols.mbus.wireless.reader import WirelessReader

START = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
NOW = float(START + 40 * 86_400)
DAY_S = 86_400
KEY = bytes(range(16))
GATEWAY = MeterAddress.parse("OAM.00000001.01.31")
CLOSE, OPEN = bytes.fromhex("01fd1f00"), bytes.fromhex("01fd1f01")
CLOCK = date_time_record(datetime(2026, 5, 4, 3, 2, tzinfo=UTC))


class Air:
    """One meter and who commands it, in step."""

    def __init__(self, security=Security.MODE_7, kind=PipeKind.WATER):
        self.device = PipeMeter(PipeMeterConfig(kind, "12345678"), DailyFlow(START))
        key = b"" if security is Security.PLAIN else KEY
        self.meter = WirelessMeter(self.device, WirelessSettings(security=security, key=key), NOW, counter=1000)
        self.sent = []

    def command(self, records, *, mode=7, key=KEY, counter=1, address=None):
        return MeterCommand(GATEWAY, address or self.device.address, records, mode=mode, key=key, counter=counter)

    def say(self, command, *, late=0.0, rounds=8):
        """Let the meter broadcast, and both talk until nobody has anything to say; the outcome."""
        now = self.meter.next_timeout()
        self.meter.handle_timeout(now)
        for _ in range(rounds):
            heard = self.meter.data_to_send()
            for frame in heard:
                said = command.receive(frame)
                if said is not None:
                    self.sent.append(said)
                    self.meter.receive(encode_frame(said, FrameFormat.A), now + late)
            if not heard:
                break
        return command.outcome


def valve(outcome):
    values = WirelessReader(KeyStore([KEY])).read(outcome.answer.data).values
    return next(int(value.value.mantissa) for value in values if value.name == "remote control")


@pytest.mark.parametrize(("security", "mode"), [(Security.MODE_7, 7), (Security.MODE_10, 10), (Security.MODE_10, 7)])
def test_a_valve_closes_and_opens_and_the_meter_proves_how_it_stands(security, mode):
    air = Air(security)
    closed = air.say(air.command(CLOSE, mode=mode, counter=1))
    assert (closed.refused, closed.verified, valve(closed)) == ("", True, 0)
    stands = air.device.flow.volume_ml(NOW + 2 * DAY_S)
    assert air.device.flow.volume_ml(NOW + 30 * DAY_S) == stands
    opened = air.say(air.command(OPEN, mode=mode, counter=2))
    assert (opened.refused, valve(opened)) == ("", 1)
    assert air.device.flow.volume_ml(NOW + 30 * DAY_S) > stands


@pytest.mark.parametrize("security", [Security.MODE_7, Security.MODE_5])
def test_the_clock_is_set(security):
    air = Air(security)
    assert air.say(air.command(CLOCK)).refused == ""
    assert abs(NOW + air.device.clock_offset_s - datetime(2026, 5, 4, 3, 2, tzinfo=UTC).timestamp()) < 1


@pytest.mark.parametrize(
    ("security", "mode", "records", "words"),
    [
        (Security.MODE_5, 5, CLOSE, "inadequate security method"),
        (Security.PLAIN, 0, CLOCK, "inadequate security method"),
        (Security.PLAIN, 7, CLOSE, "security error"),
        (Security.MODE_7, 0, CLOSE, "inadequate security method"),
        (Security.MODE_7, 5, CLOCK, "inadequate security method"),
        (Security.MODE_7, 7, bytes.fromhex("01fd1f07"), "parameter error"),
        (Security.MODE_7, 7, bytes.fromhex("0413c4090000"), "parameter error"),
        (Security.MODE_7, 7, CLOCK + bytes.fromhex("0413c4090000"), "parameter error"),
        (Security.MODE_7, 7, bytes.fromhex("41fd1f00"), "parameter error"),
    ],
    ids=[
        "mode 5",
        "plain",
        "7 to plain",
        "plain to 7",
        "5 to 7",
        "no such state",
        "a register",
        "one of two",
        "storage 1",
    ],
)
def test_what_a_meter_may_not_do_is_refused_whole(security, mode, records, words):
    air = Air(security)
    outcome = air.say(air.command(records, mode=mode))
    assert outcome.refused == words
    assert not air.device.flow.closed
    assert air.device.clock_offset_s == 0


def test_what_are_no_records_is_told():
    air = Air()
    assert air.say(air.command(bytes.fromhex("0d13bf"))).refused == "premature end of record"


def test_a_refusal_that_stays_closed_is_told_as_that():
    air = Air()
    assert "give the key" in air.say(air.command(CLOSE, mode=0, key=b"")).refused


def test_a_heat_meter_has_no_valve():
    air = Air(kind=PipeKind.HEAT)
    assert air.say(air.command(CLOSE)).refused == "parameter error"


def test_a_wrong_key_is_refused():
    air = Air()
    command = air.command(CLOSE, key=bytes(16))
    air.say(command)
    assert not air.device.flow.closed


def test_a_command_that_is_replayed_or_comes_twice_does_nothing():
    air = Air()
    air.say(air.command(CLOSE, counter=5))
    first = air.sent[0]
    air.say(air.command(OPEN, counter=6))
    now = air.meter.next_timeout()
    air.meter.handle_timeout(now)
    air.meter.data_to_send()
    assert air.meter.receive(encode_frame(first, FrameFormat.A), now + 0.01)
    assert not air.device.flow.closed
    (ack,) = air.meter.data_to_send()
    assert WirelessReader().read(ack).telegram.transport.status == 0x02


def test_the_same_frame_again_is_acknowledged_and_not_obeyed_again():
    air = Air()
    air.say(air.command(CLOSE, counter=5))
    now = air.meter.next_timeout()
    air.meter.handle_timeout(now)
    air.meter.data_to_send()
    air.device.flow.open(now)
    assert air.meter.receive(encode_frame(air.sent[0], FrameFormat.A), now + 0.01)
    assert not air.device.flow.closed
    assert WirelessReader().read(air.meter.data_to_send()[0]).telegram.transport.status == 0


def test_who_comes_too_late_or_means_another_meter_is_not_heard():
    air = Air()
    late = air.command(CLOSE)
    assert air.say(late, late=0.2) is None
    assert late.step is Step.SAID
    other = air.command(CLOSE, address=MeterAddress.parse("OAM.87654321.01.07"))
    assert air.say(other) is None
    assert other.step is Step.WAITING
    assert not air.device.flow.closed


@pytest.mark.parametrize(
    ("mode", "key", "word"), [(8, KEY, "must be 0, 5, 7 or 10"), (5, b"", "needs the meter's key")]
)
def test_a_command_that_cannot_be(mode, key, word):
    with pytest.raises(SettingError, match=word):
        MeterCommand(GATEWAY, GATEWAY, CLOSE, mode=mode, key=key, counter=1)
