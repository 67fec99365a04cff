"""Long values in blocks: put together without quadratic copying, and cut up."""

from __future__ import annotations

from openami.model.errors import LimitExceeded, RemoteProtocolError

BLOCKS_MAX = 1 << 16


class Collector:
    """The blocks of one long value in their order; `limit` bounds their octets."""

    __slots__ = ("_limit", "_parts", "_size", "number")

    def __init__(self, limit: int) -> None:
        self.number = 0
        self._limit = limit
        self._size = 0
        self._parts: list[bytes] = []

    def add(self, number: int, octets: bytes) -> None:
        """The block after the last one; raises `RemoteProtocolError` for any other number."""
        if number != self.number + 1:
            raise RemoteProtocolError(f"block {number} came where block {self.number + 1} was due")
        if number > BLOCKS_MAX or self._size + len(octets) > self._limit:
            reason = f"value in blocks has more than {self._limit} bytes or {BLOCKS_MAX} blocks"
            raise LimitExceeded(reason, self._size)
        self.number = number
        self._size += len(octets)
        self._parts.append(octets)

    def join(self) -> bytes:
        """All blocks as one bytes object, copied once."""
        return self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)


class Slicer:
    """One long value that leaves in blocks of at most `size` octets, which may change on the way."""

    __slots__ = ("_octets", "_position", "number", "size")

    def __init__(self, octets: bytes, size: int) -> None:
        self.number = 0
        self._octets = octets
        self.size = max(1, size)
        self._position = 0

    @property
    def last(self) -> bool:
        """Whether the block taken last was the last one."""
        return self._position >= len(self._octets)

    def take(self) -> bytes:
        """The octets of the next block, whose number is then `number`."""
        start = self._position
        self._position = min(start + self.size, len(self._octets))
        self.number += 1
        return self._octets[start : self._position]
