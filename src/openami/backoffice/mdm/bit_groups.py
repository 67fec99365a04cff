"""Rows of integers in groups of eight, each group with only as many bits as its largest value needs.

A packed row is one byte that says whether its values are as they are (1) or in zigzag because some are negative (2),
then a nibble per group, the first in the low half, that is the place of the group's width in `WIDTHS`, then the groups:
eight values of `w` bits are `w` bytes, of which byte `j` holds bit `j` of each value, the first value's lowest.

The quarters of an hour of a household's day lie close together: this is smaller than deflate, and all rows are packed
together with a few operations on whole columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from openami.model.errors import StoreError

Matrix = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]
Octets = npt.NDArray[np.uint8]
Places = npt.NDArray[np.intp]

PLAIN, ZIGZAG = 1, 2
GROUP: Final = 8
WIDTHS: Final = np.array((0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 16, 32, 64))
LIMITS: Final = np.uint64(1) << WIDTHS[:-1].astype(np.uint64)
"""A group of the width at the same place in `WIDTHS` holds values below this."""
MOST: Final = 13
"""Up to this place in `WIDTHS` the widths fit in 16 bits."""
SWAPS: Final = ((7, 0x00AA00AA00AA00AA), (14, 0x0000CCCC0000CCCC), (28, 0x00000000F0F0F0F0))
"""Three exchanges that turn eight bytes of eight bits on their diagonal."""
DAMAGED: Final = "a stored block does not hold the groups of values that it announces: the store is damaged"


def pack(rows: Matrix) -> list[bytes]:
    """Each row of the (n, k) matrix as one packed block."""
    groups = -(-rows.shape[1] // GROUP)
    values, negative = _unsigned(rows)
    values = np.pad(values, ((0, 0), (0, groups * GROUP - rows.shape[1]))).reshape(len(rows), groups, GROUP)
    largest = np.bitwise_or.reduce(values, axis=2)
    code: Octets = np.asarray(np.searchsorted(LIMITS, largest, side="right"), dtype=np.uint8)
    mark = np.where(negative, np.uint8(ZIGZAG), np.uint8(PLAIN))
    wide = (code > MOST).any(axis=1)
    if not wide.any():
        return _packed(values, code, mark, 16)
    packed: list[bytes] = [b""] * len(rows)
    for at, bits in ((np.flatnonzero(~wide), 16), (np.flatnonzero(wide), 64)):  # few are wide, and cost the more
        for index, block in zip(at.tolist(), _packed(values[at], code[at], mark[at], bits), strict=True):
            packed[index] = block
    return packed


def _unsigned(rows: Matrix) -> tuple[Words, npt.NDArray[np.bool_]]:
    """The values without their signs, and in which rows zigzag took them away."""
    negative = rows.min(axis=1, initial=0) < 0
    told = np.where(negative[:, None], (rows << 1) ^ (rows >> 63), rows) if negative.any() else rows
    return np.ascontiguousarray(told).view(np.uint64), negative


def _packed(values: Any, code: Octets, mark: Octets, bits: int) -> list[bytes]:
    """Rows whose groups have `bits` or less."""
    count, groups = code.shape
    told = np.zeros((count, groups + groups % 2), dtype=np.uint8)
    told[:, :groups] = code
    head = np.column_stack((mark, told[:, ::2] | told[:, 1::2] << 4))
    octets = values.view(np.uint8).reshape(-1, GROUP, 8)
    planes = np.concatenate([_turned(octets[:, :, byte]) for byte in range(bits // 8)], axis=1)
    widths = WIDTHS[code]
    kept = np.arange(bits) < widths.reshape(-1, 1)
    everything = np.column_stack((head, planes.reshape(count, groups * bits)))
    chosen = np.column_stack((np.ones(head.shape, dtype=np.bool_), kept.reshape(count, groups * bits)))
    flat = everything[chosen].tobytes()
    ends = np.cumsum(head.shape[1] + widths.sum(axis=1)).tolist()
    return [flat[first:end] for first, end in pairwise((0, *ends))]


def _turned(octets: Any) -> Octets:
    """(m, 8): bit `i` of byte `j` where bit `j` of byte `i` was."""
    words = np.ascontiguousarray(octets).view("<u8")
    for by, mask in SWAPS:
        moved = (words ^ (words >> np.uint64(by))) & np.uint64(mask)
        words = words ^ moved ^ (moved << np.uint64(by))
    return np.asarray(words.view(np.uint8))


def unpack_groups(blocks: Sequence[bytes], count: int) -> Matrix:
    """The (n, count) matrix of n packed rows. Raises `StoreError` if a row is damaged."""
    if not blocks:
        return np.empty((0, count), dtype=np.int64)
    groups = -(-count // GROUP)
    sizes = np.array([len(block) for block in blocks], dtype=np.intp)
    head = 1 + -(-groups // 2)
    if (sizes < head).any():
        raise StoreError(DAMAGED)
    data = np.frombuffer(b"".join(blocks), dtype=np.uint8)
    told = (np.cumsum(sizes) - sizes)[:, None] + np.arange(head)
    nibbles = data[told[:, 1:]]
    code = np.stack((nibbles & 15, nibbles >> 4), axis=2).reshape(len(blocks), -1)[:, :groups]
    if (head + WIDTHS[code].sum(axis=1) != sizes).any():
        raise StoreError(DAMAGED)
    inner = np.ones(len(data), dtype=np.bool_)
    inner[told] = False
    values = _spread(data[inner], WIDTHS[code].reshape(-1)).reshape(len(blocks), -1)[:, :count]
    zigzag = data[told[:, 0]] == ZIGZAG
    if zigzag.any():
        values = np.where(zigzag[:, None], (values >> np.uint64(1)) ^ (~(values & np.uint64(1)) + np.uint64(1)), values)
    return np.ascontiguousarray(values).view(np.int64)


def _spread(planes: Octets, widths: Places) -> Words:
    """(m × 8,): the values of m groups from their bits, group after group."""
    size = -(-int(widths.max(initial=0)) // 8)
    turned = np.zeros((len(widths), size * 8), dtype=np.uint8)
    turned[np.arange(size * 8) < widths[:, None]] = planes
    octets = np.zeros((len(widths), GROUP, 8), dtype=np.uint8)
    for byte in range(size):
        octets[:, :, byte] = _turned(turned[:, 8 * byte : 8 * byte + 8])
    return octets.view("<u8").reshape(-1).astype(np.uint64, copy=False)
