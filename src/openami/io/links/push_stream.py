"""A stream of pushes cut into items, without understanding them."""

from __future__ import annotations

_WRAPPER_VERSION = b"\x00\x01"
_WRAPPER_HEADER = 8


class PushStream:
    """Cuts what one connection brings. Nothing is dropped: all bytes leave in some item, in their order.

    A stream that begins with the header of the DLMS wrapper (version 1, ports, length; the header is never
    protected) is cut at its lengths. Any other is one item for each silence, at most `bytes_max` long.
    """

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._held = bytearray()

    @property
    def held(self) -> int:
        """How many bytes wait for more."""
        return len(self._held)

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes; give the items that are complete."""
        self._held += data
        items = []
        while (size := self._next_size()) and len(self._held) >= size:
            items.append(bytes(self._held[:size]))
            del self._held[:size]
        return items

    def rest(self) -> bytes:
        """What is held, at silence or at the end; empty if nothing is."""
        data = bytes(self._held)
        self._held.clear()
        return data

    def _next_size(self) -> int:
        """How long the next item is; 0 while that is open."""
        held = self._held
        if held.startswith(_WRAPPER_VERSION) and len(held) >= _WRAPPER_HEADER:
            size = _WRAPPER_HEADER + int.from_bytes(held[6:8], "big")
            if size <= self._bytes_max:
                return size
        return self._bytes_max if len(held) >= self._bytes_max else 0
