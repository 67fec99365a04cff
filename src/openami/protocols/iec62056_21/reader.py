"""The reading side of IEC 62056-21: sign-on, read-out, programming mode; no I/O.

A reader is a core as all are: `receive`, `next_event`, `data_to_send`, `next_timeout`, `handle_timeout`, `closed`.
Its event `ChangeSpeed` tells the driver to send nothing more before the line speaks at the new speed.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, TypeAlias

from openami.model.errors import DecodeError, LocalProtocolError
from openami.protocols.iec62056_21.channel import Channel
from openami.protocols.iec62056_21.message import (
    ACK,
    NAK,
    START_SPEED,
    Command,
    Identification,
    Option,
    decode_command,
    decode_data_block,
    decode_identification,
    encode_acknowledgement,
    encode_command,
    encode_request,
)

ATTEMPTS: Final = 3
WAKE_UP: Final = bytes(65)
"""Zeros for about 2.2 s at 300 baud, which wake a device that runs on a battery."""


@dataclass(frozen=True, slots=True)
class SignedOn:
    """The device said who it is."""

    identification: Identification


@dataclass(frozen=True, slots=True)
class ChangeSpeed:
    """From now on the line speaks at `speed` baud."""

    speed: int


@dataclass(frozen=True, slots=True)
class DataReceived:
    """The data of a read-out or of an answer, all blocks joined."""

    data: str


@dataclass(frozen=True, slots=True)
class PasswordRequested:
    """Programming mode is open; `operand` is what the device gives for the password, often nothing."""

    operand: str


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The device did what it was told."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The device said no, or nothing usable, as often as it was asked."""

    reason: str


ReaderEvent: TypeAlias = SignedOn | ChangeSpeed | DataReceived | PasswordRequested | Acknowledged | Refused


class _State(Enum):
    IDLE = auto()
    IDENTIFICATION = auto()
    READOUT = auto()
    PROGRAMMING = auto()
    ANSWER = auto()


class Reader:
    """One conversation after another with devices on one line.

    `follow_speed` False keeps the speed, for heads that cannot change it and for devices that do not follow the speed
    they propose; the acknowledgement then proposes 300 baud. `wake_up` sends zeros first.
    """

    def __init__(self, *, answer_s: float = 2.0, follow_speed: bool = True, wake_up: bool = False) -> None:
        self._answer_s = answer_s
        self._follow = follow_speed
        self._wake_up = wake_up
        self._channel = Channel()
        self._events: deque[ReaderEvent] = deque()
        self._out = b""
        self._last = b""
        self._state = _State.IDLE
        self._option = Option.DATA_READOUT
        self._due: float | None = None
        self._attempts = 0
        self._blocks: list[str] = []

    def sign_on(self, now: float, address: str = "", option: Option = Option.DATA_READOUT) -> None:
        """Call the device with `address` (empty: any) and choose what follows."""
        if option is Option.BINARY_MODE:
            raise LocalProtocolError("binary mode leads to HDLC, which this reader does not speak")
        self._option = option
        self._channel.clear()
        self._ask((WAKE_UP if self._wake_up else b"") + encode_request(address), _State.IDENTIFICATION, now)

    def command(self, command: Command, now: float) -> None:
        """Ask in programming mode: a password, a read, a write."""
        if self._state is not _State.PROGRAMMING:
            raise LocalProtocolError("commands need programming mode; sign on with Option.PROGRAMMING_MODE first")
        self._ask(encode_command(command), _State.ANSWER, now)

    def sign_off(self) -> None:
        """End programming mode; nothing is answered."""
        self._out += encode_command(Command("B", "0"))
        self._state, self._due = _State.IDLE, None

    def receive(self, data: bytes, now: float) -> None:
        self._channel.feed(data)
        if self._due is not None:
            self._due = now + self._answer_s
        while self._state is not _State.IDLE and (message := self._channel.next()) is not None:
            try:
                self._message(message, now)
            except DecodeError as error:
                self._again(str(error), now)

    def next_event(self) -> ReaderEvent | None:
        return self._events.popleft() if self._events else None

    def data_to_send(self, now: float) -> bytes:
        out, self._out = self._out, b""
        return out

    def next_timeout(self) -> float | None:
        return self._due

    def handle_timeout(self, now: float) -> None:
        if self._due is not None and now >= self._due:
            self._again(f"nothing usable within {self._answer_s:g} s", now)

    def closed(self, now: float) -> None:
        if self._due is not None:
            self._refuse("the line ended")

    def _message(self, message: bytes, now: float) -> None:
        first = message[:1]
        if first == b"/" and self._state is _State.IDENTIFICATION:
            if not message.startswith(b"/?"):  # an echo of our own request
                self._identified(decode_identification(message), now)
        elif first == NAK:
            self._again("not accepted", now)
        elif first == ACK and self._state is _State.ANSWER:
            self._done(Acknowledged(), _State.PROGRAMMING)
        elif first == b"\x01" and message != self._last:
            self._command(decode_command(message))
        elif first == b"\x02":
            self._data(message, now)

    def _identified(self, identification: Identification, now: float) -> None:
        self._events.append(SignedOn(identification))
        mode, speed = identification.mode, identification.speed
        self._attempts, self._blocks = 0, []
        if mode == "C":
            character = identification.speed_character if self._follow else "0"
            self._out += encode_acknowledgement(character, self._option)
        self._last = b""
        if mode != "A" and self._follow and speed != START_SPEED:
            self._events.append(ChangeSpeed(speed))
        self._state = _State.READOUT
        self._due = now + self._answer_s

    def _command(self, command: Command) -> None:
        if command.letter == "P" and self._state in {_State.READOUT, _State.ANSWER}:
            self._done(PasswordRequested((command.data or "").strip("()")), _State.PROGRAMMING)
        elif command.letter == "B":
            self._refuse("the device ended the conversation")

    def _data(self, message: bytes, now: float) -> None:
        block = decode_data_block(message)
        self._blocks.append(block.data)
        if block.more:
            self._last = ACK
            self._out += ACK
            self._due = now + self._answer_s
            return
        after = _State.PROGRAMMING if self._state is _State.ANSWER else _State.IDLE
        self._done(DataReceived("".join(self._blocks)), after)

    def _ask(self, octets: bytes, state: _State, now: float) -> None:
        self._out += octets
        self._last = octets
        self._state, self._due, self._attempts, self._blocks = state, now + self._answer_s, 0, []

    def _done(self, event: ReaderEvent, state: _State) -> None:
        self._events.append(event)
        self._state, self._due, self._blocks = state, None, []

    def _again(self, reason: str, now: float) -> None:
        self._attempts += 1
        if self._attempts >= ATTEMPTS:
            self._refuse(reason)
            return
        self._out += self._last or NAK
        self._due = now + self._answer_s

    def _refuse(self, reason: str) -> None:
        after = _State.PROGRAMMING if self._state is _State.ANSWER else _State.IDLE
        self._done(Refused(reason), after)
