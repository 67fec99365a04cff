"""Frame formats A and B of EN 13757-4: where the checksums stand, and what is left when a stick has stripped them.

A: L, C, M and A (10 bytes) and their CRC, then blocks of 16 bytes with a CRC each; L does not count the CRCs.
B: 10 bytes without CRC and up to 116 more with one CRC over all of them, then the rest with its own; L counts them.
(From module makers' manuals; the standard's text was not at hand.)
"""

from __future__ import annotations

from enum import Enum
from itertools import pairwise
from typing import NamedTuple

from openami.model.errors import DecodeError, FrameCheckError, LocalProtocolError
from openami.protocols.mbus.wireless.crc import crc16_en13757

HEADER_SIZE = 10
BLOCK_A = 16
FIRST_B = 126
CRC_SIZE = 2
LENGTH_MIN = 9
TRAILING_MAX = 4


class FrameFormat(Enum):
    """How the frame came: with which checksums."""

    A = "A"
    B = "B"
    STRIPPED = "without checksums"


_STRIPPED = FrameFormat.STRIPPED


class LinkBytes(NamedTuple):
    """A frame without its checksums: `data` begins with an L that counts `data` itself; `trailing` stood behind."""

    format: FrameFormat
    data: bytes
    trailing: bytes = b""


def decode_frame(raw: bytes) -> LinkBytes:
    """Find the format of `raw` and take the checksums off.

    Raises `DecodeError` when bytes are missing and `FrameCheckError` when a block's CRC is wrong. A stripped frame
    may be followed by up to four bytes that a receiver added.
    """
    if not raw:
        raise DecodeError("no bytes", 0, ("L",))
    length = raw[0]
    if length < LENGTH_MIN:
        raise DecodeError(f"length {length}, a link layer has at least {LENGTH_MIN} bytes", 0, ("L",))
    size_a = length + 1 + CRC_SIZE * (1 + (length + 1 - HEADER_SIZE + BLOCK_A - 1) // BLOCK_A)
    if len(raw) != length + 1 and len(raw) >= HEADER_SIZE + CRC_SIZE and _checked(raw, 0, HEADER_SIZE):
        if len(raw) < size_a:
            raise DecodeError(f"frame format A announces {size_a} bytes, {len(raw)} came", len(raw), ("L",))
        return _format_a(raw[:size_a])._replace(trailing=raw[size_a:])
    if len(raw) < length + 1:
        raise DecodeError(f"length {length} announces {length + 1} bytes, {len(raw)} came", len(raw), ("L",))
    if length > LENGTH_MIN + CRC_SIZE and _is_format_b(raw[: length + 1]):
        return _format_b(raw[: length + 1])._replace(trailing=raw[length + 1 :])
    if len(raw) == size_a:
        raise FrameCheckError("frame format A with a wrong CRC in the first block", HEADER_SIZE, ("block 1", "CRC"))
    return LinkBytes(_STRIPPED, raw[: length + 1], _trailing(raw[length + 1 :], length + 1))


def _trailing(rest: bytes, at: int) -> bytes:
    if len(rest) > TRAILING_MAX:
        raise DecodeError(f"{len(rest)} bytes behind the frame's end", at, ("L",))
    return rest


def _checked(raw: bytes, start: int, stop: int) -> bool:
    return crc16_en13757(raw[start:stop]) == int.from_bytes(raw[stop : stop + CRC_SIZE], "big")


def _format_a(raw: bytes) -> LinkBytes:
    out = bytearray(raw[:HEADER_SIZE])
    at = HEADER_SIZE + CRC_SIZE
    while at < len(raw):
        stop = min(at + BLOCK_A, len(raw) - CRC_SIZE)
        if not _checked(raw, at, stop):
            block = 2 + (at - HEADER_SIZE) // (BLOCK_A + CRC_SIZE)
            raise FrameCheckError(f"frame format A with a wrong CRC in block {block}", stop, (f"block {block}", "CRC"))
        out += raw[at:stop]
        at = stop + CRC_SIZE
    return LinkBytes(FrameFormat.A, bytes(out))


def _is_format_b(raw: bytes) -> bool:
    return _checked(raw, 0, min(len(raw) - CRC_SIZE, FIRST_B))


def _format_b(raw: bytes) -> LinkBytes:
    first = min(len(raw) - CRC_SIZE, FIRST_B)
    out = bytearray(raw[:first])
    second = raw[first + CRC_SIZE :]
    if second:
        if len(second) < CRC_SIZE + 1 or not _checked(second, 0, len(second) - CRC_SIZE):
            raise FrameCheckError("frame format B with a wrong CRC in the last block", len(raw), ("block 3", "CRC"))
        out += second[:-CRC_SIZE]
    out[0] = len(out) - 1
    return LinkBytes(FrameFormat.B, bytes(out))


def encode_frame(data: bytes, frame_format: FrameFormat) -> bytes:
    """The bytes on air of a stripped frame `data` (L first); raises `LocalProtocolError` when it does not fit."""
    if len(data) <= LENGTH_MIN or data[0] != len(data) - 1:
        raise LocalProtocolError(f"L is {data[0] if data else None}, the frame has {len(data)} bytes")
    if frame_format is FrameFormat.STRIPPED:
        return data
    if frame_format is FrameFormat.A:
        starts = [0, *range(HEADER_SIZE, len(data), BLOCK_A), len(data)]
        return b"".join(_with_crc(data[start:stop]) for start, stop in pairwise(starts))
    return _encode_b(data)


def _encode_b(data: bytes) -> bytes:
    length = len(data) - 1 + (CRC_SIZE if len(data) <= FIRST_B else 2 * CRC_SIZE)
    if length > 255:
        raise LocalProtocolError(f"{len(data)} bytes do not fit into frame format B")
    if len(data) == HEADER_SIZE:
        raise LocalProtocolError("frame format B needs a second block")
    counted = bytes((length,)) + data[1:]
    first = _with_crc(counted[:FIRST_B])
    return first + (_with_crc(counted[FIRST_B:]) if len(counted) > FIRST_B else b"")


def _with_crc(block: bytes) -> bytes:
    return block + crc16_en13757(block).to_bytes(CRC_SIZE, "big")
