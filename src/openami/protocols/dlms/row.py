"""Rows that look alike: the fast path of arrays of structures, such as the buffer of a load profile.

A layout is compiled once from the tags and sizes of one row. Every tag and length byte of every row is
compared with it; the first row that differs ends the run and goes the general way.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from openami.protocols.wire.cursor import Cursor


class RowLayout(NamedTuple):
    """One row: `unpacker` yields tag bytes and values in turn; `tags` is what the tag bytes have to be."""

    unpacker: struct.Struct
    tags: tuple[bytes, ...]

    def rows(self, cursor: Cursor, most: int) -> Iterator[tuple[Any, ...]]:
        """The values of at most `most` rows of this layout at the cursor, which moves behind each one taken."""
        unpacker, tags = self
        size = unpacker.size
        start = cursor.position
        available = min(most, (cursor.end - start) // size)
        for fields in unpacker.iter_unpack(memoryview(cursor.data)[start : start + available * size]):
            if fields[::2] != tags:
                return
            cursor.position += size
            cursor.count(len(tags))
            yield fields[1::2]


@lru_cache(maxsize=512)
def row_layout(columns: tuple[tuple[bytes, str], ...]) -> RowLayout:
    """The layout of a structure whose elements have these leading bytes (tag, length) and `struct` formats."""
    tags = [leading for leading, _ in columns]
    tags[0] = bytes((2, len(columns))) + tags[0]
    text = "".join(f"{len(leading)}s{value}" for leading, (_, value) in zip(tags, columns, strict=True))
    return RowLayout(struct.Struct(">" + text), tuple(tags))
