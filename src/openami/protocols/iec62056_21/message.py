"""The messages of IEC 62056-21 modes A to D, and their block check.

    /?address! CR LF                     request
    /XXXZidentification CR LF            identification; Z names the speed and the mode
    ACK V Z Y CR LF                      acknowledgement and choice of what follows
    SOH C D STX data ETX BCC             command: password, read, write, execute, break
    STX data ETX BCC                     data; EOT instead of ETX where more blocks follow
    ACK, NAK                             agreed, say it again

The block check is the exclusive or of all characters after the first SOH or STX up to ETX or EOT. (From public
descriptions and programs of the field; the text of the standard was not at hand.)
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import reduce
from operator import xor
from typing import Final

from openami.model.errors import DecodeError, FrameCheckError, LocalProtocolError

SOH, STX, ETX, EOT, ACK, NAK = b"\x01", b"\x02", b"\x03", b"\x04", b"\x06", b"\x15"
LINE_END: Final = b"\r\n"
MODE_C_SPEEDS: Final = {chr(ord("0") + index): 300 << index for index in range(7)}
"""Speed in mode C by the character Z; 6 is 19200."""
MODE_B_SPEEDS: Final = {chr(ord("A") + index): 600 << index for index in range(6)}
START_SPEED: Final = 300
_COMMANDS: Final = {
    "P": frozenset("012"),
    "R": frozenset("123456"),
    "W": frozenset("123456"),
    "E": frozenset("2"),
    "B": frozenset("0"),
}


class Option(IntEnum):
    """What is to follow an acknowledgement, its character Y."""

    DATA_READOUT = 0
    PROGRAMMING_MODE = 1
    BINARY_MODE = 2


@dataclass(frozen=True, slots=True)
class Identification:
    """What a device says of itself. `speed_character` Z: a digit is mode C, A to F mode B, anything else mode A."""

    manufacturer: str
    speed_character: str
    text: str

    @property
    def mode(self) -> str:
        """A, B or C; what sends at once without being asked is mode D."""
        if self.speed_character in MODE_C_SPEEDS:
            return "C"
        return "B" if self.speed_character in MODE_B_SPEEDS else "A"

    @property
    def speed(self) -> int:
        """The speed that Z proposes; the starting one in mode A."""
        return (MODE_C_SPEEDS | MODE_B_SPEEDS).get(self.speed_character, START_SPEED)

    @property
    def reaction_s(self) -> float:
        """How long the device needs before it may be answered: 20 ms if the maker's third letter is small."""
        return 0.02 if self.manufacturer[2:].islower() else 0.2


@dataclass(frozen=True, slots=True)
class Command:
    """`letter` P, R, W, E or B, its type digit, and the data between STX and ETX, None if there is none."""

    letter: str
    type: str
    data: str | None = None


@dataclass(frozen=True, slots=True)
class DataBlock:
    """Data of an answer; `more` says that further blocks follow."""

    data: str
    more: bool = False


def block_check(octets: bytes) -> bytes:
    """BCC of everything after the first SOH or STX, up to and with ETX or EOT."""
    return bytes((reduce(xor, octets, 0) & 0x7F,))


def encode_request(address: str = "") -> bytes:
    """The call that opens a conversation."""
    return f"/?{_checked(address)}!".encode("ascii") + LINE_END


def encode_identification(identification: Identification) -> bytes:
    """The answer of a device to a request."""
    if len(identification.manufacturer) != 3 or len(identification.speed_character) != 1:
        raise LocalProtocolError(f"{identification} is no identification: three letters and one character")
    line = identification.manufacturer + identification.speed_character + identification.text
    return f"/{_checked(line)}".encode("ascii") + LINE_END


def decode_identification(line: bytes) -> Identification:
    """A line `/XXXZ…`, with or without its end; raises `DecodeError`."""
    text = line.rstrip(LINE_END).decode("latin-1")
    if len(text) < 5 or text[0] != "/" or not text[1:4].isalpha() or text[1] == "?":
        raise DecodeError(f"{text[:20]!r} is no identification; it begins with / and three letters", 0)
    return Identification(text[1:4], text[4], text[5:])


def encode_acknowledgement(speed_character: str, option: Option) -> bytes:
    """The choice of what follows, at the speed of `speed_character`."""
    return ACK + f"0{speed_character}{int(option)}".encode("ascii") + LINE_END


def encode_command(command: Command) -> bytes:
    """A command with its block check; `LocalProtocolError` for one that does not exist."""
    if command.type not in _COMMANDS.get(command.letter, ()):
        raise LocalProtocolError(f"there is no command {command.letter}{command.type}")
    data = b"" if command.data is None else STX + _checked(command.data).encode("ascii")
    body = (command.letter + command.type).encode("ascii") + data + ETX
    return SOH + body + block_check(body)


def decode_command(octets: bytes) -> Command:
    """One command; raises `DecodeError`, `FrameCheckError` for a wrong block check."""
    if len(octets) < 5 or octets[:1] != SOH or octets[-2:-1] != ETX:
        raise DecodeError("a command begins with SOH and ends with ETX and a block check", 0, ("Command",))
    _check(octets)
    head, separator, data = octets[1:-2].partition(STX)
    text = head.decode("latin-1")
    if len(text) != 2 or text[1] not in _COMMANDS.get(text[0], ()):
        raise DecodeError(f"command {text!r} is not known", 1, ("Command",))
    return Command(text[0], text[1], data.decode("latin-1") if separator else None)


def encode_data_block(block: DataBlock) -> bytes:
    """Data with its block check."""
    body = _checked(block.data, lines=True).encode("ascii") + (EOT if block.more else ETX)
    return STX + body + block_check(body)


def decode_data_block(octets: bytes) -> DataBlock:
    """Data with its block check; raises `DecodeError`, `FrameCheckError` for a wrong block check."""
    if len(octets) < 3 or octets[:1] != STX or octets[-2:-1] not in {ETX, EOT}:
        raise DecodeError("data begin with STX and end with ETX or EOT and a block check", 0, ("DataBlock",))
    _check(octets)
    return DataBlock(octets[1:-2].decode("latin-1"), octets[-2:-1] == EOT)


def without_parity(octets: bytes) -> bytes:
    """Seven data bits of octets that came with even parity through a port of eight; raises `FrameCheckError`."""
    for offset, octet in enumerate(octets):
        if octet.bit_count() & 1:
            raise FrameCheckError(f"octet {octet:02x} has odd parity", offset)
    return bytes(octet & 0x7F for octet in octets)


def _check(octets: bytes) -> None:
    expected = block_check(octets[1:-1])
    if octets[-1:] != expected:
        raise FrameCheckError(
            f"block check {octets[-1]:02x}, calculated {expected[0]:02x}", len(octets) - 1, ("block check",)
        )


def _checked(text: str, *, lines: bool = False) -> str:
    if not text.isascii() or any(letter < " " and not (lines and letter in "\r\n") for letter in text):
        raise LocalProtocolError(f"{text!r} holds characters that end a message")
    return text
