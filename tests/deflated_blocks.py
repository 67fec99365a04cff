"""Blocks as the first programs wrote them: the width of an item, then zlib over the shuffled little-endian items."""

from __future__ import annotations

import zlib

import numpy as np


def deflated(row, size):
    """The integers of `row`, `size` bytes each (4 or 8), packed."""
    octets = np.array([row], dtype=f"<i{size}").view(np.uint8).reshape(len(row), size)
    return bytes([size]) + zlib.compress(octets.T.tobytes(), 1)
