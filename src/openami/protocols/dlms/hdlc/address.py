"""HDLC addresses: the upper part names the logical device or the client, the lower part the physical device.

On the wire an address is 1, 2 or 4 bytes of 7 bits each, the last one marked by its lowest bit (from published
frames): 1 byte holds the upper part alone, 2 bytes a part each, 4 bytes two parts of 14 bits. A lower address 0 is
an address; only None means that there is none.
"""

from __future__ import annotations

from dataclasses import dataclass

from openami.model.errors import DecodeError, LocalProtocolError

CALLING = {2: 0x7E, 4: 0x3FFE}
"""Lower addresses, by size, that reach the one device at the other end whatever its own address is."""
ALL_STATIONS = {2: 0x7F, 4: 0x3FFF}
"""Lower addresses, by size, that reach every device on the line; nobody answers."""
_UPPER_ONLY_MAX = 0x7F
_LONG_MAX = 0x3FFF


@dataclass(frozen=True, slots=True)
class HdlcAddress:
    """`size` is the number of bytes on the wire: 1, 2 or 4; 0 takes the smallest that fits."""

    upper: int
    lower: int | None = None
    size: int = 0

    def __post_init__(self) -> None:
        if self.size == 0:
            object.__setattr__(self, "size", self._smallest())
        fits = {1: _UPPER_ONLY_MAX, 2: _UPPER_ONLY_MAX, 4: _LONG_MAX}.get(self.size, -1)
        if not 0 <= self.upper <= fits or not 0 <= (self.lower or 0) <= fits:
            raise LocalProtocolError(f"HDLC address {self} does not fit {self.size} bytes")
        if (self.lower is None) != (self.size == 1):
            raise LocalProtocolError(f"HDLC address {self}: 1 byte has no lower part, 2 and 4 bytes have one")

    @property
    def is_broadcast(self) -> bool:
        """Whether every device on the line is meant."""
        return self.lower is not None and self.lower == ALL_STATIONS[self.size]

    @property
    def is_calling(self) -> bool:
        """Whether the one device at the other end is meant, whatever its address."""
        return self.lower is not None and self.lower == CALLING[self.size]

    def __bytes__(self) -> bytes:
        if self.lower is None:
            return bytes((self.upper << 1 | 1,))
        if self.size == 2:
            return bytes((self.upper << 1, self.lower << 1 | 1))
        upper, lower = self.upper, self.lower
        return bytes((upper >> 7 << 1, (upper & 0x7F) << 1, lower >> 7 << 1, (lower & 0x7F) << 1 | 1))

    def __str__(self) -> str:
        return str(self.upper) if self.lower is None else f"{self.upper}/{self.lower}"

    def _smallest(self) -> int:
        if self.lower is None:
            return 1
        return 2 if max(self.upper, self.lower) <= _UPPER_ONLY_MAX else 4


def address_size(data: bytes, start: int, stop: int) -> int:
    """How many bytes the address at `start` has: 1, 2 or 4; 0 if `data[start:stop]` holds none."""
    for size in (1, 2, 3, 4):
        if start + size > stop:
            return 0
        if data[start + size - 1] & 1:
            return 0 if size == 3 else size
    return 0


def decode_address(raw: bytes, offset: int = 0) -> HdlcAddress:
    """The address that is exactly `raw`; raise `DecodeError` (at `offset`) if it is none."""
    if not raw or address_size(raw, 0, len(raw)) != len(raw):
        raise DecodeError(f"{raw.hex()} is no HDLC address of 1, 2 or 4 bytes", offset, ("HdlcAddress",))
    parts = [byte >> 1 for byte in raw]
    if len(raw) == 4:
        return HdlcAddress(parts[0] << 7 | parts[1], parts[2] << 7 | parts[3], 4)
    return HdlcAddress(parts[0], parts[1] if len(raw) == 2 else None, len(raw))
