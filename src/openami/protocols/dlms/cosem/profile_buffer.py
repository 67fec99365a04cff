"""What holds the rows of a profile, and how rows are compared for sorting and for range access.

Two kinds: `RowBuffer` here keeps any rows as `Data`; `PackedBuffer` keeps rows of one fixed layout packed.
Entries are numbered in the order of the sort method; row 0 here is entry 1.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from datetime import UTC
from enum import IntEnum
from typing import Protocol, TypeAlias

from openami.model.errors import DecodeError, LocalProtocolError
from openami.protocols.dlms.axdr import put_length
from openami.protocols.dlms.data import Data, DataType, encode_data
from openami.protocols.dlms.date_time import CosemDateTime


class Instant(float):
    """A point in time, UTC seconds: compared with other instants only, never with numbers."""

    __slots__ = ()


Key: TypeAlias = Instant | float | bytes | str
Row: TypeAlias = tuple[Data, ...]
LocalTime: TypeAlias = Callable[[CosemDateTime], float | None]
"""UTC seconds of a date-time; fills in the deviation where it is not specified; `None` for wildcards."""

ARRAY_TAG = bytes((DataType.ARRAY,))
_NUMBERS = frozenset(
    {
        DataType.BOOLEAN,
        DataType.DOUBLE_LONG,
        DataType.DOUBLE_LONG_UNSIGNED,
        DataType.BCD,
        DataType.INTEGER,
        DataType.LONG,
        DataType.UNSIGNED,
        DataType.LONG_UNSIGNED,
        DataType.LONG64,
        DataType.LONG64_UNSIGNED,
        DataType.ENUM,
        DataType.FLOAT32,
        DataType.FLOAT64,
    }
)


class SortMethod(IntEnum):
    """sort_method: the order of the entries, and so which one is dropped from a full buffer."""

    FIFO = 1
    LIFO = 2
    LARGEST = 3
    SMALLEST = 4
    NEAREST_TO_ZERO = 5
    FAREST_FROM_ZERO = 6


class ProfileBuffer(Protocol):
    """The rows of one profile, at most `capacity` of them."""

    capacity: int

    def __len__(self) -> int: ...

    def clear(self) -> None:
        """Forget all rows."""
        ...

    def between(self, column: int, low: Key | None, high: Key | None, local_time: LocalTime) -> Sequence[int]:
        """The rows whose value in `column` is from `low` to `high`, both included; `None` is open on that side.

        Raises `DecodeError` if a bound is of another kind than the column.
        """
        ...

    def encode(self, rows: Sequence[int], columns: Sequence[int]) -> bytes:
        """An A-XDR array of structures: these rows, in each the columns `columns` in their order."""
        ...


def utc_seconds(stamp: CosemDateTime) -> float | None:
    """The instant of `stamp` in seconds since 1970; without a deviation it is read as UTC; `None` for wildcards."""
    local = stamp.to_local()
    if local is None:
        return None
    return (local if local.tzinfo else local.replace(tzinfo=UTC)).timestamp()


def key_of(data: Data, local_time: LocalTime) -> Key:
    """What `data` is compared by: date-times by their instant, numbers by value, texts by their octets.

    Raises `DecodeError` for values that have no order (arrays, wildcard date-times).
    """
    if data.type in _NUMBERS:
        return float(data.value) if data.type in {DataType.FLOAT32, DataType.FLOAT64} else int(data.value)
    if data.type is DataType.DATE_TIME:
        return _instant(data.value, local_time)
    if data.type is DataType.OCTET_STRING:
        octets: bytes = data.value
        return _instant(CosemDateTime.from_bytes(octets), local_time) if len(octets) == 12 else octets
    if data.type in {DataType.VISIBLE_STRING, DataType.UTF8_STRING, DataType.BIT_STRING}:
        text: str = data.value
        return text
    raise DecodeError(f"{data.type.text} has no order", 0)


def bound_of(data: Data, local_time: LocalTime) -> Key | None:
    """One end of a range; a date-time with nothing specified leaves that end open (`None`)."""
    octets = bytes(data.value) if data.type in {DataType.OCTET_STRING, DataType.DATE_TIME} else b""
    if len(octets) == 12 and octets[:9] == b"\xff" * 9:
        return None
    return key_of(data, local_time)


def _instant(stamp: CosemDateTime, local_time: LocalTime) -> Instant:
    at = local_time(stamp)
    if at is None:
        raise DecodeError(f"date-time {stamp} is not one instant", 0)
    return Instant(at)


def check_kind(bound: Key | None, key: Key) -> None:
    """Raise `DecodeError` unless `bound` is of the same kind as `key`: instant, number, octets or text."""
    if bound is not None and _kind(bound) != _kind(key):
        raise DecodeError(f"a bound is of kind {_kind(bound)}, the column of kind {_kind(key)}", 0)


def _kind(key: Key) -> str:
    if isinstance(key, Instant):
        return "instant"
    if isinstance(key, bytes):
        return "octets"
    return "text" if isinstance(key, str) else "number"


def within(key: Key, low: Key | None, high: Key | None) -> bool:
    """Whether low ≤ key ≤ high; raises `DecodeError` if the bounds are of another kind."""
    check_kind(low, key)
    check_kind(high, key)
    return (low is None or low <= key) and (high is None or key <= high)  # type: ignore[operator]  # both are of its kind, as shown above


class RowBuffer:
    """Rows of any layout, sorted as they come. `order` gives a row's sort key and must match `sort_method`."""

    __slots__ = ("_keys", "_rows", "_sort_column", "capacity", "sort_method")

    def __init__(self, capacity: int, sort_method: SortMethod = SortMethod.FIFO, sort_column: int = 0) -> None:
        self.capacity = capacity
        self.sort_method = sort_method
        self._sort_column = sort_column
        self._rows: list[Row] = []
        self._keys: list[float] = []

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, row: int) -> Row:
        return self._rows[row]

    def append(self, row: Row) -> None:
        """Take a captured row to its place; a full buffer drops its oldest, or its last in the order, row."""
        if self.sort_method is SortMethod.FIFO:
            self._rows.append(row)
            del self._rows[: -self.capacity]
        elif self.sort_method is SortMethod.LIFO:
            self._rows.insert(0, row)
            del self._rows[self.capacity :]
        else:
            key = self._order(row)
            at = bisect_right(self._keys, key)
            self._keys.insert(at, key)
            self._rows.insert(at, row)
            del self._keys[self.capacity :], self._rows[self.capacity :]

    def _order(self, row: Row) -> float:
        key = key_of(row[self._sort_column], utc_seconds)
        if isinstance(key, (bytes, str)):
            raise LocalProtocolError(f"a profile cannot be sorted {self.sort_method.name} by octets or text")
        value = key
        if self.sort_method is SortMethod.LARGEST:
            return -value
        if self.sort_method is SortMethod.SMALLEST:
            return value
        return abs(value) if self.sort_method is SortMethod.NEAREST_TO_ZERO else -abs(value)

    def clear(self) -> None:
        self._rows.clear()
        self._keys.clear()

    def between(self, column: int, low: Key | None, high: Key | None, local_time: LocalTime) -> Sequence[int]:
        rows = self._rows
        return [i for i in range(len(rows)) if within(key_of(rows[i][column], local_time), low, high)]

    def encode(self, rows: Sequence[int], columns: Sequence[int]) -> bytes:
        out = bytearray(ARRAY_TAG)
        put_length(len(rows), out)
        for row in rows:
            cells = self._rows[row]
            out += encode_data(Data(DataType.STRUCTURE, tuple(cells[column] for column in columns)))
        return bytes(out)
