"""Fragments of packets that are longer than a frame (RFC 4944, section 5.3), and putting them together again.

Sizes and offsets count octets of the uncompressed packet; all fragments but the last bring a multiple of 8 of them.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Final

from openami.model.errors import DecodeError, LimitExceeded
from openami.protocols.mesh.ipv6 import MTU

FIRST, FOLLOWING, MASK = 0xC0, 0xE0, 0xF8
_FIRST_SIZE, _FOLLOWING_SIZE = 4, 5
PACKETS_MAX: Final = 8
PER_SENDER_MAX: Final = 2


def is_fragment(payload: bytes) -> bool:
    return bool(payload) and payload[0] & MASK in (FIRST, FOLLOWING)


def fragments(headers: bytes, used: int, packet: bytes, space: int, tag: int) -> list[bytes]:
    """`packet`, whose first `used` octets `headers` stand for, in payloads of at most `space` octets."""
    if len(headers) + len(packet) - used <= space:
        return [headers + packet[used:]]
    if len(packet) > MTU:
        raise LimitExceeded(f"a packet of {len(packet)} octets, the mesh carries {MTU}", MTU)
    size = len(packet)
    at = (used + space - _FIRST_SIZE - len(headers)) // 8 * 8
    if at <= 0 or at < used:
        raise LimitExceeded(f"{len(headers)} octets of headers do not fit a frame of {space}", space)
    tag_octets = tag.to_bytes(2, "big")
    out = [(FIRST << 8 | size).to_bytes(2, "big") + tag_octets + headers + packet[used:at]]
    step = (space - _FOLLOWING_SIZE) // 8 * 8
    for start in range(at, size, step):
        head = (FOLLOWING << 8 | size).to_bytes(2, "big") + tag_octets + bytes((start // 8,))
        out.append(head + packet[start : start + step])
    return out


class _Partial:
    """A packet of which pieces have come, by their offsets."""

    __slots__ = ("due", "pieces", "received", "size")

    def __init__(self, size: int, due: float) -> None:
        self.size = size
        self.due = due
        self.received = 0
        self.pieces: dict[int, bytes] = {}


class Reassembly:
    """Puts packets together: at most 8 at a time and 2 of one sender, each for `timeout_s`."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._partial: dict[tuple[bytes, int, int], _Partial] = {}
        self.due = inf

    def add(self, sender: bytes, payload: bytes, now: float, expand: Callable[[bytes, int], bytes]) -> bytes | None:
        """The packet that the fragment `payload` completes.

        `expand(beginning, size)` makes the compressed beginning of a packet of `size` octets whole. Raises
        `DecodeError` for what is no fragment of any packet.
        """
        first = payload[0] & MASK == FIRST
        if len(payload) <= (_FIRST_SIZE if first else _FOLLOWING_SIZE):
            raise DecodeError("a fragment without content", len(payload))
        size = int.from_bytes(payload[:2], "big") & 0x7FF
        if size > MTU:
            raise LimitExceeded(f"a packet of {size} octets, the mesh carries {MTU}", 0)
        offset = 0 if first else 8 * payload[4]
        piece = expand(payload[_FIRST_SIZE:], size) if first else payload[_FOLLOWING_SIZE:]
        if offset + len(piece) > size or (len(piece) % 8 and offset + len(piece) != size):
            raise DecodeError(f"a fragment of octets {offset} to {offset + len(piece)} in a packet of {size}", 4)
        key = sender, int.from_bytes(payload[2:4], "big"), size
        partial = self._partial.get(key) or self._begin(key, now)
        if offset not in partial.pieces:
            partial.pieces[offset] = piece
            partial.received += len(piece)
        return self._whole(key, partial) if partial.received >= size else None

    def act(self, now: float) -> int:
        """Give up what waited too long; how many packets that were."""
        late = [key for key, partial in self._partial.items() if partial.due <= now]
        for key in late:
            del self._partial[key]
        self._plan()
        return len(late)

    def _begin(self, key: tuple[bytes, int, int], now: float) -> _Partial:
        of_sender = [other for other in self._partial if other[0] == key[0]]
        if len(of_sender) >= PER_SENDER_MAX:
            del self._partial[of_sender[0]]
        elif len(self._partial) >= PACKETS_MAX:
            del self._partial[next(iter(self._partial))]
        partial = self._partial[key] = _Partial(key[2], now + self._timeout_s)
        self._plan()
        return partial

    def _whole(self, key: tuple[bytes, int, int], partial: _Partial) -> bytes:
        del self._partial[key]
        self._plan()
        packet = bytearray()
        for offset, piece in sorted(partial.pieces.items()):
            if offset != len(packet):
                raise DecodeError(f"fragments overlap at octet {offset}", 4)
            packet += piece
        return bytes(packet)

    def _plan(self) -> None:
        self.due = min((partial.due for partial in self._partial.values()), default=inf)
