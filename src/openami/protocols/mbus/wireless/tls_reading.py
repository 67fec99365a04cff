"""Reading a meter through TLS on the air: handshake, then records, all while its window is open. Sans-I/O.

The meter is heard first (ACC-NR); each frame to it is acknowledged, and what it has to say is asked for piece by piece.
What is lost ends the session: it begins anew when the meter is heard next.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from openami.model.errors import DecodeError, SecurityError
from openami.protocols.mbus.wireless.address import MeterAddress
from openami.protocols.mbus.wireless.link import ACC_NR, ACK, REQ_UD2, RSP_UD, SND_NKE, SND_UD
from openami.protocols.mbus.wireless.receiver import Receiver, Telegram
from openami.protocols.mbus.wireless.sealing import COMMAND_CI, REQUEST_CI, Heading, plain_frame
from openami.protocols.mbus.wireless.tls_message import SecureSession, records_in, tls_frames


class TlsReading:
    """Reads `meter` from `gateway`'s side; `begin` makes a client's session. `content` is what the meter said.

    `command`, records for the meter, is said first once both have proved who they are. `problem` says why a session
    ended.
    """

    def __init__(
        self, gateway: MeterAddress, meter: MeterAddress, begin: Callable[[], SecureSession], *, command: bytes = b""
    ) -> None:
        self.content: bytes | None = None
        self.problem = ""
        self._gateway = gateway
        self._meter = meter
        self._begin = begin
        self._command = command
        self._commanded = False
        self._session: SecureSession | None = None
        self._frames: deque[bytes] = deque()
        self._receiver = Receiver()

    def receive(self, raw: bytes) -> bytes | None:
        """Take a frame that was heard; the frame to send at once, if one is due. Others' frames do nothing."""
        try:
            telegram = self._receiver.receive(raw)
        except DecodeError as error:
            self.problem = str(error)
            return None
        if self._meter not in {telegram.meter, telegram.link.address} or self.content is not None:
            return None
        try:
            return self._next(telegram)
        except SecurityError as error:
            self.problem, self._session = str(error), None
            return self._bare(SND_NKE)

    def _next(self, telegram: Telegram) -> bytes | None:
        control = telegram.link.control
        if control == ACC_NR:
            self._session, self._commanded = self._begin(), False
            self._frames.clear()
            return self._say()
        if self._session is None or control not in {ACK, RSP_UD}:
            return None
        if control == ACK:
            return self._frames.popleft() if self._frames else self._bare(REQ_UD2)
        records = records_in(telegram)
        if telegram.pending:
            return self._bare(REQ_UD2)
        if records is None:
            raise SecurityError(f"{self._meter} has nothing to say: its TLS session has ended")
        plain = self._session.receive(records)
        if plain:
            self.content = plain
            return self._bare(SND_NKE)
        return self._say()

    def _say(self) -> bytes:
        """The first frame of what TLS wants carried, the others behind its acknowledgement; a request if nothing."""
        assert self._session is not None
        if self._session.established and self._command and not self._commanded:
            self._session.send(self._command)
            self._commanded = True
        records = self._session.data_to_send()
        if not records:
            return self._bare(REQ_UD2)
        self._frames.extend(tls_frames(self._heading(SND_UD, COMMAND_CI), records))
        return self._frames.popleft()

    def _bare(self, control: int) -> bytes:
        return plain_frame(self._heading(control, REQUEST_CI), b"")

    def _heading(self, control: int, ci: int) -> Heading:
        return Heading(control=control, meter=self._meter, access_number=0, ci=ci, gateway=self._gateway)
