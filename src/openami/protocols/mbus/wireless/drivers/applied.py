"""A driver put to use: names for records, values out of bytes at fixed places, sums."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

from openami.model.quality import GuaranteeClass, Quality
from openami.protocols.mbus.meter_time import decode_time
from openami.protocols.mbus.value import bcd_number
from openami.protocols.mbus.wireless.drivers.declaration import Driver, Field, Layout, Sum
from openami.protocols.mbus.wireless.named import NamedValue, Plain, plain_value


def apply(
    driver: Driver, values: Sequence[NamedValue], ci: int, blob: bytes, guarantee: GuaranteeClass
) -> tuple[NamedValue, ...]:
    """`values` under the driver's names, and what it finds in them and in `blob`, the bytes that are no records."""
    told = [_renamed(driver, value) for value in values]
    for layout in driver.layouts:
        for data, protected in _places(layout, values, ci, blob, guarantee):
            if data.startswith(layout.starts):
                told += _fields(layout, data, protected)
    for wanted in driver.sums:
        told += _sum(wanted, told)
    return tuple(told)


def _renamed(driver: Driver, value: NamedValue) -> NamedValue:
    record = value.record
    name = driver.records.get(record.layout.header) if record is not None else None
    if record is None or name is None:
        return value
    number = plain_value(record.layout.convert(record.raw)) if record.error else value.value
    quality = value.quality if number is None else Quality.MEASURED
    return replace(value, name=name, value=number, quality=quality)


def _places(
    layout: Layout, values: Sequence[NamedValue], ci: int, blob: bytes, guarantee: GuaranteeClass
) -> Iterator[tuple[bytes, GuaranteeClass]]:
    if layout.place == "record":
        for value in values:
            if value.record is not None and value.record.layout.header == layout.argument:
                yield value.record.raw, value.guarantee
    elif blob and (layout.place == "manufacturer" or layout.argument == bytes((ci,))):
        yield blob, guarantee


def _fields(layout: Layout, data: bytes, guarantee: GuaranteeClass) -> Iterator[NamedValue]:
    parts = _tagged(layout, data)
    for field in layout.fields:
        part = parts.get(int(field.tag, 16), b"") if field.tag else data
        for n in range(field.count):
            at = field.at + n * field.size
            raw = part[at : at + field.size]
            if len(raw) < field.size:
                break
            value = _value(field, raw)
            quality = Quality.MISSING if value is None else Quality.MEASURED
            yield NamedValue(field.name.replace("{n}", str(field.first + n)), value, field.unit, quality, guarantee)


def _tagged(layout: Layout, data: bytes) -> dict[int, bytes]:
    """The parts of `data` by tag, the first of each; what stands behind a tag of unknown size cannot be told."""
    parts: dict[int, bytes] = {}
    at = layout.skip
    while layout.sizes is not None and at < len(data) and data[at] in layout.sizes:
        size = layout.sizes[data[at]]
        parts.setdefault(data[at], data[at + 1 : at + 1 + size])
        at += 1 + size
    return parts


def _value(field: Field, raw: bytes) -> Plain:
    if field.kind == "date":
        return plain_value(decode_time(raw))
    if field.kind == "bcd":
        number = bcd_number(raw)
        return None if number is None else Decimal(number[0]) / field.divisor
    return Decimal(int.from_bytes(raw, "little", signed=field.kind == "signed")) / field.divisor


def _sum(wanted: Sum, values: Sequence[NamedValue]) -> Iterator[NamedValue]:
    parts = [value for name in wanted.of for value in values if value.name == name]
    numbers = [value.value for value in parts if isinstance(value.value, Decimal)]
    if len(numbers) != len(wanted.of) or len({value.unit for value in parts}) != 1:
        return
    weakest = max(value.guarantee for value in parts)
    yield NamedValue(wanted.name, sum(numbers, Decimal(0)), parts[0].unit, Quality.CALCULATED, weakest)
