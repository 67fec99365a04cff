"""A meter on the air: it broadcasts on its own intervals, listens for a moment behind each, and sleeps otherwise.

Without I/O: whoever plays the radio asks `next_timeout`, sends what `data_to_send` gives and hands over what it hears.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from openami.field.meter.airtime import Airtime
from openami.field.meter.pipe_meter import VALVE_VIF, PipeMeter
from openami.field.meter.wireless_settings import apply_settings
from openami.model.errors import DecodeError, SettingError
from openami.model.quality import GuaranteeClass
from openami.protocols.mbus.application import PARAMETER_ERROR, PREMATURE_END, UNIMPLEMENTED_CI
from openami.protocols.mbus.dif import DataField, DataInformation
from openami.protocols.mbus.encode import number_record
from openami.protocols.mbus.wireless.frame_format import FrameFormat, encode_frame
from openami.protocols.mbus.wireless.keys import KeyStore
from openami.protocols.mbus.wireless.link import ACK, RSP_UD, SND_NKE, SND_NR
from openami.protocols.mbus.wireless.receiver import Receiver, Telegram
from openami.protocols.mbus.wireless.replay import Arrival, ReplayGuard
from openami.protocols.mbus.wireless.sealing import (
    ACCESSIBLE,
    BIDIRECTIONAL,
    ERROR_CI,
    NOTHING_CI,
    RECORDS_CI,
    SYNCHRONOUS,
    Heading,
    mode_5_frame,
    mode_7_frame,
    mode_10_frame,
    plain_frame,
)
from openami.protocols.mbus.wireless.transport import Content

REQ_UD2 = (0x5B, 0x7B)
SND_UD = (0x43, 0x53, 0x73)
APPLICATION_ERROR = 0x02
"""In the status byte: ask for the application error."""
SECURITY_ERROR, INADEQUATE_SECURITY = 0x20, 0x22


class Security(Enum):
    """How a telegram is sealed: its security mode."""

    PLAIN = 0
    MODE_5 = 5
    MODE_7 = 7
    MODE_10 = 10


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
    """One meter's radio. `counter` is the message counter of modes 7 and 10, `replay` knows those of commands: their
    owner keeps both over restarts.
    """

    def __init__(
        self,
        meter: PipeMeter,
        settings: WirelessSettings,
        start: float,
        *,
        counter: int = 0,
        replay: ReplayGuard | None = None,
    ) -> None:
        self._meter = meter
        self._settings = settings
        self._receiver = Receiver(KeyStore([settings.key] if settings.key else []), replay=replay or ReplayGuard())
        self._airtime = Airtime(settings.interval_s, settings.window_s, start)
        self._error: int | None = None
        self.counter = counter
        self._out: list[bytes] = []

    def next_timeout(self) -> float:
        """When the next telegram is due (UTC seconds)."""
        return self._airtime.due

    def handle_timeout(self, now: float) -> None:
        """Send the telegram that is due, and listen behind it."""
        if now < self._airtime.due:
            return
        self._send(SND_NR, RECORDS_CI, b"".join(self._meter.records(now)))
        self._airtime.spoken(now)

    def receive(self, raw: bytes, now: float) -> bool:
        """A frame on the air; whether the meter heard it, was meant by it and took it. Its window then opens anew."""
        if not self._airtime.listens(now):
            return False
        try:
            telegram = self._receiver.receive(raw)
        except DecodeError:
            return False
        if telegram.transport is None or telegram.transport.address != self._meter.address:
            return False
        if not self._take(telegram, now):
            return False
        self._airtime.heard(now, last=telegram.link.control == SND_NKE)
        return True

    def data_to_send(self) -> list[bytes]:
        """The frames that go on the air now, with checksums."""
        out, self._out = self._out, []
        return out

    def _take(self, telegram: Telegram, now: float) -> bool:
        control = telegram.link.control
        if control in REQ_UD2:
            self._answer(now)
        elif control in SND_UD:
            self._error = self._obey(telegram, now)
            self._acknowledge()
        return control in REQ_UD2 or control in SND_UD or control == SND_NKE

    def _answer(self, now: float) -> None:
        """The application error of the last command, once; else all records, and how the valve stands."""
        error, self._error = self._error, None
        if error is not None:
            self._send(RSP_UD, ERROR_CI, bytes((error,)))
            return
        valve = number_record(VALVE_VIF, int(not self._meter.flow.closed), DataInformation(DataField.INTEGER_8))
        self._send(RSP_UD, RECORDS_CI, b"".join([*self._meter.records(now), valve]))

    def _acknowledge(self) -> None:
        """Plain, as the link layer's frames are; that a command was refused stands in the status."""
        status = 0 if self._error is None else APPLICATION_ERROR
        heading = self._heading(ACK, NOTHING_CI, status=status)
        self._out.append(encode_frame(plain_frame(heading, b""), self._settings.frame_format))

    def _obey(self, telegram: Telegram, now: float) -> int | None:
        """Do what a command says, all of it or nothing; the application error if it is not done.

        A radio is anybody's: only who has proved to know the key is obeyed, so nobody in plain or mode 5. One that came
        again was obeyed already.
        """
        content, opened, transport = telegram.content, telegram.opened, telegram.transport
        if transport is None or transport.content is not Content.COMMAND:
            return UNIMPLEMENTED_CI
        if content is None or opened is None:
            return SECURITY_ERROR
        if opened.guarantee > GuaranteeClass.SHARED_KEYS:
            return INADEQUATE_SECURITY
        if telegram.arrival is Arrival.AGAIN:
            return None
        try:
            return None if apply_settings(self._meter, content, now) else PARAMETER_ERROR
        except DecodeError:
            return PREMATURE_END

    def _heading(self, control: int, ci: int, *, status: int = 0, flags: int = 0) -> Heading:
        number, meter = self._airtime.access_number, self._meter.address
        return Heading(control=control, meter=meter, access_number=number, ci=ci, status=status, flags=flags)

    def _send(self, control: int, ci: int, content: bytes) -> None:
        settings = self._settings
        flags = SYNCHRONOUS | (BIDIRECTIONAL | ACCESSIBLE if settings.window_s else 0)
        heading = self._heading(control, ci, flags=flags)
        if settings.security in {Security.MODE_7, Security.MODE_10}:
            self.counter += 1
            seal = mode_7_frame if settings.security is Security.MODE_7 else mode_10_frame
            sealed = seal(heading, content, settings.key, self.counter)
        elif settings.security is Security.MODE_5:
            sealed = mode_5_frame(heading, content, settings.key)
        else:
            sealed = plain_frame(heading, content)
        self._out.append(encode_frame(sealed, settings.frame_format))
