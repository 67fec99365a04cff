"""A driver put to use: names for records, values out of bytes at fixed places, sums."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from openami.model.quality import GuaranteeClass, Quality
from openami.protocols.mbus.meter_time import decode_time
from openami.protocols.mbus.value import bcd_number
from openami.protocols.mbus.wireless.address import MeterAddress
from openami.protocols.mbus.wireless.drivers.ciphers import CIPHERS
from openami.protocols.mbus.wireless.drivers.declaration import Driver, Field, Layout, Sum
from openami.protocols.mbus.wireless.named import NamedValue, Plain, plain_value


@dataclass(frozen=True, slots=True)
class Told:
    """What was read without the driver. `blob` are the bytes that are no records, `content` is all that was opened."""

    values: Sequence[NamedValue]
    radio: MeterAddress
    ci: int
    blob: bytes
    content: bytes
    guarantee: GuaranteeClass


def apply(driver: Driver, told: Told) -> tuple[NamedValue, ...]:
    """The values under the driver's names, and what it finds in them and in the bytes that are no records."""
    own = [layout for layout in driver.layouts if layout.place == "content" and told.content.startswith(layout.starts)]
    values = [] if own else [_renamed(driver, value) for value in told.values]
    for layout in driver.layouts:
        for data, protected in _places(layout, told):
            values += _fields(layout, data, protected)
    for wanted in driver.sums:
        values += _sum(wanted, values)
    return tuple(values)


def _renamed(driver: Driver, value: NamedValue) -> NamedValue:
    record = value.record
    naming = driver.records.get(record.layout.header) if record is not None else None
    if record is None or naming is None:
        return value
    number = plain_value(record.layout.convert(record.raw)) if record.error else value.value
    quality = value.quality if number is None else Quality.MEASURED
    return value._replace(name=naming.name, unit=naming.unit or value.unit, value=number, quality=quality)


def _places(layout: Layout, told: Told) -> Iterator[tuple[bytes, GuaranteeClass]]:
    """The bytes that `layout` is about, opened, with how they were protected."""
    if layout.place == "record":
        for value in told.values:
            record = value.record
            if record is not None and record.layout.header == layout.argument and record.raw.startswith(layout.starts):
                yield record.raw, value.guarantee
        return
    data = told.content if layout.place == "content" else told.blob
    if not data or (layout.place == "ci" and layout.argument != bytes((told.ci,))):
        return
    if layout.cipher:
        opened = (CIPHERS[layout.cipher](told.radio, told.ci, data, key) for key in layout.keys)
        data = next((plain for plain in opened if plain), b"")
    if data and data.startswith(layout.starts):
        yield data, told.guarantee


def _fields(layout: Layout, data: bytes, guarantee: GuaranteeClass) -> Iterator[NamedValue]:
    parts = _tagged(layout, data)
    for field in layout.fields:
        part = parts.get(int(field.tag, 16), b"") if field.tag else data
        for n in range(field.count):
            at = field.at + n * (field.step or field.size)
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
    number = _number(field, raw)
    if number is None:
        return None
    if field.values is not None:
        meaning = field.values.get(str(number))
        return Decimal(meaning) if meaning is not None and field.unit else meaning
    return Decimal(number) / field.divisor


def _number(field: Field, raw: bytes) -> int | None:
    if field.kind == "bcd":
        read = bcd_number(raw)
        return None if read is None else read[0]
    if field.nibbles:
        digits = raw.hex()
        return int("".join(digits[at] for at in field.nibbles), 16)
    number = int.from_bytes(raw, "big" if field.kind == "big" else "little", signed=field.kind == "signed")
    if field.mask:
        number = (number & field.mask) // (field.mask & -field.mask)
    return number


def _sum(wanted: Sum, values: Sequence[NamedValue]) -> Iterator[NamedValue]:
    parts = [value for name in wanted.of for value in values if value.name == name]
    numbers = [value.value for value in parts if isinstance(value.value, Decimal)]
    if len(numbers) != len(wanted.of) or len({value.unit for value in parts}) != 1:
        return
    weakest = max(value.guarantee for value in parts)
    yield NamedValue(wanted.name, sum(numbers, Decimal(0)), parts[0].unit, Quality.CALCULATED, weakest)
