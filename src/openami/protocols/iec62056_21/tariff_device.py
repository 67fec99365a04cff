"""The meter's side of IEC 62056-21: sign-on, read-out, programming mode; no I/O.

What the registers are is the meter's affair: it hands in a read-out and functions that read and write.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from hmac import compare_digest
from typing import Final

from openami.model.errors import DecodeError
from openami.protocols.iec62056_21.channel import Channel
from openami.protocols.iec62056_21.data_set import DataSet, encode_data_sets
from openami.protocols.iec62056_21.message import (
    ACK,
    NAK,
    START_SPEED,
    Command,
    DataBlock,
    Identification,
    Option,
    decode_command,
    encode_command,
    encode_data_block,
    encode_identification,
)
from openami.protocols.iec62056_21.reader import ChangeSpeed
from openami.protocols.wire.lockout import Lockout

INACTIVITY_S: Final = 60.0
_OPTION_AT: Final = 3


@dataclass(frozen=True, slots=True)
class DeviceSettings:
    """What a device says and allows.

    `readout` gives the data sets of a read-out. `read` answers a read command with the text of its data, or None for
    what is not there; `write` tells whether it was done. `passwords` are P1 and P2 by their digit; reading needs any of
    them and writing too, none at all if the mapping is empty.
    """

    identification: Identification
    readout: Callable[[], Iterable[DataSet]]
    address: str = ""
    passwords: Mapping[str, str] = field(default_factory=dict, repr=False)
    read: Callable[[Command], str | None] = lambda _command: None
    write: Callable[[Command], bool] = lambda _command: False
    block_size: int = 0
    """Answers to partial reads (R3, R4) come in blocks of so many characters; 0: whole."""


@dataclass(frozen=True, slots=True)
class LockedOut:
    """Too many passwords were wrong: for a while none is looked at."""


@dataclass(frozen=True, slots=True)
class CommandRefused:
    """Somebody wanted to write or execute what may not be, or had not proven himself."""

    command: Command


DeviceEvent = ChangeSpeed | LockedOut | CommandRefused


class _State(Enum):
    WAITING = auto()
    OPTION = auto()
    PROGRAMMING = auto()


class TariffDevice:
    """One device on a line; the same shape of core as `Reader`.

    Wrong passwords are counted in `lockout`, which outlives the line.
    """

    def __init__(self, settings: DeviceSettings, lockout: Lockout | None = None) -> None:
        self._settings = settings
        self._lockout = lockout or Lockout()
        self._channel = Channel()
        self._out: deque[bytes | ChangeSpeed] = deque()
        self._last = b""
        self._state = _State.WAITING
        self._open = False
        self._noticed: deque[LockedOut | CommandRefused] = deque()
        self._blocks: deque[bytes] = deque()
        self._due: float | None = None

    def receive(self, data: bytes, now: float) -> None:
        self._channel.feed(data)
        while (message := self._channel.next(options=self._state is _State.OPTION)) is not None:
            self._message(message, now)

    def next_event(self) -> DeviceEvent | None:
        if self._noticed:
            return self._noticed.popleft()
        if self._out and isinstance(self._out[0], ChangeSpeed):
            event = self._out.popleft()
            assert isinstance(event, ChangeSpeed)
            return event
        return None

    def data_to_send(self, now: float) -> bytes:
        """Octets up to the next change of speed."""
        out = b""
        while self._out and isinstance(octets := self._out[0], bytes):
            out += octets
            self._out.popleft()
        return out

    def next_timeout(self) -> float | None:
        return self._due

    def handle_timeout(self, now: float) -> None:
        if self._due is not None and now >= self._due:
            self._end()

    def closed(self, now: float) -> None:
        self._end()

    def _message(self, message: bytes, now: float) -> None:
        first = message[:1]
        if first == b"/":
            self._called(message, now)
        elif self._state is _State.OPTION and first == ACK:
            self._chosen(message, now)
        elif self._state is _State.PROGRAMMING and first == b"\x01":
            self._due = now + INACTIVITY_S
            self._commanded(message, now)
        elif first == NAK and self._last:
            self._out.append(self._last)
        elif first == ACK and self._blocks:
            self._send(self._blocks.popleft())

    def _called(self, message: bytes, now: float) -> None:
        address = message[2:].partition(b"!")[0].decode("latin-1").lstrip("0")
        if not message.startswith(b"/?") or address not in {"", self._settings.address.lstrip("0")}:
            return
        identification = self._settings.identification
        self._end()
        self._send(encode_identification(identification))
        self._state, self._due = _State.OPTION, now + INACTIVITY_S
        if identification.mode != "C":
            self._speed(identification)
            self._read_out()

    def _chosen(self, message: bytes, now: float) -> None:
        identification = self._settings.identification
        if message[2:3] == identification.speed_character.encode("ascii"):
            self._speed(identification)
        if message[_OPTION_AT : _OPTION_AT + 1] != b"%d" % Option.PROGRAMMING_MODE:
            self._read_out()
            return
        self._state, self._due = _State.PROGRAMMING, now + INACTIVITY_S
        self._send(encode_command(Command("P", "0", "()")))

    def _speed(self, identification: Identification) -> None:
        if identification.speed != START_SPEED:
            self._out.append(ChangeSpeed(identification.speed))

    def _read_out(self) -> None:
        text = encode_data_sets(self._settings.readout()) + "!\r\n"
        self._state = _State.WAITING
        self._due = None
        self._send(encode_data_block(DataBlock(text)))

    def _commanded(self, message: bytes, now: float) -> None:
        try:
            command = decode_command(message)
        except DecodeError:
            self._out.append(NAK)
            return
        if command.letter == "B":
            self._end()
        elif command.letter == "P":
            self._password(command, now)
        elif self._settings.passwords and not self._open:
            self._refuse(command, "(ER01)")
        elif command.letter == "R":
            self._answer(command)
        elif self._settings.write(command):
            self._send(ACK)
        else:
            self._refuse(command, "(ER02)")

    def _refuse(self, command: Command, error: str) -> None:
        if command.letter != "R":
            self._noticed.append(CommandRefused(command))
        self._send(encode_data_block(DataBlock(error)))

    def _password(self, command: Command, now: float) -> None:
        if self._lockout.holds(now):
            self._break()
            return
        known = self._settings.passwords.get(command.type)
        given = (command.data or "")[1:-1]
        if known is not None and compare_digest(known.encode(), given.encode("latin-1")):
            self._open = True
            self._lockout.right()
            self._send(ACK)
        elif self._lockout.wrong(now):
            self._noticed.append(LockedOut())
            self._break()
        else:
            self._send(NAK)

    def _break(self) -> None:
        self._send(encode_command(Command("B", "0")))
        self._end(keep=True)

    def _answer(self, command: Command) -> None:
        text = self._settings.read(command)
        if text is None:
            self._send(encode_data_block(DataBlock("(ER03)")))
            return
        size = self._settings.block_size if command.type in "34" else 0
        pieces = [text[at : at + size] for at in range(0, len(text), size)] if size else [text]
        blocks = [encode_data_block(DataBlock(piece, more=True)) for piece in pieces[:-1]]
        self._blocks = deque([*blocks, encode_data_block(DataBlock(pieces[-1]))])
        self._send(self._blocks.popleft())

    def _send(self, octets: bytes) -> None:
        self._out.append(octets)
        self._last = octets

    def _end(self, *, keep: bool = False) -> None:
        self._state, self._open, self._due = _State.WAITING, False, None
        self._blocks.clear()
        if not keep:
            self._last = b""
