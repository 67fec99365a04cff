"""Interface class Profile generic (class_id 7, version 1): captured values in rows, read in parts.

Selective access as the class prints it: by range (selector 1) of any column and by entry (selector 2), both with
a choice of columns. Facts as in `interface_class`.
Source: public implementations and lists, counted beside the peer stack; no edition of the book was at hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from openami.model.errors import DecodeError
from openami.model.obis import ObisCode
from openami.protocols.dlms.access_result import DataAccessResult
from openami.protocols.dlms.cosem.attribute import Attribute, Method, Source
from openami.protocols.dlms.cosem.interface_class import InterfaceClass, Selection
from openami.protocols.dlms.cosem.profile_buffer import (
    LocalTime,
    ProfileBuffer,
    Row,
    SortMethod,
    bound_of,
    utc_seconds,
)
from openami.protocols.dlms.cosem.refusal import Refused
from openami.protocols.dlms.cosem.types import (
    DOUBLE_LONG_UNSIGNED,
    INTEGER,
    CosemType,
    array_of,
    enum_of,
    mismatch,
)
from openami.protocols.dlms.data import CompactArray, Data, DataType
from openami.protocols.dlms.selective_access import CaptureObjectDefinition, EntryDescriptor, RangeDescriptor

CAPTURE_OBJECT_DEFINITION: CosemType[CaptureObjectDefinition] = CosemType(
    "capture_object_definition", CaptureObjectDefinition.to_data, CaptureObjectDefinition.from_data
)


def _rows_to_data(rows: tuple[Row, ...]) -> Data:
    return Data(DataType.ARRAY, tuple(Data(DataType.STRUCTURE, row) for row in rows))


def _rows_from_data(data: Data) -> tuple[Row, ...]:
    items = data.value.contents if isinstance(data.value, CompactArray) else data.value
    if data.type not in {DataType.ARRAY, DataType.COMPACT_ARRAY}:
        raise mismatch("compact-array or array", data)
    for item in items:
        if item.type is not DataType.STRUCTURE:
            raise mismatch("structure", item)
    return tuple(item.value for item in items)


ROWS: CosemType[tuple[Row, ...]] = CosemType("compact-array or array", _rows_to_data, _rows_from_data)

BY_RANGE = RangeDescriptor.access_selector
BY_ENTRY = EntryDescriptor.access_selector


class ProfileGeneric(InterfaceClass, class_id=7, version=1):
    """`capture_period` is in seconds, 0 where captures are triggered from outside.

    `rows` holds the entries. Changing `capture_period` keeps them: each row carries its own stamp. `local_time`
    reads date-times of range requests that come without a deviation.
    """

    __slots__ = ("local_time", "rows")

    buffer = Attribute(2, ROWS)
    capture_objects = Attribute(3, array_of(CAPTURE_OBJECT_DEFINITION), static=True)
    capture_period = Attribute(4, DOUBLE_LONG_UNSIGNED, static=True)
    sort_method = Attribute(5, enum_of(SortMethod), static=True)
    sort_object = Attribute(6, CAPTURE_OBJECT_DEFINITION, static=True)
    entries_in_use = Attribute(7, DOUBLE_LONG_UNSIGNED)
    profile_entries = Attribute(8, DOUBLE_LONG_UNSIGNED, static=True)

    reset = Method(1, INTEGER)
    capture = Method(2, INTEGER)

    def __init__(
        self, logical_name: ObisCode, rows: ProfileBuffer, local_time: LocalTime = utc_seconds, **values: Any
    ) -> None:
        super().__init__(logical_name, **values)
        self.rows = rows
        self.local_time = local_time
        self.attribute_values[2] = Source(lambda _now: ())  # encoded from `rows` by read()
        self.attribute_values[7] = Source(lambda _now: len(rows))
        self.attribute_values[8] = rows.capacity
        self.handle(type(self).reset, lambda _argument, _now: rows.clear())

    def read(self, attribute_id: int, selection: Selection | None, now: float) -> bytes:
        if attribute_id != 2:
            return super().read(attribute_id, selection, now)
        every = range(len(self.capture_objects))
        if selection is None:
            return self.rows.encode(range(len(self.rows)), every)
        if isinstance(selection, EntryDescriptor):
            return self.rows.encode(*self._by_entry(selection))
        return self.rows.encode(self._by_range(selection), self._columns(selection.selected_values))

    def _by_entry(self, selection: EntryDescriptor) -> tuple[range, range]:
        """Entries and columns are numbered from 1; 0 as the end stands for the last one."""
        return (
            _numbered(selection.from_entry, selection.to_entry, len(self.rows)),
            _numbered(selection.from_selected_value, selection.to_selected_value, len(self.capture_objects)),
        )

    def _by_range(self, selection: RangeDescriptor) -> Sequence[int]:
        column = self._column(selection.restricting_object)
        try:
            low = bound_of(selection.from_value, self.local_time)
            high = bound_of(selection.to_value, self.local_time)
            return self.rows.between(column, low, high, self.local_time)
        except DecodeError:
            raise Refused(DataAccessResult.TYPE_UNMATCHED) from None

    def _columns(self, selected: Sequence[CaptureObjectDefinition]) -> Sequence[int]:
        """The columns of `selected`; all of them if it is empty. No column is given more than once."""
        if not selected:
            return range(len(self.capture_objects))
        return list(dict.fromkeys(self._column(definition) for definition in selected))

    def _column(self, wanted: CaptureObjectDefinition) -> int:
        """Where `wanted` is captured. A column that is not there violates the scope of access."""
        try:
            return self.capture_objects.index(wanted)
        except ValueError:
            raise Refused(DataAccessResult.SCOPE_OF_ACCESS_VIOLATED) from None


class ProfileGeneric0(ProfileGeneric, class_id=7, version=0):
    """Older meters name this version: the members are those of version 1, as another stack counts them."""

    __slots__ = ()


def _numbered(first: int, last: int, count: int) -> range:
    if first < 1:
        raise Refused(DataAccessResult.SCOPE_OF_ACCESS_VIOLATED)
    return range(first - 1, max(first - 1, min(last, count) if last else count))
