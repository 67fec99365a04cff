"""Beacons tell a station that has no key yet where a network is. Nothing in them is protected, nothing relies on them.

Superframe specification and empty GTS and pending fields are those of IEEE 802.15.4 without beacon order; the payload
is ours: protocol, version, rank of the sender.
"""

from __future__ import annotations

from typing import Final

from openami.model.errors import DecodeError

_HEAD: Final = bytes.fromhex("ff8f0000")
_PROTOCOL: Final = b"OA\x01"
_SIZE: Final = len(_HEAD) + len(_PROTOCOL) + 2


def encode_beacon(rank: int) -> bytes:
    """The content of a beacon frame."""
    return _HEAD + _PROTOCOL + rank.to_bytes(2, "big")


def decode_beacon(content: bytes) -> int:
    """The rank of a beacon's sender; raise `DecodeError` for beacons of other networks."""
    if len(content) != _SIZE or content[4:7] != _PROTOCOL:
        raise DecodeError("a beacon of another kind of network", 0)
    return int.from_bytes(content[7:9], "big")
