"""Compact profiles: one record holds the values of many storages at even distances in time.

A profile's data begin with a control byte (upper bits: absolute values or increments; then the unit of the spacing;
lower four bits: the data field of each value) and a byte with the spacing. Found by captured telegrams; the standard's
text was not at hand, so only absolute values at whole or half months, days, hours, minutes and seconds are read.
"""

from __future__ import annotations

from openami.protocols.mbus.dif import DATA_SIZE
from openami.protocols.mbus.layout import RecordLayout, compile_layout
from openami.protocols.mbus.records import Record

_INVERSE, _FORWARD = 0x13, 0x1F
_UNITS = ("second", "minute", "hour", "day")
_HALF_MONTHS, _MONTHS = 0xFD, 0xFE
VALUES_MAX = 256


def may_be_profile(layout: RecordLayout) -> bool:
    """Whether records of this layout can be compact profiles."""
    return bool(layout.vifes) and layout.vifes[-1] & 0x7F in {_INVERSE, _FORWARD}


def profile_values(record: Record) -> tuple[tuple[str, Record], ...]:
    """The values of a compact profile, each with its name; nothing for any other record."""
    if not may_be_profile(record.layout) or len(record.raw) < 2 or record.raw[0] >> 6:
        return ()
    control, spacing = record.raw[0], record.raw[1]
    size = DATA_SIZE[control & 0x0F]
    distance = _distance(control >> 4 & 3, spacing)
    if not size or not distance:
        return ()
    layout = _element(record.layout, control & 0x0F)
    side = "before" if record.layout.vifes[-1] & 0x7F == _INVERSE else "after"
    whole = (len(record.raw) - 2) // size
    found: list[tuple[str, Record]] = []
    for n in range(min(whole, VALUES_MAX)):
        raw = record.raw[2 + n * size : 2 + (n + 1) * size]
        name = f"{layout.name}, {n + 1} × {distance} {side}"
        found.append((name, Record(layout, raw, layout.convert(raw), record.start, record.end)))
    return tuple(found)


def _distance(unit: int, spacing: int) -> str:
    if unit == 3 and spacing in {_HALF_MONTHS, _MONTHS}:
        return "half month" if spacing == _HALF_MONTHS else "month"
    if not 1 <= spacing < _HALF_MONTHS:
        return ""
    return _UNITS[unit] if spacing == 1 else f"{spacing} {_UNITS[unit]}s"


def _element(layout: RecordLayout, data_field: int) -> RecordLayout:
    """The layout of one value: the profile's header with that data field and without the profile's VIFE."""
    header = bytearray(layout.header)
    header[0] = header[0] & 0xF0 | data_field
    del header[-1]
    header[-1] &= 0x7F
    return compile_layout(bytes(header))
