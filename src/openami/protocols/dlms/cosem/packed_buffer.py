"""A profile's rows packed: a few bytes a row in memory, encoded for the wire in one pass.

A row is one clock stamp and unsigned integers. In memory a row is 7 bytes of stamp (UTC seconds, deviation, clock
status) and the integers, one after another in one bytearray; the oldest row drops off its front.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from openami.protocols.dlms.axdr import put_length
from openami.protocols.dlms.cosem.profile_buffer import ARRAY_TAG, Instant, Key, LocalTime, check_kind
from openami.protocols.dlms.data import Data, DataType
from openami.protocols.dlms.date_time import ClockStatus, CosemDateTime

Records = npt.NDArray[Any]

DAY_S = 86_400
_CLOCK = "IhB"
_CLOCK_WIRE = [
    ("tag", "u1"),
    ("length", "u1"),
    ("year", ">u2"),
    ("month", "u1"),
    ("day", "u1"),
    ("weekday", "u1"),
    ("hour", "u1"),
    ("minute", "u1"),
    ("second", "u1"),
    ("hundredths", "u1"),
    ("deviation", ">i2"),
    ("status", "u1"),
]
_INTEGERS = {
    DataType.UNSIGNED: ("B", "u1"),
    DataType.ENUM: ("B", "u1"),
    DataType.LONG_UNSIGNED: ("H", "u2"),
    DataType.DOUBLE_LONG_UNSIGNED: ("I", "u4"),
    DataType.LONG64_UNSIGNED: ("Q", "u8"),
}


class Stamp(NamedTuple):
    """A clock's reading as it is kept: whole UTC seconds of that clock (1970 to 2106), its deviation in minutes, its
    status.
    """

    second: int
    deviation: int
    status: int

    def date_time(self) -> CosemDateTime:
        """The same as a date-time."""
        return CosemDateTime.from_utc(self.second, self.deviation, ClockStatus(self.status))


class PackedLayout:
    """Column 0 is the clock, the others are integers of the types `columns`. One layout serves many buffers."""

    def __init__(self, columns: Sequence[DataType]) -> None:
        self.columns = tuple(columns)
        self.row = struct.Struct("<" + _CLOCK + "".join(_INTEGERS[kind][0] for kind in columns))
        names = [(f"c{index}", "<" + _INTEGERS[kind][1]) for index, kind in enumerate(columns, start=1)]
        self.dtype = np.dtype([("second", "<u4"), ("deviation", "<i2"), ("status", "u1"), *names])
        self.wire = lru_cache(maxsize=64)(self._wire)

    def _wire(self, chosen: tuple[int, ...]) -> np.dtype[Any]:
        """How rows of the columns `chosen` stand on the wire: tags and values."""
        fields: list[Any] = [("structure", "u1"), ("count", "u1")]
        for place, column in enumerate(chosen):
            if column == 0:
                fields += [(f"{name}{place}", kind) for name, kind in _CLOCK_WIRE]
            else:
                kind = _INTEGERS[self.columns[column - 1]][1]
                fields += [(f"tag{place}", "u1"), (f"value{place}", ">" + kind)]
        return np.dtype(fields)


class PackedBuffer:
    """Rows of one layout, oldest first (FIFO), at most `capacity`."""

    __slots__ = ("_rows", "capacity", "layout")

    def __init__(self, capacity: int, layout: PackedLayout) -> None:
        self.capacity = capacity
        self.layout = layout
        self._rows = bytearray()

    def __len__(self) -> int:
        return len(self._rows) // self.layout.row.size

    def append(self, stamp: Stamp, *values: int) -> None:
        """Capture a row; a full buffer drops its oldest."""
        size = self.layout.row.size
        self._rows += self.layout.row.pack(*stamp, *values)
        if len(self._rows) > self.capacity * size:
            del self._rows[:size]

    def extend(self, records: Records) -> None:
        """Capture many rows at once; `records` has the layout's dtype."""
        size = self.layout.row.size
        self._rows += records[-self.capacity :].tobytes()
        del self._rows[: max(0, len(self._rows) - self.capacity * size)]

    def last(self) -> tuple[Stamp, tuple[int, ...]]:
        """The newest row."""
        row = self.layout.row
        second, deviation, status, *values = row.unpack_from(self._rows, len(self._rows) - row.size)
        return Stamp(second, deviation, status), tuple(values)

    def clear(self) -> None:
        self._rows.clear()

    def records(self) -> Records:
        """All rows, oldest first, as a copy."""
        return np.frombuffer(bytes(self._rows), self.layout.dtype)

    def between(self, column: int, low: Key | None, high: Key | None, local_time: LocalTime) -> Sequence[int]:  # noqa: ARG002
        for bound in (low, high):
            check_kind(bound, 0 if column else Instant(0))
        keys = self.records()["second" if column == 0 else f"c{column}"]
        inside = np.ones(len(keys), np.bool_)
        if low is not None:
            inside &= keys >= low
        if high is not None:
            inside &= keys <= high
        rows = np.flatnonzero(inside)
        if len(rows) and rows[-1] - rows[0] + 1 == len(rows):
            return range(int(rows[0]), int(rows[-1]) + 1)
        return rows.tolist()

    def encode(self, rows: Sequence[int], columns: Sequence[int]) -> bytes:
        head = bytearray(ARRAY_TAG)
        put_length(len(rows), head)
        if not rows:
            return bytes(head)
        records = self._chosen(rows)
        chosen = tuple(columns)
        out = np.empty(len(records), self.layout.wire(chosen))
        out["structure"], out["count"] = int(DataType.STRUCTURE), len(chosen)
        for place, column in enumerate(chosen):
            if column == 0:
                _put_clock(records, out, place)
            else:
                out[f"tag{place}"] = int(self.layout.columns[column - 1])
                out[f"value{place}"] = records[f"c{column}"]
        return bytes(head) + out.tobytes()

    def _chosen(self, rows: Sequence[int]) -> Records:
        if isinstance(rows, range):
            size = self.layout.row.size
            return np.frombuffer(bytes(memoryview(self._rows)[rows.start * size : rows.stop * size]), self.layout.dtype)
        return self.records()[list(rows)]

    def row(self, number: int) -> tuple[Data, ...]:
        """One row as values; negative numbers count from the newest."""
        records = self.records()[number]
        stamp = Stamp(int(records["second"]), int(records["deviation"]), int(records["status"]))
        cells = (Data(kind, int(records[f"c{index}"])) for index, kind in enumerate(self.layout.columns, start=1))
        return (Data(DataType.OCTET_STRING, bytes(stamp.date_time())), *cells)


