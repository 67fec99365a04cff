"""Those who listen and answer on the air: a meter in its window, a gateway, a repeater, sticks' byte streams."""

from __future__ import annotations

from fuzz_targets import fuzz_target
from openami.field.meter.daily_flow import DailyFlow
from openami.field.meter.pipe_meter import PipeMeter, PipeMeterConfig
from openami.field.meter.wireless_meter import Security, WirelessMeter, WirelessSettings
from openami.field.meter.wireless_tls_meter import WirelessTlsMeter
from openami.model.errors import SecurityError
from openami.protocols.mbus.wireless.address import MeterAddress
from openami.protocols.mbus.wireless.commanding import MeterCommand, Step
from openami.protocols.mbus.wireless.link import ACC_NR, ACK, REQ_UD2, RSP_UD, SND_NR, SND_UD
from openami.protocols.mbus.wireless.repeater import OneHopRepeater
from openami.protocols.mbus.wireless.sealing import (
    COMMAND_CI,
    ERROR_CI,
    NOTHING_CI,
    REQUEST_CI,
    Heading,
    mode_5_frame,
    mode_7_frame,
    plain_frame,
)
from openami.protocols.mbus.wireless.spacing import Spacing
from openami.protocols.mbus.wireless.sticks.kinds import STICKS
from openami.protocols.mbus.wireless.tls_message import tls_frames
from openami.protocols.mbus.wireless.tls_reading import TlsReading

KEY = bytes(range(16))
START = 1_767_225_600
DEVICE = PipeMeter(PipeMeterConfig(), DailyFlow(START))
METER = DEVICE.address
GATEWAY = MeterAddress.parse("OAM.00000001.01.31")
RECORDS = bytes.fromhex("01fd1f00046d28270a2b")


def heading(control: int, ci: int, *, down: bool) -> Heading:
    return Heading(control=control, meter=METER, access_number=1, ci=ci, gateway=GATEWAY if down else None)


COMMAND = heading(SND_UD, COMMAND_CI, down=True)
TO_METER = [
    plain_frame(COMMAND, RECORDS),
    mode_5_frame(COMMAND, RECORDS, KEY),
    mode_7_frame(COMMAND, RECORDS, KEY, 7),
    plain_frame(heading(REQ_UD2, REQUEST_CI, down=True), b""),
    *tls_frames(COMMAND, bytes(range(250))),
]
FROM_METER = [
    plain_frame(heading(SND_NR, 0x7A, down=False), RECORDS),
    plain_frame(heading(ACC_NR, NOTHING_CI, down=False), b""),
    plain_frame(heading(ACK, NOTHING_CI, down=False), b""),
    plain_frame(heading(RSP_UD, ERROR_CI, down=False), b"\x20"),
    *tls_frames(heading(RSP_UD, 0x7A, down=False), bytes(range(250))),
]


class Mirror:
    """A session that says what it hears, or ends."""

    established = True

    def __init__(self) -> None:
        self._out = b"\x16"

    def receive(self, records: bytes) -> bytes:
        if records[:1] == b"\x15":
            raise SecurityError("TLS ended")
        self._out += records[:8]
        return records if records[:1] == b"\x17" else b""

    def send(self, plain: bytes) -> None:
        self._out += plain

    def data_to_send(self) -> bytes:
        out, self._out = self._out, b""
        return out


def settings(mode: Security) -> WirelessSettings:
    return WirelessSettings(interval_s=60, security=mode, key=b"" if mode is Security.PLAIN else KEY)


RADIOS = [WirelessMeter(DEVICE, settings(mode), float(START)) for mode in Security]
TLS_RADIO = WirelessTlsMeter(DEVICE, settings(Security.PLAIN), Mirror, float(START))


@fuzz_target("wmbus-to-meter", TO_METER, inputs=30_000)
def to_meter(data: bytes) -> None:
    """Each meter has just spoken."""
    for radio in (*RADIOS, TLS_RADIO):
        now = radio.next_timeout()
        radio.handle_timeout(now)
        radio.receive(data, now)
        assert 1 <= len(radio.data_to_send()) <= 2


@fuzz_target("wmbus-to-gateway", FROM_METER)
def to_gateway(data: bytes) -> None:
    command = MeterCommand(GATEWAY, METER, RECORDS, mode=7, key=KEY, counter=1)
    for step in (Step.WAITING, Step.SAID, Step.ASKED):
        command.step = step
        command.receive(data)
    reading = TlsReading(GATEWAY, METER, Mirror, command=RECORDS)
    for frame in (FROM_METER[1], data, FROM_METER[2], data):
        reading.receive(frame)


@fuzz_target("wmbus-repeater", [*FROM_METER, *TO_METER])
def repeater(data: bytes) -> None:
    one = OneHopRepeater(GATEWAY, bytes, waiting_max=4)
    if one.receive(data, 0.0):
        (said, *_) = one.data_to_send(100.0)
        assert not one.receive(said, 0.0)
    Spacing(300.0).admit(data, 0.0)


@fuzz_target("wmbus-stick", [b"".join(map(kind.write, FROM_METER[:3])) for kind in STICKS.values()])
def stick(data: bytes) -> None:
    for kind in STICKS.values():
        parser = kind.parser()
        parser.feed(data[:20])
        parser.feed(data[20:])
