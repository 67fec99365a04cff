"""The stream of a consumer port, cut into messages: HDLC, SML or P1, whichever shows first."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from openami.protocols.dlms.hdlc.frame import FLAG, Frame, encode_frame
from openami.protocols.dlms.hdlc.parser import HdlcParser
from openami.protocols.iec62056_21.p1_stream import P1Parser, Received
from openami.protocols.sml.transport import START, TransportedFile, TransportParser

UNDECIDED_MAX: Final = 4096
"""Octets that are held until a protocol shows; a stream may begin in the middle of a message."""
_P1: Final = re.compile(rb"/[A-Za-z]{3}[^\r\n]*\r?\n")

Cut = Callable[[bytes], list[bytes]]


class ConsumerPortStream:
    """Cuts what a port sends; it may begin anywhere, and says nothing before its protocol shows."""

    def __init__(self) -> None:
        self._held = b""
        self._cut: Cut | None = None

    def feed(self, data: bytes) -> list[bytes]:
        """The messages, and the garbage between them, that `data` completes."""
        if self._cut is not None:
            return self._cut(data)
        self._held += data
        self._cut = _protocol(self._held)
        if self._cut is None:
            return []
        held, self._held = self._held, b""
        return self._cut(held)


def _protocol(held: bytes) -> Cut | None:
    if held[0] == FLAG:
        return hdlc_cut()
    if START in held:
        return _sml()
    if _P1.search(held):
        return _p1()
    return hdlc_cut() if len(held) > UNDECIDED_MAX else None


def hdlc_cut() -> Cut:
    """HDLC frames, and the garbage between them."""
    parser = HdlcParser()
    return lambda data: [encode_frame(one) if isinstance(one, Frame) else one.data for one in parser.feed(data)]


def _sml() -> Cut:
    parser = TransportParser()
    return lambda data: [one.raw if isinstance(one, TransportedFile) else one.data for one in parser.feed(data)]


def _p1() -> Cut:
    parser = P1Parser()
    return lambda data: [one.raw if isinstance(one, Received) else one.data for one in parser.feed(data)]
