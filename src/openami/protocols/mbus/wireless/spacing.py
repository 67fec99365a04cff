"""Which of a meter's telegrams to hand on: meters repeat themselves every few seconds, and a collector's WAN is narrow.

Without a key: only what stands open in the headers is looked at. A telegram that looks like one that was handed on a
moment ago is held back. Another length, CI field or status looks different, so that formats, compact and full
telegrams and alarms each go their own way. Fragments and everything that is not broadcast are never held back.
"""

from __future__ import annotations

from collections import OrderedDict

from openami.model.errors import DecodeError
from openami.protocols.mbus.wireless.extended_link import ELL_NAMES, decode_extended_link
from openami.protocols.mbus.wireless.fragment import CI_AFL, decode_fragment
from openami.protocols.mbus.wireless.frame_format import HEADER_SIZE
from openami.protocols.mbus.wireless.link import SND_NR
from openami.protocols.mbus.wireless.transport import decode_transport

SHAPES_MAX = 200_000


class Spacing:
    """Hands on one of the telegrams that look alike in `every_s` seconds, 0: all. Bounded: the oldest are forgotten."""

    def __init__(self, every_s: float, *, shapes_max: int = SHAPES_MAX) -> None:
        self._every_s = every_s
        self._shapes_max = shapes_max
        self._last: OrderedDict[bytes, float] = OrderedDict()

    def admit(self, data: bytes, now: float) -> bool:
        """Whether the telegram `data` (without checksums) is handed on at `now`."""
        shape = _shape(data) if self._every_s > 0 else b""
        if not shape:
            return True
        last = self._last.get(shape)
        if last is not None and 0 <= now - last < self._every_s:
            return False
        self._last[shape] = now
        self._last.move_to_end(shape)
        if len(self._last) > self._shapes_max:
            self._last.popitem(last=False)
        return True


def _shape(data: bytes) -> bytes:
    """Sender, length, first CI field and status; empty for what is never held back."""
    if len(data) <= HEADER_SIZE or data[1] != SND_NR:
        return b""
    seen = data[: HEADER_SIZE + 1]
    try:
        at = HEADER_SIZE
        if data[at] in ELL_NAMES:
            at = decode_extended_link(data, at)[1]
        if data[at : at + 1] == bytes((CI_AFL,)):
            fragment, at = decode_fragment(data, at)
            if fragment.more or fragment.number > 1:
                return b""
        return seen + bytes((decode_transport(data, at).status,))
    except DecodeError:  # a session's ciphertext, or a layout of the maker's own
        return seen
