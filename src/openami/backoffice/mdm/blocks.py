"""The block codec: integers of one day, byte-shuffled and compressed.

A packed row is one byte that tells the width of an item (4 or 8), then zlib level 1 over the little-endian items,
transposed so that all first bytes come first, then all second bytes, and so on: high bytes are nearly always 0.
zlib-ng writes the same format as zlib in less than half the time for blocks of a day.
Columns of small codes (quality, status) are one byte per interval, compressed, and nothing at all when all are 0.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from zlib_ng import zlib_ng

from openami.model.errors import StoreError

Matrix = npt.NDArray[np.int64]
Codes = npt.NDArray[np.uint8]

INT32 = np.iinfo(np.int32)
DAMAGED: type[Exception] = zlib_ng.error  # type: ignore[assignment]  # declared as if it were one of its instances
NOT_COMPRESSED = 64
"""How many bytes more than its content a block may have that deflate could not make smaller."""


def pack(rows: Matrix) -> list[bytes]:
    """Each row of the (n, k) matrix as one packed block."""
    if not len(rows):
        return []
    if rows.min() >= INT32.min and rows.max() <= INT32.max:
        return _packed(rows.astype("<i4"), 4)
    narrow = (rows.min(axis=1) >= INT32.min) & (rows.max(axis=1) <= INT32.max)
    packed = iter(_packed(rows[narrow].astype("<i4"), 4))
    wide = iter(_packed(rows[~narrow].astype("<i8"), 8))
    return [next(packed if fits else wide) for fits in narrow.tolist()]


def _packed(items: npt.NDArray[Any], size: int) -> list[bytes]:
    count, width = items.shape[0], items.shape[1] * size
    octets = items.view(np.uint8).reshape(count, items.shape[1], size)
    shuffled = np.ascontiguousarray(octets.transpose(0, 2, 1)).tobytes()
    mark, compress = bytes((size,)), zlib_ng.compress
    return [mark + compress(shuffled[at : at + width], 1) for at in range(0, count * width, width)]


def unpack(blocks: Sequence[bytes], count: int) -> Matrix:
    """The (n, count) matrix of n packed rows. Raises `StoreError` if a block is damaged."""
    rows = np.empty((len(blocks), count), dtype=np.int64)
    for size in (4, 8):
        at = [index for index, block in enumerate(blocks) if block[0] == size]
        if at:
            octets = b"".join(expand(blocks[index][1:], size * count) for index in at)
            shuffled = np.frombuffer(octets, dtype=np.uint8).reshape(len(at), size, count)
            items = np.ascontiguousarray(shuffled.transpose(0, 2, 1))
            rows[at] = items.view(f"<i{size}").reshape(len(at), count)
    if any(block[0] not in (4, 8) for block in blocks):
        raise StoreError("a stored block begins with an unknown item width: the store is damaged")
    return rows


def pack_codes(rows: Codes) -> list[bytes | None]:
    """Each row of small codes compressed; None where all are 0."""
    if not rows.any():
        return [None] * len(rows)
    return [zlib.compress(row.tobytes(), 1) if row.any() else None for row in rows]


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
