"""What SNRM offers and UA grants: sizes of information fields and windows, and the waits of a line.

Layout (from published UA frames): 81 80, length, then identifier, length and value of each parameter: 05 and 06
sizes, 07 and 08 windows, as the sender of the frame transmits (05, 07) and receives (06, 08). What is absent has its
default: 128 bytes and a window of 1. Sizes are written in 1 byte if they fit, windows in 4.
"""

from __future__ import annotations

from dataclasses import dataclass

from openami.model.errors import DecodeError, SettingError

INFORMATION_SIZE_DEFAULT = 128
INFORMATION_SIZE_MIN = 32
INFORMATION_SIZE_MAX = 2030
WINDOW_MAX = 7
_HEADER = b"\x81\x80"
_WHERE = ("HdlcParameters",)


@dataclass(frozen=True, slots=True)
class HdlcParameters:
    """As the side that holds them sees them: what it may transmit and what it may receive.

    Sizes count bytes of the information field, windows count frames before an acknowledgement.
    """

    information_size_transmit: int = INFORMATION_SIZE_DEFAULT
    information_size_receive: int = INFORMATION_SIZE_DEFAULT
    window_transmit: int = 1
    window_receive: int = 1

    def __post_init__(self) -> None:
        for size in (self.information_size_transmit, self.information_size_receive):
            if not INFORMATION_SIZE_MIN <= size <= INFORMATION_SIZE_MAX:
                allowed = f"{INFORMATION_SIZE_MIN} to {INFORMATION_SIZE_MAX}"
                raise SettingError(f"HDLC information field size {size}: must be {allowed} bytes")
        for window in (self.window_transmit, self.window_receive):
            if not 1 <= window <= WINDOW_MAX:
                raise SettingError(f"HDLC window size {window}: must be 1 to {WINDOW_MAX} frames")

    def agreed(self, peer: HdlcParameters) -> HdlcParameters:
        """The narrower of ours and what `peer` says of itself, as we see it."""
        return HdlcParameters(
            min(self.information_size_transmit, peer.information_size_receive),
            min(self.information_size_receive, peer.information_size_transmit),
            min(self.window_transmit, peer.window_receive),
            min(self.window_receive, peer.window_transmit),
        )

    def __bytes__(self) -> bytes:
        values = b""
        for identifier, size in ((5, self.information_size_transmit), (6, self.information_size_receive)):
            raw = size.to_bytes(1 if size < 0x100 else 2, "big")
            values += bytes((identifier, len(raw))) + raw
        for identifier, window in ((7, self.window_transmit), (8, self.window_receive)):
            values += bytes((identifier, 4)) + window.to_bytes(4, "big")
        return _HEADER + bytes((len(values),)) + values


@dataclass(frozen=True, slots=True)
class HdlcTimeouts:
    """The waits of a line, in seconds, and how often the primary repeats before it gives up.

    `response_s`: for an answer to a poll. `octet_s`: between the bytes of a frame. `poll_s`: between polls of a
    secondary that has nothing yet; after `polls` of them without a word the primary stops asking. `hold_s`: how long
    a secondary waits for its application before it answers a poll with an empty hand. `inactivity_s`: after which a
    secondary forgets a silent primary.
    """

    response_s: float = 5.0
    octet_s: float = 2.0
    poll_s: float = 0.5
    polls: int = 120
    hold_s: float = 2.0
    inactivity_s: float = 120.0
    repeats: int = 3


def decode_parameters(information: bytes) -> HdlcParameters:
    """What an SNRM or UA says of its sender; raise `DecodeError` for bytes that say nothing sensible.

    Unknown identifiers are passed over. Sizes and windows out of range are taken as the nearest possible: real
    meters state more than a frame can carry.
    """
    if not information:
        return HdlcParameters()
    if information[:2] != _HEADER or len(information) < 3:
        raise DecodeError(f"parameters begin with {information[:2].hex()}, expected 8180", 0, _WHERE)
    if information[2] != len(information) - 3:
        reason = f"{information[2]} bytes of parameters announced, {len(information) - 3} there"
        raise DecodeError(reason, 2, _WHERE)
    values = _values(information)
    size, window = INFORMATION_SIZE_DEFAULT, 1
    return HdlcParameters(
        _clamp(values.get(5, size), INFORMATION_SIZE_MIN, INFORMATION_SIZE_MAX),
        _clamp(values.get(6, size), INFORMATION_SIZE_MIN, INFORMATION_SIZE_MAX),
        _clamp(values.get(7, window), 1, WINDOW_MAX),
        _clamp(values.get(8, window), 1, WINDOW_MAX),
    )


def _values(information: bytes) -> dict[int, int]:
    values: dict[int, int] = {}
    at = 3
    while at < len(information):
        if at + 2 > len(information) or at + 2 + information[at + 1] > len(information):
            raise DecodeError("a parameter is cut off", at, _WHERE)
        stop = at + 2 + information[at + 1]
        values[information[at]] = int.from_bytes(information[at + 2 : stop], "big")
        at = stop
    return values


def _clamp(value: int, least: int, most: int) -> int:
    return max(least, min(value, most))
