"""What a decoded load profile is, and the general way to it: from rows of `Data`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from openami.model.errors import DecodeError
from openami.protocols.dlms.data import CompactArray, Data, DataType
from openami.protocols.dlms.profile_stamps import Seconds, Statuses, stamps_of

NOTHING: Final = frozenset({DataType.NULL_DATA, DataType.DONT_CARE})
INTEGERS: Final = frozenset(
    {
        DataType.DOUBLE_LONG,
        DataType.DOUBLE_LONG_UNSIGNED,
        DataType.BCD,
        DataType.INTEGER,
        DataType.LONG,
        DataType.UNSIGNED,
        DataType.LONG_UNSIGNED,
        DataType.LONG64,
        DataType.ENUM,
    }
)
FLOATS: Final = frozenset({DataType.FLOAT32, DataType.FLOAT64})
PLAIN: Final = INTEGERS | FLOATS | {DataType.LONG64_UNSIGNED, DataType.BOOLEAN, DataType.OCTET_STRING}
CLOCKS: Final = frozenset({DataType.OCTET_STRING, DataType.DATE_TIME})


class ProfileColumn(NamedTuple):
    """The values of one capture object, one per row.

    `values` is int64 for integers, enum and bcd (uint64 for long64-unsigned), float64, bool, or object with the
    Python values of `Data` where the types are others or mixed. `present` is `None` when every row has a value,
    else false where the meter sent null-data; what such a null means is the caller's to know, the value in its place
    is 0 or `None`.
    """

    values: npt.NDArray[Any]
    present: npt.NDArray[np.bool_] | None = None


# What the constructor does, without the way there: thousands of columns are cut at a time.
_column_of: Final[Callable[[tuple[Any, Any]], ProfileColumn]] = partial(tuple.__new__, ProfileColumn)


@dataclass(frozen=True, slots=True, eq=False)
class ProfileColumns:
    """A decoded profile, row by row as the meter sent it.

    `stamps` are the clock column in whole seconds since 1970 UTC; `clock_status` is its status octet (0xFF: not
    specified, also for stamps that the meter left out). `columns[i]` belongs to the i-th capture object; at the
    clock's own place it holds the stamps again, absent where the meter left them out. A profile without rows has no
    columns.
    """

    stamps: Seconds
    clock_status: Statuses
    columns: tuple[ProfileColumn, ...]

    def __len__(self) -> int:
        return len(self.stamps)

    def parts(self, shares: Sequence[tuple[int, int]]) -> list[ProfileColumns]:
        """The profiles that stand one after another in this one, as views.

        `shares` are pairs: so many profiles, of so many rows (at least one) each.
        """
        made: list[ProfileColumns] = []
        start = 0
        for profiles, rows in shares:
            here = slice(start, start + profiles * rows)
            columns = zip(*(_parts(column, here, rows) for column in self.columns), strict=True)
            stamps, status = _cut(self.stamps[here], rows), _cut(self.clock_status[here], rows)
            made += map(ProfileColumns, stamps, status, columns)
            start = here.stop
        return made


def _cut(values: npt.NDArray[Any], rows: int) -> list[npt.NDArray[Any]]:
    return list(values.reshape(-1, rows))


def _parts(column: ProfileColumn, here: slice, rows: int) -> Iterator[ProfileColumn]:
    values, present = column
    cut = repeat(None) if present is None else _cut(present[here], rows)
    return map(_column_of, zip(_cut(values[here], rows), cut, strict=False))


@dataclass(frozen=True, slots=True)
class Reading:
    """How a profile is to be read: see `decode_profile`."""

    columns: tuple[DataType, ...] | None = None
    clock: int = 0
    default_deviation: int | None = None
    capture_period_s: int | None = None


def dtype_of(kinds: frozenset[DataType]) -> Any:
    """The type of an array that holds values of all `kinds`; object where there is no better one."""
    if kinds <= INTEGERS:
        return np.int64
    if kinds <= FLOATS:
        return np.float64
    if kinds == {DataType.LONG64_UNSIGNED}:
        return np.uint64
    return np.bool_ if kinds == {DataType.BOOLEAN} else object


def columns_of(data: Data, reading: Reading) -> ProfileColumns:
    """The columns of a decoded buffer; raise `DecodeError` if it is none, or a stamp cannot be placed in UTC.

    Offsets are not known here: errors count from 0 and name row and column in their path.
    """
    rows = _rows(data)
    if not rows:
        return ProfileColumns(np.zeros(0, np.int64), np.zeros(0, np.uint8), ())
    if reading.clock >= len(rows[0]):
        raise DecodeError(f"no column {reading.clock} for the clock, rows have {len(rows[0])} values", 0)
    table = list(zip(*rows, strict=True))
    for number, column in enumerate(table):
        _check_types(number, column, reading)
    clock = [_octets(row, reading.clock, value) for row, value in enumerate(table[reading.clock])]
    stamps, status = stamps_of(clock, reading.clock, reading.default_deviation, reading.capture_period_s)
    columns = [_column(column) for column in table]
    columns[reading.clock] = ProfileColumn(stamps, _present([value is not None for value in clock]))
    return ProfileColumns(stamps, status, tuple(columns))


def _rows(data: Data) -> list[tuple[Data, ...]]:
    elements = data.value.contents if isinstance(data.value, CompactArray) else data.value
    if data.type not in {DataType.ARRAY, DataType.COMPACT_ARRAY}:
        raise DecodeError(f"a profile's buffer is an array, not {data.type.text}", 0)
    rows: list[tuple[Data, ...]] = []
    for number, row in enumerate(elements):
        if row.type is not DataType.STRUCTURE:
            raise DecodeError(f"a row is a structure, not {row.type.text}", 0, (f"[{number}]",))
        if rows and len(row.value) != len(rows[0]):
            raise DecodeError(f"{len(row.value)} values, the first row has {len(rows[0])}", 0, (f"[{number}]",))
        rows.append(row.value)
    return rows


def _check_types(number: int, column: Sequence[Data], reading: Reading) -> None:
    if reading.columns is None:
        return
    expected = reading.columns[number] if number < len(reading.columns) else None
    for row, (kind, _) in enumerate(column):
        if kind is not expected and (kind not in NOTHING or expected is None):
            wanted = "no value" if expected is None else expected.text
            raise DecodeError(f"{kind.text} where {wanted} is expected", 0, (f"[{row}]", f"[{number}]"))


def _octets(row: int, column: int, data: Data) -> bytes | None:
    """The twelve octets of a stamp; `None` where the meter left it out."""
    if data.type in NOTHING:
        return None
    octets = bytes(data.value) if data.type in CLOCKS else b""
    if len(octets) != 12:
        path = (f"[{row}]", f"[{column}]")
        raise DecodeError(f"the clock is no date-time of 12 octets but {data.type.text}", 0, path)
    return octets


def _column(column: Sequence[Data]) -> ProfileColumn:
    kinds = frozenset([kind for kind, _ in column]) - NOTHING
    present = _present([kind not in NOTHING for kind, _ in column])
    dtype = dtype_of(kinds)
    if dtype is object:
        values = np.empty(len(column), object)
        values[:] = [value for _, value in column]
        return ProfileColumn(values, present)
    return ProfileColumn(np.array([0 if value is None else value for _, value in column], dtype), present)


def _present(present: list[bool]) -> npt.NDArray[np.bool_] | None:
    return None if all(present) else np.array(present, np.bool_)
