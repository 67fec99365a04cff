"""Unnumbered information: pushes and broadcasts in UI frames, whole or in segments.

UI frames carry no numbers, so a lost segment cannot be seen in them. What can be seen ends an assembly: noise on
the line, a segment that begins anew with an LLC header, a long silence. The rest is left to the APDU's own
decoding and, where there is one, its authentication tag.
"""

from __future__ import annotations

from collections.abc import Callable

from openami.model.errors import DecodeError
from openami.protocols.dlms.framing import ApduReceived, FramingEvent, Garbage
from openami.protocols.dlms.hdlc.address import HdlcAddress
from openami.protocols.dlms.hdlc.assembly import APDU_MAX, LLC_COMMAND, LLC_RESPONSE, Assembly, segments
from openami.protocols.dlms.hdlc.frame import Frame, FrameKind

SENDERS_MAX = 16
SEGMENT_SILENCE_S = 10.0


class Broadcast:
    """Gathers UI frames from at most 16 senders at a time and gives what is complete to `emit`."""

    def __init__(self, emit: Callable[[FramingEvent], None], apdu_max: int = APDU_MAX) -> None:
        self._emit = emit
        self._apdu_max = apdu_max
        self._open: dict[tuple[HdlcAddress, HdlcAddress], tuple[Assembly, float]] = {}

    def take(self, frame: Frame, now: float) -> None:
        """One UI frame."""
        pair = (frame.source, frame.destination)
        assembly, since = self._open.pop(pair, (Assembly(self._apdu_max), now))
        if assembly.open and (frame.information[:3] in {LLC_COMMAND, LLC_RESPONSE} or now - since > SEGMENT_SILENCE_S):
            self._give_up(assembly, "the last segment of a push is missing")
        try:
            apdu = assembly.add(frame.information, segmented=frame.segmented)
        except DecodeError as error:
            self._give_up(assembly, error.reason)
            return
        if apdu is not None:
            self._emit(ApduReceived(apdu, frame.source.upper, frame.destination.upper, unconfirmed=True))
            return
        while len(self._open) >= SENDERS_MAX:
            oldest, _ = self._open.pop(next(iter(self._open)))
            self._give_up(oldest, "too many pushes at once")
        self._open[pair] = (assembly, now)

    def lost(self, reason: str) -> None:
        """Something on the line was lost: no open assembly can be trusted."""
        for assembly, _ in self._open.values():
            self._give_up(assembly, reason)
        self._open.clear()

    def _give_up(self, assembly: Assembly, reason: str) -> None:
        self._emit(Garbage(assembly.drop(), reason))


def unconfirmed_frames(apdu: bytes, llc: bytes, size: int, to: HdlcAddress, by: HdlcAddress) -> list[Frame]:
    """The UI frames that carry `apdu`; the final bit stands in the last one, as meters in the field set it."""
    return [
        Frame(to, by, FrameKind.UI, final=not more, segmented=more, information=information)
        for information, more in segments(apdu, llc, size)
    ]
