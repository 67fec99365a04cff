"""Octets of a line cut into messages of IEC 62056-21, for both ends of a conversation."""

from __future__ import annotations

from typing import Final

MESSAGE_MAX: Final = 1 << 16
_ENDED: Final = {0x01: b"\x03", 0x02: b"\x03\x04"}
_SINGLE: Final = b"\x15"
_ACK: Final = 0x06
_ACK_OPTION_SIZE: Final = 6


class Channel:
    """Collects octets; `next` gives whole messages, NUL octets of a wake-up and noise between them left out."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> None:
        """Add what arrived."""
        self._held += data

    def clear(self) -> None:
        """Forget what was received."""
        self._held.clear()

    def next(self, *, options: bool = False) -> bytes | None:
        """The next message; with `options` an ACK begins the six characters of an acknowledgement."""
        held = self._held
        while held:
            first = held[0]
            if first == _ACK:
                return self._take(_ACK_OPTION_SIZE if options else 1)
            if first in _SINGLE:
                return self._take(1)
            if first == 0x2F:
                return self._line()
            if first in _ENDED:
                return self._block(_ENDED[first])
            del held[0]
        return None

    def _take(self, size: int) -> bytes | None:
        if len(self._held) < size:
            return None
        message = bytes(self._held[:size])
        del self._held[:size]
        return message

    def _line(self) -> bytes | None:
        end = self._held.find(b"\n")
        return self._take(end + 1 if end >= 0 else self._unfinished())

    def _block(self, ends: bytes) -> bytes | None:
        found = [at for at in (self._held.find(bytes((end,)), 1) for end in ends) if at >= 0]
        return self._take(min(found) + 2 if found else self._unfinished())

    def _unfinished(self) -> int:
        """More octets than there are; what has no end is forgotten."""
        if len(self._held) > MESSAGE_MAX:
            self._held.clear()
        return MESSAGE_MAX * 2