def _put_clock(records: Records, out: Records, place: int) -> None:
    """Write the stamps as octet-string(12); calendar arithmetic is done once per change of date."""
    local = records["second"].astype(np.int64) - 60 * records["deviation"].astype(np.int64)
    days = local // DAY_S
    seconds = (local - days * DAY_S).astype(np.uint32)
    out[f"tag{place}"], out[f"length{place}"] = int(DataType.OCTET_STRING), 12
    starts = np.flatnonzero(np.diff(days, prepend=days[0] - 1))
    dates = np.array([_date(int(day)) for day in days[starts]])
    spread = np.repeat(dates, np.diff(starts, append=len(days)), axis=0)
    for index, name in enumerate(("year", "month", "day", "weekday")):
        out[f"{name}{place}"] = spread[:, index]
    minutes = seconds // 60
    out[f"hour{place}"], out[f"minute{place}"], out[f"second{place}"] = minutes // 60, minutes % 60, seconds % 60
    out[f"hundredths{place}"] = 0
    out[f"deviation{place}"], out[f"status{place}"] = records["deviation"], records["status"]


@lru_cache(maxsize=1024)
def _date(day: int) -> tuple[int, int, int, int]:
    at = date(1970, 1, 1) + timedelta(days=day)
    return at.year, at.month, at.day, at.isoweekday()
