"""Other ways to send the rows of a packed buffer: as a compact-array, or with what has not changed left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from openami.field.meter.config import ProfileEncoding
from openami.protocols.dlms.axdr import put_length
from openami.protocols.dlms.cosem.packed_buffer import PackedBuffer
from openami.protocols.dlms.cosem.profile_buffer import ARRAY_TAG, Key, LocalTime, ProfileBuffer
from openami.protocols.dlms.data import DataType

Octets = npt.NDArray[np.uint8]
CLOCK_CELL = 14
STRUCTURE_HEAD = 2
NULL = b"\0"


class _EncodedRows:
    """The rows of `rows`; subclasses say how they are sent."""

    __slots__ = ("_rows", "capacity")

    def __init__(self, rows: PackedBuffer) -> None:
        self._rows = rows
        self.capacity = rows.capacity

    def __len__(self) -> int:
        return len(self._rows)

    def clear(self) -> None:
        """Forget all rows."""
        self._rows.clear()

    def between(self, column: int, low: Key | None, high: Key | None, local_time: LocalTime) -> Sequence[int]:
        """As the buffer does."""
        return self._rows.between(column, low, high, local_time)

    def _kinds(self, columns: Sequence[int]) -> list[DataType]:
        return [DataType.OCTET_STRING if not one else self._rows.layout.columns[one - 1] for one in columns]

    def _plain(self, rows: Sequence[int], columns: Sequence[int]) -> Octets:
        """The rows as they are sent otherwise: an octet a cell, rows × octets."""
        raw = self._rows.encode(rows, columns)
        head = bytearray(ARRAY_TAG)
        put_length(len(rows), head)
        return np.frombuffer(raw, np.uint8, offset=len(head)).reshape(len(rows), -1)

    def _starts(self, columns: Sequence[int]) -> list[int]:
        """Where each cell of a row begins, and where the row ends."""
        sizes = [CLOCK_CELL if not one else 1 + self._rows.layout.dtype[f"c{one}"].itemsize for one in columns]
        return [STRUCTURE_HEAD + sum(sizes[:place]) for place in range(len(sizes) + 1)]


class CompactRows(_EncodedRows):
    """Sent as a compact-array: the types once, then values without tags."""

    __slots__ = ()

    def encode(self, rows: Sequence[int], columns: Sequence[int]) -> bytes:
        """An A-XDR compact-array of structures: these rows, in each the columns `columns` in their order."""
        out = bytearray((DataType.COMPACT_ARRAY, DataType.STRUCTURE))
        put_length(len(columns), out)
        out += bytes(self._kinds(columns))
        contents = self._contents(rows, columns) if rows else b""
        put_length(len(contents), out)
        return bytes(out) + contents

    def _contents(self, rows: Sequence[int], columns: Sequence[int]) -> bytes:
        plain = self._plain(rows, columns)
        untagged = np.ones(plain.shape[1], np.bool_)
        untagged[:STRUCTURE_HEAD] = False
        untagged[self._starts(columns)[:-1]] = False
        return plain[:, untagged].tobytes()


class NullCompressedRows(_EncodedRows):
    """Sent with null-data for every value that is as in the row before, and for a stamp that the capture period
    tells: so many seconds after the one before, with the same deviation and status.
    """

    __slots__ = ("_period_s",)

    def __init__(self, rows: PackedBuffer, period_s: Callable[[], int]) -> None:
        super().__init__(rows)
        self._period_s = period_s

    def encode(self, rows: Sequence[int], columns: Sequence[int]) -> bytes:
        """An A-XDR array of structures: these rows, in each the columns `columns` in their order."""
        if not rows:
            return self._rows.encode(rows, columns)
        plain, starts = self._plain(rows, columns), self._starts(columns)
        same = [self._same(plain, one, starts[place], starts[place + 1], rows) for place, one in enumerate(columns)]
        out = bytearray(ARRAY_TAG)
        put_length(len(rows), out)
        cells = list(pairwise(starts))
        for row, left_out in zip(plain, np.array(same).T.tolist(), strict=True):
            octets = row.tobytes()
            out += octets[:STRUCTURE_HEAD]
            for (start, end), null in zip(cells, left_out, strict=True):
                out += NULL if null else octets[start:end]
        return bytes(out)

    def _same(self, plain: Octets, column: int, start: int, end: int, rows: Sequence[int]) -> npt.NDArray[np.bool_]:
        """For each row whether the cell can be left out; never in the first."""
        same = np.zeros(len(plain), np.bool_)
        if column:
            same[1:] = (plain[1:, start:end] == plain[:-1, start:end]).all(axis=1)
        else:
            records = self._rows.records()[list(rows)]
            steps = np.diff(records["second"].astype(np.int64)) == self._period_s()
            for name in ("deviation", "status"):
                steps &= records[name][1:] == records[name][:-1]
            same[1:] = steps
        return same


def encoded(rows: PackedBuffer, encoding: ProfileEncoding, period_s: Callable[[], int]) -> ProfileBuffer:
    """`rows` as a meter with this profile_encoding sends them."""
    if encoding == ProfileEncoding.COMPACT_ARRAY:
        return CompactRows(rows)
    return NullCompressedRows(rows, period_s) if encoding == ProfileEncoding.NULL_COMPRESSED else rows
