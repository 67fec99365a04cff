"""A meter on the air that speaks TLS (security mode 13): it tells nobody anything who has not proved who he is.

Without I/O, as `WirelessMeter`. Its broadcasts are empty (ACC-NR): a broadcast that is lost would break the order that
TLS lives by. Each frame to it is acknowledged while its window is open; what it has to say goes out piece by piece,
one for each request.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from openami.field.meter.airtime import Airtime
from openami.field.meter.pipe_meter import PipeMeter
from openami.field.meter.wireless_meter import APPLICATION_ERROR, REQ_UD2, SND_UD, WirelessSettings
from openami.field.meter.wireless_settings import apply_settings
from openami.model.errors import DecodeError, SecurityError
from openami.protocols.mbus.wireless.frame_format import encode_frame
from openami.protocols.mbus.wireless.link import ACC_NR, ACK, RSP_UD, SND_NKE
from openami.protocols.mbus.wireless.receiver import Receiver, Telegram
from openami.protocols.mbus.wireless.sealing import (
    ACCESSIBLE,
    BIDIRECTIONAL,
    NOTHING_CI,
    SYNCHRONOUS,
    Heading,
    plain_frame,
)
from openami.protocols.mbus.wireless.tls_message import SecureSession, records_in, tls_frames


class WirelessTlsMeter:
    """One meter's radio. `accept` makes a server's session; a gateway that begins anew gets a new one."""

    def __init__(
        self, meter: PipeMeter, settings: WirelessSettings, accept: Callable[[], SecureSession], start: float
    ) -> None:
        self.problem = ""
        self._meter = meter
        self._settings = settings
        self._accept = accept
        self._session: SecureSession | None = None
        self._receiver = Receiver()
        self._airtime = Airtime(settings.interval_s, settings.window_s, start)
        self._pieces: deque[bytes] = deque()
        self._out: list[bytes] = []

    def next_timeout(self) -> float:
        """When the next broadcast is due (UTC seconds)."""
        return self._airtime.due

    def handle_timeout(self, now: float) -> None:
        """Say that it is there, and listen behind it. What a session had not said is forgotten with it."""
        if now < self._airtime.due:
            return
        self._session = None
        self._pieces.clear()
        self._transmit(plain_frame(self._heading(ACC_NR, NOTHING_CI), b""))
        self._airtime.spoken(now)

    def receive(self, raw: bytes, now: float) -> bool:
        """A frame on the air; whether the meter heard it, was meant by it and took it. Its window then opens anew."""
        if not self._airtime.listens(now):
            return False
        try:
            telegram = self._receiver.receive(raw)
        except DecodeError:
            return False
        control = telegram.link.control
        if telegram.meter != self._meter.address:
            return False
        if control in SND_UD:
            self._acknowledge(self._take(telegram, now))
        elif control in REQ_UD2:
            self._answer(now)
        elif control != SND_NKE:
            return False
        self._airtime.heard(now, last=control == SND_NKE)
        return True

    def data_to_send(self) -> list[bytes]:
        """The frames that go on the air now, with checksums."""
        out, self._out = self._out, []
        return out

    def _take(self, telegram: Telegram, now: float) -> bool:
        """Hand what came to TLS; whether that went well."""
        records = records_in(telegram)
        if telegram.pending or records is None:
            return telegram.pending
        if self._session is None:
            self._session = self._accept()
        try:
            said = self._session.receive(records)
            return not said or apply_settings(self._meter, said, now)
        except (SecurityError, DecodeError) as error:
            if alert := self._session.data_to_send():
                self._pieces.extend(tls_frames(self._heading(RSP_UD), alert))
            self.problem, self._session = str(error), None
            return False

    def _answer(self, now: float) -> None:
        """The next piece; the registers, once the session is established and has nothing of its own to say."""
        session = self._session
        if not self._pieces and session is not None:
            records = session.data_to_send()
            if not records and session.established:
                session.send(b"".join(self._meter.records(now)))
                records = session.data_to_send()
            if records:
                self._pieces.extend(tls_frames(self._heading(RSP_UD), records))
        self._transmit(self._pieces.popleft() if self._pieces else plain_frame(self._heading(RSP_UD, NOTHING_CI), b""))

    def _acknowledge(self, well: bool) -> None:
        self._transmit(plain_frame(self._heading(ACK, NOTHING_CI, status=0 if well else APPLICATION_ERROR), b""))

    def _heading(self, control: int, ci: int = 0x7A, *, status: int = 0) -> Heading:
        flags = SYNCHRONOUS | BIDIRECTIONAL | ACCESSIBLE
        number, meter = self._airtime.access_number, self._meter.address
        return Heading(control=control, meter=meter, access_number=number, ci=ci, status=status, flags=flags)

    def _transmit(self, frame: bytes) -> None:
        self._out.append(encode_frame(frame, self._settings.frame_format))
