"""The stream of a consumer port, cut into messages: HDLC, SML or P1, whichever shows first."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

from openami.protocols.dlms import framing
from openami.protocols.dlms.hdlc.frame import FLAG, Frame, encode_frame
from openami.protocols.dlms.hdlc.parser import HdlcParser
from openami.protocols.iec62056_21 import p1_stream
from openami.protocols.iec62056_21.p1_stream import P1Parser
from openami.protocols.sml import transport
from openami.protocols.sml.transport import START, TransportedFile, TransportParser

UNDECIDED_MAX: Final = 4096
"""Octets that are held until a protocol shows; a stream may begin in the middle of a message."""
_P1: Final = re.compile(rb"/[A-Za-z]{3}[^\r\n]*\r?\n|\xdb\x08.{8}\x82..\x30", re.DOTALL)

Cut = Callable[[bytes], list[bytes]]
Rest = Callable[[], list[bytes]]


class ConsumerPortStream:
    """Cuts what a port sends; it may begin anywhere, and says nothing before its protocol shows."""

    def __init__(self) -> None:
        self._held = b""
        self._cut: Cut | None = None
        self._rest: Rest = list

    def feed(self, data: bytes) -> list[bytes]:
        """The messages, and the garbage between them, that `data` completes."""
        if self._cut is not None:
            return self._cut(data)
        self._held += data
        shown = _protocol(self._held)
        if shown is None:
            return []
        self._cut, self._rest = shown
        held, self._held = self._held, b""
        return self._cut(held)

    def flush(self) -> list[bytes]:
        """What is left, unfinished or of no protocol, when the stream has ended."""
        left, self._held = self._held, b""
        return [left] if left else self._rest()


def _protocol(held: bytes) -> tuple[Cut, Rest] | None:
    """How to cut what comes, and how to get what is unfinished at the end."""
    if held[0] == FLAG:
        return _hdlc()
    if START in held:
        sml = TransportParser()
        return lambda data: _files(sml.feed(data)), lambda: _files(sml.flush())
    if _P1.search(held):
        p1 = P1Parser()
        return lambda data: _telegrams(p1.feed(data)), lambda: _telegrams(p1.flush())
    return _hdlc() if len(held) > UNDECIDED_MAX else None


def hdlc_cut() -> Cut:
    """HDLC frames, and the garbage between them."""
    return _hdlc()[0]


def _hdlc() -> tuple[Cut, Rest]:
    parser = HdlcParser()
    return lambda data: _frames(parser.feed(data)), lambda: _frames(parser.flush())


def _frames(events: Iterable[Frame | framing.Garbage]) -> list[bytes]:
    return [encode_frame(one) if isinstance(one, Frame) else one.data for one in events]


def _files(events: Iterable[TransportedFile | transport.Garbage]) -> list[bytes]:
    return [one.raw if isinstance(one, TransportedFile) else one.data for one in events]


def _telegrams(events: Iterable[p1_stream.P1Event]) -> list[bytes]:
    return [one.data if isinstance(one, p1_stream.Garbage) else one.raw for one in events]
