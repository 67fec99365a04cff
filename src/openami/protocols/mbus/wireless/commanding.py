"""One command to one meter, said while its window is open: SND-UD, its acknowledgement, and what the meter says then.

The meter is heard first; a frame that comes later than its window is not heard by it. Sans-I/O: hand over what is
heard, send what comes back, until `outcome` is there.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from openami.model.errors import DecodeError, SettingError
from openami.model.quality import GuaranteeClass
from openami.protocols.mbus.application import decode_application
from openami.protocols.mbus.wireless.address import MeterAddress
from openami.protocols.mbus.wireless.keys import KeyStore
from openami.protocols.mbus.wireless.link import ACK, REQ_UD2, RSP_UD, SND_NKE, SND_NR, SND_UD
from openami.protocols.mbus.wireless.receiver import Receiver, Telegram
from openami.protocols.mbus.wireless.sealing import (
    COMMAND_CI,
    REQUEST_CI,
    Heading,
    mode_5_frame,
    mode_7_frame,
    mode_10_frame,
    plain_frame,
)
from openami.protocols.mbus.wireless.security import FILLER
from openami.protocols.mbus.wireless.transport import Content

MODES = (0, 5, 7, 10)
BARE_ERROR_CI = 0x70


class Step(Enum):
    """How far the command is."""

    WAITING = "waiting for the meter to speak"
    SAID = "waiting for its acknowledgement"
    ASKED = "waiting for its answer"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Outcome:
    """`answer` is the meter's telegram behind the command; `refused` its application error, empty if it obeyed.

    `verified` says whether a MAC proves that the answer is the meter's own.
    """

    answer: Telegram
    refused: str
    verified: bool


class MeterCommand:
    """`records` for `meter`, sealed in `mode` with `key`; in modes 7 and 10 no `counter` may come twice."""

    def __init__(
        self, gateway: MeterAddress, meter: MeterAddress, records: bytes, *, mode: int, key: bytes, counter: int
    ) -> None:
        if mode not in MODES:
            raise SettingError(f"security mode {mode}: must be 0, 5, 7 or 10")
        if mode and not key:
            raise SettingError(f"security mode {mode} needs the meter's key")
        self.step = Step.WAITING
        self.outcome: Outcome | None = None
        self._gateway = gateway
        self._meter = meter
        self._records = records
        self._mode = mode
        self._key = key
        self._counter = counter
        self._receiver = Receiver(KeyStore([key] if key else []))

    def receive(self, raw: bytes) -> bytes | None:
        """Take a frame that was heard; the frame to send at once, if one is due. Others' frames do nothing."""
        try:
            telegram = self._receiver.receive(raw)
        except DecodeError:
            return None
        if telegram.meter != self._meter or telegram.transport is None:
            return None
        control = telegram.link.control
        number = telegram.transport.access_number or 0
        if control == SND_NR and self.step in {Step.WAITING, Step.SAID}:
            self.step = Step.SAID
            return self._command(number)
        if control == ACK and self.step is Step.SAID:
            self.step = Step.ASKED
            return self._bare(REQ_UD2, number)
        if control == RSP_UD and self.step is Step.ASKED:
            self.step = Step.DONE
            self.outcome = _outcome(telegram)
            return self._bare(SND_NKE, number)
        return None

    def _command(self, number: int) -> bytes:
        heading = self._heading(SND_UD, number, COMMAND_CI)
        if self._mode in {7, 10}:
            seal = mode_7_frame if self._mode == 7 else mode_10_frame
            return seal(heading, self._records, self._key, self._counter)
        if self._mode == 5:
            return mode_5_frame(heading, self._records, self._key)
        return plain_frame(heading, self._records)

    def _bare(self, control: int, number: int) -> bytes:
        return plain_frame(self._heading(control, number, REQUEST_CI), b"")

    def _heading(self, control: int, number: int, ci: int) -> Heading:
        return Heading(control=control, meter=self._meter, access_number=number, ci=ci, gateway=self._gateway)


def _outcome(telegram: Telegram) -> Outcome:
    transport, opened = telegram.transport, telegram.opened
    verified = opened is not None and opened.guarantee <= GuaranteeClass.AUTHENTICATED
    if transport is None or transport.content is not Content.ERROR:
        return Outcome(telegram, "", verified)
    if telegram.content is None:
        return Outcome(telegram, "; ".join(telegram.problems), verified)
    error = decode_application(BARE_ERROR_CI, telegram.content.removeprefix(FILLER))
    return Outcome(telegram, error.meaning or "no reason given", verified)
