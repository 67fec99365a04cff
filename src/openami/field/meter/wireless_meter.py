"""A meter on the air: it broadcasts on its own intervals, listens for a moment behind each, and sleeps otherwise.

Without I/O: whoever plays the radio asks `next_timeout`, sends what `data_to_send` gives and hands over what it hears.
The interval between two telegrams depends on the access number, so that meters drift past one another:
t = (1 + (|n - 128| - 64) / 2048) × the nominal one (as the OMS group's published material has it).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from openami.field.meter.pipe_meter import PipeMeter
from openami.model.errors import DecodeError, SettingError
from openami.protocols.mbus.wireless.frame_format import FrameFormat, decode_frame, encode_frame
from openami.protocols.mbus.wireless.link import decode_link
from openami.protocols.mbus.wireless.sealing import (
    ACCESSIBLE,
    BIDIRECTIONAL,
    SYNCHRONOUS,
    mode_5_telegram,
    mode_7_telegram,
    plain_telegram,
)
from openami.protocols.mbus.wireless.transport import decode_transport

SND_NR, RSP_UD, ACK = 0x44, 0x08, 0x00
SND_NKE = 0x40
REQ_UD2 = (0x5B, 0x7B)
SND_UD = (0x43, 0x53, 0x73)


class Security(Enum):
    """How a telegram is sealed: its security mode."""

    PLAIN = 0
    MODE_5 = 5
    MODE_7 = 7


@dataclass(frozen=True, slots=True)
class WirelessSettings:
    """`window_s`: how long the meter listens behind a telegram; 0 makes it a one-way meter."""

    interval_s: float = 900.0
    window_s: float = 0.1
    security: Security = Security.PLAIN
    key: bytes = b""
    frame_format: FrameFormat = FrameFormat.A

    def __post_init__(self) -> None:
        if self.security is not Security.PLAIN and len(self.key) != 16:
            raise SettingError(f"a wireless M-Bus key has 16 bytes, not {len(self.key)}")
        if self.interval_s <= self.window_s:
            raise SettingError(f"an interval of {self.interval_s:g} s is not longer than its window")

    def __repr__(self) -> str:
        return f"WirelessSettings({self.interval_s:g} s, window {self.window_s:g} s, {self.security.name})"


class WirelessMeter:
    """One meter's radio. `counter` is the message counter of mode 7: its owner keeps it over restarts."""

    def __init__(self, meter: PipeMeter, settings: WirelessSettings, start: float, *, counter: int = 0) -> None:
        self._meter = meter
        self._settings = settings
        self._due = start
        self._open_until = start
        self._access_number = 0
        self.counter = counter
        self._out: list[bytes] = []

    def next_timeout(self) -> float:
        """When the next telegram is due (UTC seconds)."""
        return self._due

    def handle_timeout(self, now: float) -> None:
        """Send the telegram that is due, and listen behind it."""
        if now < self._due:
            return
        self._send(SND_NR, now)
        self._open_until = now + self._settings.window_s
        self._due = now + interval(self._access_number, self._settings.interval_s)
        self._access_number = (self._access_number + 1) & 0xFF

    def receive(self, raw: bytes, now: float) -> bool:
        """A frame on the air; whether the meter heard it, was meant by it and took it."""
        if now > self._open_until or not self._settings.window_s:
            return False
        try:
            data = decode_frame(raw).data
            link = decode_link(data)
            transport = decode_transport(data, 10)
        except DecodeError:
            return False
        if transport.address != self._meter.address:
            return False
        if link.control in REQ_UD2:
            self._send(RSP_UD, now)
        elif link.control == SND_NKE:
            self._open_until = now
        elif link.control in SND_UD:
            self._send(ACK, now, records=b"")
        else:
            return False
        return True

    def data_to_send(self) -> list[bytes]:
        """The frames that go on the air now, with checksums."""
        out, self._out = self._out, []
        return out

    def _send(self, control: int, now: float, *, records: bytes | None = None) -> None:
        told = b"".join(self._meter.records(now)) if records is None else records
        self._out.append(encode_frame(self._sealed(control, told), self._settings.frame_format))

    def _sealed(self, control: int, records: bytes) -> bytes:
        meter, settings, number = self._meter.address, self._settings, self._access_number
        flags = SYNCHRONOUS | (BIDIRECTIONAL | ACCESSIBLE if settings.window_s else 0)
        if settings.security is Security.MODE_7:
            self.counter += 1
            return mode_7_telegram(control, meter, number, records, settings.key, self.counter)
        if settings.security is Security.MODE_5:
            return mode_5_telegram(control, meter, number, records, settings.key, flags=flags)
        return plain_telegram(control, meter, number, records, flags=flags)


def interval(access_number: int, nominal_s: float) -> float:
    """Seconds from the telegram with this access number to the next one."""
    return (1 + (abs(access_number - 128) - 64) / 2048) * nominal_s
