"""Numbered information frames between one primary and one secondary: windows, acknowledgement, repetition.

In normal response mode the stations take turns, and each turn's first frames tell what has arrived. So whatever is
still unacknowledged when a station has its turn was lost, and `burst` sends it again before anything new.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from openami.protocols.dlms.hdlc.address import HdlcAddress
from openami.protocols.dlms.hdlc.assembly import APDU_MAX, Assembly, segments
from openami.protocols.dlms.hdlc.frame import Frame, FrameKind

_MODULUS = 8


class Numbered(NamedTuple):
    """One information field under its number."""

    send_sequence: int
    information: bytes
    segmented: bool


class Channel:
    """Both directions of numbered frames, seen from one station. The role is not visible here."""

    def __init__(self, llc: bytes, apdu_max: int = APDU_MAX) -> None:
        self.receive_sequence = 0
        self.assembly = Assembly(apdu_max)
        self._llc = llc
        self._next = 0
        self._unsent: deque[tuple[bytes, bool]] = deque()
        self._unacknowledged: deque[Numbered] = deque()

    @property
    def send_sequence(self) -> int:
        """The number of the next new frame."""
        return self._next

    @property
    def has_output(self) -> bool:
        """Whether a turn would carry information."""
        return bool(self._unsent or self._unacknowledged)

    def queue(self, apdu: bytes, size: int) -> None:
        """Cut `apdu` into information fields of at most `size` bytes, to be sent in the next turns."""
        self._unsent.extend(segments(apdu, self._llc, size))

    def burst(self, window: int, to: HdlcAddress, by: HdlcAddress) -> list[Frame]:
        """What to send in this turn: the unacknowledged again, then new ones while the window is open.

        The last frame has the P/F bit, which hands the turn over.
        """
        while self._unsent and len(self._unacknowledged) < window:
            information, segmented = self._unsent.popleft()
            self._unacknowledged.append(Numbered(self._next, information, segmented))
            self._next = (self._next + 1) % _MODULUS
        last = len(self._unacknowledged) - 1
        return [
            Frame(
                to,
                by,
                FrameKind.I,
                index == last,
                item.segmented,
                item.send_sequence,
                self.receive_sequence,
                item.information,
            )
            for index, item in enumerate(self._unacknowledged)
        ]

    def acknowledge(self, receive_sequence: int) -> int:
        """Take the peer's word for what it has received; how many frames that frees, -1 if it cannot be true."""
        oldest = self._unacknowledged[0].send_sequence if self._unacknowledged else self._next
        count = (receive_sequence - oldest) % _MODULUS
        if count > len(self._unacknowledged):
            return -1
        for _ in range(count):
            self._unacknowledged.popleft()
        return count

    def expects(self, frame: Frame) -> bool:
        """Whether the information frame is the next in sequence."""
        return frame.send_sequence == self.receive_sequence

    def is_repeated(self, frame: Frame, window: int) -> bool:
        """Whether an unexpected frame is an old one once more, and not one behind a gap."""
        return (frame.send_sequence - self.receive_sequence) % _MODULUS >= window

    def accept(self, frame: Frame) -> bytes | None:
        """Take an expected frame; the APDU that it completes. Raises as `Assembly.add` does."""
        self.receive_sequence = (self.receive_sequence + 1) % _MODULUS
        return self.assembly.add(frame.information, segmented=frame.segmented)
