"""The frames of the wired bus: the single character, short frames, and long frames (control frames have no data).

Facts from public descriptions of EN 13757-2 and EN 60870-5-1 format class FT 1.2; the standards' texts were not at
hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from openami.model.errors import DecodeError, FrameCheckError, LocalProtocolError

ACKNOWLEDGE = 0xE5
START_SHORT = 0x10
START_LONG = 0x68
STOP = 0x16
SHORT_SIZE = 5
OVERHEAD = 6
"""Bytes of a long frame that its length field does not count."""
LENGTH_MIN = 3
DATA_MAX = 255 - LENGTH_MIN

PRIMARY_MAX = 250
"""Addresses 1..250 are for meters, 0 for those that have none yet."""
NETWORK_LAYER = 0xFD
"""Whoever is selected by secondary address answers here."""
TEST = 0xFE
"""All answer; for a single meter on the bus."""
BROADCAST = 0xFF
"""All hear, none answers."""

FCB = 0x20
FCV = 0x10
ACD = 0x20
DFC = 0x10


class Control(Enum):
    """The C field without FCB, ACD and DFC."""

    SND_NKE = 0x40
    SND_UD = 0x53
    REQ_UD2 = 0x5B
    REQ_UD1 = 0x5A
    RSP_UD = 0x08


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """The single character E5."""


@dataclass(frozen=True, slots=True)
class ShortFrame:
    """Five bytes from a primary: initialise, or ask for data."""

    control: int
    address: int


@dataclass(frozen=True, slots=True)
class LongFrame:
    """A frame with CI field; without data it is what the standard calls a control frame."""

    control: int
    address: int
    ci: int
    data: bytes = b""


WiredFrame = Acknowledge | ShortFrame | LongFrame


def control_name(control: int) -> str:
    """The C field in words, for example `REQ_UD2`."""
    if not control & 0x40:
        return "RSP_UD" if control & ~(ACD | DFC) == Control.RSP_UD.value else f"control {control:02x}"
    for known in Control:
        if control & ~FCB == known.value & ~FCB:
            return known.name
    return f"control {control:02x}"


def encode_frame(frame: WiredFrame) -> bytes:
    """The bytes of `frame`; raises `LocalProtocolError` if its data do not fit."""
    if isinstance(frame, Acknowledge):
        return bytes((ACKNOWLEDGE,))
    if isinstance(frame, ShortFrame):
        return bytes((START_SHORT, frame.control, frame.address, checksum(frame.control, frame.address), STOP))
    if len(frame.data) > DATA_MAX:
        raise LocalProtocolError(f"{len(frame.data)} bytes of data do not fit into a frame of at most {DATA_MAX}")
    body = bytes((frame.control, frame.address, frame.ci)) + frame.data
    return bytes((START_LONG, len(body), len(body), START_LONG)) + body + bytes((checksum(*body), STOP))


def checksum(*octets: int) -> int:
    """The arithmetic sum, modulo 256."""
    return sum(octets) & 0xFF


def decode_frame(data: bytes) -> WiredFrame:
    """Read exactly one frame; raises `DecodeError`, `FrameCheckError` for a wrong checksum."""
    if not data:
        raise DecodeError("no bytes, where an M-Bus frame is expected", 0)
    size = frame_size(data, 0)
    if size is None or size > len(data):
        raise DecodeError(f"the frame is cut off: {len(data)} bytes of {size or 'at least 4'}", len(data))
    frame = read_frame(data, 0, size)
    if len(data) > size:
        raise DecodeError(f"{len(data) - size} bytes left over behind the frame", size)
    return frame


def frame_size(data: bytes, at: int) -> int | None:
    """How many bytes the frame at `data[at]` has; `None` as long as they do not tell. Raises `DecodeError`."""
    start = data[at]
    if start == ACKNOWLEDGE:
        return 1
    if start == START_SHORT:
        return SHORT_SIZE
    if start != START_LONG:
        raise DecodeError(f"no M-Bus frame begins with {start:02x}", at)
    head = data[at : at + 4]
    if head[2:3] not in {b"", head[1:2]}:
        raise DecodeError(f"the two length fields {head[1]} and {head[2]} differ", at + 1)
    if head[3:4] not in {b"", b"\x68"}:
        raise DecodeError(f"second start byte {head[3]:02x}, expected 68", at + 3)
    if len(head) > 1 and head[1] < LENGTH_MIN:
        raise DecodeError(f"length {head[1]}, at least {LENGTH_MIN} expected", at + 1)
    return head[1] + OVERHEAD if len(head) == 4 else None


def read_frame(data: bytes, at: int, size: int) -> WiredFrame:
    """The frame in `data[at:at + size]`, whose start and size `frame_size` has checked."""
    if size == 1:
        return Acknowledge()
    end = at + size
    body = data[at + (1 if size == SHORT_SIZE else 4) : end - 2]
    if data[end - 1] != STOP:
        raise DecodeError(f"stop byte {data[end - 1]:02x}, expected 16", end - 1)
    expected = checksum(*body)
    if data[end - 2] != expected:
        raise FrameCheckError(f"checksum {data[end - 2]:02x}, calculated {expected:02x}", end - 2)
    if size == SHORT_SIZE:
        return ShortFrame(body[0], body[1])
    return LongFrame(body[0], body[1], body[2], body[3:])
