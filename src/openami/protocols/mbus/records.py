"""The variable data structure: records after records, each telling what it is (EN 13757-3).

`decode_records(bytes.fromhex("0413c4090000"))` holds one record, whose `name` is `volume` and whose `value` 2.500 m³.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import NamedTuple

from openami.model.errors import DecodeError
from openami.model.unit import Unit
from openami.protocols.mbus.dif import (
    GLOBAL_READOUT,
    IDLE_FILLER,
    MANUFACTURER_DATA,
    MORE_RECORDS_FOLLOW,
    Function,
)
from openami.protocols.mbus.layout import RecordLayout, compile_layout, skip_header
from openami.protocols.mbus.plan import Place, Plan, Plans, make_plan
from openami.protocols.mbus.value import Value, convert_variable, shifted, variable_size
from openami.protocols.wire.cursor import DEFAULT_LIMITS, Cursor, Limits

SPECIAL = 0x0F


class Record(NamedTuple):
    """One record. `raw` are its data without header and length; `start` and `end` bound it in the decoded bytes.

    `value` is `None` for no data, for data that the meter marks as not valid, and where `error` is set.
    """

    layout: RecordLayout
    raw: bytes
    value: Value
    start: int
    end: int

    @property
    def name(self) -> str:
        """What people call the value."""
        return self.layout.name

    @property
    def quantity(self) -> str:
        """What is measured or stated, without function, tariff and storage."""
        return self.layout.quantity

    @property
    def unit(self) -> Unit:
        """What the value counts."""
        return self.layout.unit

    @property
    def function(self) -> Function:
        """Which of the quantity's values it is."""
        return self.layout.data.function

    @property
    def storage(self) -> int:
        """Storage number; 0 is the actual value."""
        return self.layout.data.storage

    @property
    def tariff(self) -> int:
        """Tariff; 0 is the total."""
        return self.layout.data.tariff

    @property
    def subunit(self) -> int:
        """Which unit of the device."""
        return self.layout.data.subunit

    @property
    def modifiers(self) -> tuple[str, ...]:
        """What the VIFEs add."""
        return self.layout.modifiers

    @property
    def error(self) -> str:
        """What the meter says instead of a value."""
        return self.layout.error


@dataclass(frozen=True)
class Records:
    """All records of one telegram, and what the manufacturer put behind them.

    `plan` is the one that they were read by, if they were.
    """

    records: tuple[Record, ...] = ()
    manufacturer_data: bytes = b""
    more_records_follow: bool = False
    global_readout: bool = False
    plan: Plan | None = field(default=None, compare=False, repr=False)

    def __iter__(self) -> Iterator[Record]:
        return iter(self.records)

    def __len__(self) -> int:
        return len(self.records)

    @cached_property
    def headers(self) -> bytes:
        """All record headers, one behind the other: what the signature of a compact frame's format covers."""
        return b"".join(record.layout.header for record in self.records)


PLANS = Plans()
_new = tuple.__new__
"""A named tuple's own constructor costs a call more."""


def decode_records(data: bytes) -> Records:
    """Read `data` to its end; raises `DecodeError` with the offset of what cannot be read."""
    plan = PLANS.find(data)
    if plan is None:
        records = walk_records(data)
        if records.records and PLANS.wanted(data):
            PLANS.keep(data, _plan(data, records))
        return records
    records_read = tuple(
        [
            _new(Record, (layout, raw := data[at:stop], convert(raw), start, stop))
            for layout, convert, start, at, stop in plan.places
        ]
    )
    return Records(records_read, data[plan.tail :], plan.more_records_follow, plan.global_readout, plan)


def _plan(data: bytes, records: Records) -> Plan:
    places = tuple(_place(data, record) for record in records)
    tail = len(data) - len(records.manufacturer_data)
    return make_plan(data, places, tail, more=records.more_records_follow, everything=records.global_readout)


def _place(data: bytes, record: Record) -> Place:
    layout, at = record.layout, record.end - len(record.raw)
    convert = layout.convert
    if layout.error:
        convert = _no_value
    elif layout.size is None:
        convert = partial(_variable, data[at - 1], layout)
    return Place(layout, convert, record.start, at, record.end)


def _no_value(_: bytes) -> None:
    return None


def _variable(length_field: int, layout: RecordLayout, raw: bytes) -> Value:
    value = convert_variable(length_field, raw, layout.kind, layout.unit, layout.exponent, layout.factor)
    return shifted(value, layout.offset)


def walk_records(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Records:
    """The same without what was learned from other telegrams."""
    cursor = Cursor(data, limits)
    records: list[Record] = []
    global_readout = False
    while cursor.remaining:
        dif = data[cursor.position]
        if dif & 0x0F != SPECIAL:
            cursor.count(1)
            records.append(_record(cursor))
            continue
        cursor.position += 1
        if dif in {MANUFACTURER_DATA, MORE_RECORDS_FOLLOW}:
            return Records(tuple(records), cursor.take_rest(), dif == MORE_RECORDS_FOLLOW, global_readout)
        if dif == GLOBAL_READOUT:
            global_readout = True
        elif dif != IDLE_FILLER:
            raise cursor.error(f"reserved DIF {dif:02x}", back=1)
    return Records(tuple(records), global_readout=global_readout)


def decode_headers(headers: bytes) -> tuple[RecordLayout, ...]:
    """The layouts in a format frame: record headers without data; idle fillers are passed over."""
    cursor = Cursor(headers)
    layouts: list[RecordLayout] = []
    while cursor.remaining:
        if cursor.peek() == IDLE_FILLER:
            cursor.position += 1
        elif cursor.peek() & 0x0F == SPECIAL:
            raise cursor.error(f"DIF {cursor.peek():02x} has no place in a format")
        else:
            layouts.append(compile_layout(skip_header(cursor)))
    return tuple(layouts)


def decode_compact(data: bytes, layouts: tuple[RecordLayout, ...]) -> Records:
    """The data of a compact frame, whose headers are known from elsewhere; what is left over is the manufacturer's."""
    cursor = Cursor(data)
    records = tuple(_data(cursor, layout, cursor.position) for layout in layouts)
    return Records(records, cursor.take_rest())


def _record(cursor: Cursor) -> Record:
    start = cursor.position
    try:
        layout = compile_layout(skip_header(cursor))
        return _data(cursor, layout, start)
    except DecodeError as error:
        error.path = (f"record at {start}", *error.path)
        raise


def _data(cursor: Cursor, layout: RecordLayout, start: int) -> Record:
    size = layout.size
    if size is not None:
        raw = cursor.take(size)
        value = None if layout.error else layout.convert(raw)
        return Record(layout, raw, value, start, cursor.position)
    length_field = cursor.u8()
    size = variable_size(length_field)
    if size is None:
        raise cursor.error(f"reserved length {length_field:02x} of variable data", back=1)
    raw = cursor.take(size)
    value = None if layout.error else _variable(length_field, layout, raw)
    return Record(layout, raw, value, start, cursor.position)
