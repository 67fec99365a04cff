"""The block codec: integers of one day as one packed block each.

Blocks are written in groups of bits (`bit_groups.pack`). Those of earlier programs begin with the width of an item (4
or 8), then zlib over the little-endian items, transposed so that all first bytes come first, then all second bytes, and
so on; they are read as ever. Columns of small codes (quality, status) are one byte per interval, compressed, and
nothing at all when all are 0; zlib-ng writes the same format as zlib in less than half the time.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from zlib_ng import zlib_ng

from openami.backoffice.mdm.bit_groups import PLAIN, ZIGZAG, unpack_groups
from openami.model.errors import StoreError

Matrix = npt.NDArray[np.int64]
Codes = npt.NDArray[np.uint8]

DAMAGED: type[Exception] = zlib_ng.error  # type: ignore[assignment]  # declared as if it were one of its instances
GROUPED: Final = bytes((PLAIN, ZIGZAG))
DEFLATED: Final = bytes((4, 8))
NOT_COMPRESSED = 64
"""How many bytes more than its content a block may have that deflate could not make smaller."""


def unpack(blocks: Sequence[bytes], count: int) -> Matrix:
    """The (n, count) matrix of n packed rows. Raises `StoreError` if a block is damaged."""
    marks = b"".join([block[:1] or b"\0" for block in blocks])
    if not marks.strip(GROUPED):
        return unpack_groups(blocks, count)
    if marks.translate(None, GROUPED + DEFLATED):
        raise StoreError("a stored block begins with an unknown mark: the store is damaged")
    rows = np.empty((len(blocks), count), dtype=np.int64)
    grouped = [at for at, mark in enumerate(marks) if mark in GROUPED]
    if grouped:
        rows[grouped] = unpack_groups([blocks[at] for at in grouped], count)
    for size in DEFLATED:
        at = [index for index, mark in enumerate(marks) if mark == size]
        if at:
            rows[at] = _inflated([blocks[index] for index in at], size, count)
    return rows


def _inflated(blocks: Sequence[bytes], size: int, count: int) -> Matrix:
    """Rows of items of `size` bytes as earlier programs stored them."""
    octets = b"".join([expand(block[1:], size * count) for block in blocks])
    shuffled = np.frombuffer(octets, dtype=np.uint8).reshape(len(blocks), size, count)
    items = np.ascontiguousarray(shuffled.transpose(0, 2, 1)).view(f"<i{size}")
    return items.reshape(len(blocks), count).astype(np.int64)


def pack_codes(rows: Codes) -> list[bytes | None]:
    """Each row of small codes compressed; None where all are 0."""
    if not rows.any():
        return [None] * len(rows)
    return [zlib_ng.compress(row.tobytes(), 1) if row.any() else None for row in rows]


def unpack_codes(blocks: Sequence[bytes | None], count: int) -> Codes:
    """The (n, count) matrix of n rows of small codes."""
    rows = np.zeros((len(blocks), count), dtype=np.uint8)
    for index, block in enumerate(blocks):
        if block is not None:
            rows[index] = np.frombuffer(expand(block, count), dtype=np.uint8)
    return rows


def expand(block: bytes, size: int) -> bytes:
    """Decompress exactly `size` bytes; never much memory. Raises `StoreError` if the block is damaged."""
    if len(block) > size + NOT_COMPRESSED:  # so that what it expands to is bounded too: deflate's ratio is
        raise StoreError(f"a stored block does not hold {size} bytes: the store is damaged")
    try:
        octets: bytes = zlib_ng.decompress(block, zlib.MAX_WBITS, size)
    except DAMAGED as error:
        raise StoreError(f"a stored block cannot be expanded ({error}): the store is damaged") from error
    if len(octets) != size:
        raise StoreError(f"a stored block does not hold {size} bytes: the store is damaged")
    return octets
