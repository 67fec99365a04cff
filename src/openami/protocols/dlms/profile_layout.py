"""The layout of a load profile's row: where its tags and its values stand.

A row is a structure of simple values. Rows whose tags (and lengths) agree byte for byte have one layout, and the
values of many such rows are columns of a packed record. Everything here only looks at tags; values are not judged.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from openami.protocols.dlms.data import DataType
from openami.protocols.dlms.profile_stamps import Words

STRUCTURE_TAG: Final = int(DataType.STRUCTURE)
OCTET_STRING_TAG: Final = int(DataType.OCTET_STRING)

# Types of fixed size: bytes, and how NumPy reads them.
_SIMPLE: Final = {
    int(kind): (kind, np.dtype(text).itemsize, text)
    for kind, text in (
        (DataType.BOOLEAN, "u1"),
        (DataType.DOUBLE_LONG, ">i4"),
        (DataType.DOUBLE_LONG_UNSIGNED, ">u4"),
        (DataType.BCD, "i1"),
        (DataType.INTEGER, "i1"),
        (DataType.LONG, ">i2"),
        (DataType.UNSIGNED, "u1"),
        (DataType.LONG_UNSIGNED, ">u2"),
        (DataType.LONG64, ">i8"),
        (DataType.LONG64_UNSIGNED, ">u8"),
        (DataType.ENUM, "u1"),
        (DataType.FLOAT32, ">f4"),
        (DataType.FLOAT64, ">f8"),
    )
}
_NATIVE: Final = {DataType.BOOLEAN: np.bool_, DataType.LONG64_UNSIGNED: np.uint64} | dict.fromkeys(
    (DataType.FLOAT32, DataType.FLOAT64), np.float64
)

Records = npt.NDArray[Any]


class Item(NamedTuple):
    """One value of a row: its type and how many bytes it has after the tag (and the length)."""

    type: DataType
    size: int

    @property
    def is_clock(self) -> bool:
        """Whether this can be a date-time of twelve octets."""
        return self.size == 12 and self.type in {DataType.OCTET_STRING, DataType.DATE_TIME}


class RowLayout:
    """Where things stand in a row of `items`; `size` bytes in all."""

    def __init__(self, items: tuple[Item, ...]) -> None:
        self.items = items
        tags: list[tuple[int, int]] = [(0, STRUCTURE_TAG), (1, len(items))]
        offsets: list[int] = []
        position = 2
        for kind, size in items:
            tags.append((position, int(kind)))
            position += 1
            if kind is DataType.OCTET_STRING:
                tags.append((position, size))
                position += 1
            offsets.append(position)
            position += size
        self.size = position
        self.offsets = tuple(offsets)
        self._tags = [(offset, bytes((tag,))) for offset, tag in tags]
        self._tag_offsets = np.array([offset for offset, _ in tags])
        self._tag_values = np.array([tag for _, tag in tags], np.uint8)
        self._dtype = self._record()

    def all_alike(self, raw: bytes, start: int, rows: int) -> bool:
        """Whether `raw[start:]` is exactly `rows` rows of this layout, every tag byte compared."""
        size = self.size
        if len(raw) - start != rows * size:
            return False
        return all(raw[start + offset :: size] == tag * rows for offset, tag in self._tags)

    def count_alike(self, raw: bytes, start: int, rows_max: int) -> int:
        """How many whole rows from `start` on have this layout, `rows_max` at most."""
        rows = min(rows_max, (len(raw) - start) // self.size)
        table = np.frombuffer(raw, np.uint8, rows * self.size, start).reshape(rows, self.size)
        same = (table[:, self._tag_offsets] == self._tag_values).all(axis=1)
        return rows if same.all() else int(same.argmin())

    def records(self, raw: bytes, start: int, rows: int) -> Records:
        """`rows` rows as packed records: fields `v0`, `v1`, … for values, and words `d`, `t`, `r` per date-time."""
        return np.frombuffer(raw, self._dtype, rows, start)

    def values(self, records: Records, column: int) -> npt.NDArray[Any]:
        """A native copy of one value column: int64 (uint64 for long64-unsigned), float64, bool or bytes objects."""
        kind, size = self.items[column]
        if kind in {DataType.NULL_DATA, DataType.DONT_CARE}:
            return np.zeros(len(records), np.int64)
        if kind is not DataType.OCTET_STRING:
            return records[f"v{column}"].astype(_NATIVE.get(kind, np.int64))
        made = np.empty(len(records), object)
        made[:] = [octets.tobytes() for octets in records[f"v{column}"]] if size else [b""] * len(records)
        return made

    def clock_words(self, records: Records, column: int) -> tuple[Words, Words, Words]:
        """The three native words of the date-times in `column`, as `utc_seconds` wants them."""
        date, time, rest = (records[f"{name}{column}"].astype(np.uint32) for name in "dtr")
        return date, time, rest

    def _record(self) -> np.dtype[Any]:
        names: list[str] = []
        formats: list[str] = []
        offsets: list[int] = []
        for column, (item, offset) in enumerate(zip(self.items, self.offsets, strict=True)):
            parts = [("v", _SIMPLE[item.type][2], 0)] if item.type in _SIMPLE else []
            if item.type is DataType.OCTET_STRING and item.size:
                parts.append(("v", f"V{item.size}", 0))
            if item.is_clock:
                parts += [("d", ">u4", 0), ("t", ">u4", 4), ("r", ">u4", 8)]
            for name, text, shift in parts:
                names.append(f"{name}{column}")
                formats.append(text)
                offsets.append(offset + shift)
        return np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": self.size})


def read_layout(raw: bytes, position: int) -> RowLayout | None:
    """The layout of the row that begins at `position`; `None` if it is not a plain one (the general decoder's work)."""
    items = _scan(raw, position)
    return None if items is None else _layout_of(items)


@lru_cache(maxsize=256)
def _layout_of(items: tuple[Item, ...]) -> RowLayout:
    return RowLayout(items)


def _scan(raw: bytes, position: int) -> tuple[Item, ...] | None:
    end = len(raw)
    if position + 2 > end or raw[position] != STRUCTURE_TAG or not 0 < raw[position + 1] < 0x80:
        return None
    items: list[Item] = []
    count = raw[position + 1]
    position += 2
    for _ in range(count):
        item = _item(raw, position) if position < end else None
        if item is None:
            return None
        items.append(item)
        position += 1 + (item.type is DataType.OCTET_STRING) + item.size
    return tuple(items) if position <= end else None


_ITEMS: Final = {tag: Item(kind, size) for tag, (kind, size, _) in _SIMPLE.items()} | {
    int(DataType.NULL_DATA): Item(DataType.NULL_DATA, 0),
    int(DataType.DONT_CARE): Item(DataType.DONT_CARE, 0),
    int(DataType.DATE_TIME): Item(DataType.DATE_TIME, 12),
}


def _item(raw: bytes, position: int) -> Item | None:
    tag = raw[position]
    if tag != OCTET_STRING_TAG:
        return _ITEMS.get(tag)
    if position + 1 >= len(raw) or raw[position + 1] >= 0x80:
        return None
    return Item(DataType.OCTET_STRING, raw[position + 1])
