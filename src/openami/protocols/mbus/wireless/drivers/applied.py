"""A driver put to use: names for records, values out of bytes at fixed places, sums."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from openami.model.measurement import Measurement
from openami.model.obis import ObisCode
from openami.model.quality import GuaranteeClass, Quality
from openami.model.quantity import Quantity
from openami.protocols.mbus.measurements import Told
from openami.protocols.mbus.meter_time import MeterTime, decode_time
from openami.protocols.mbus.records import Record
from openami.protocols.mbus.value import bcd_number
from openami.protocols.mbus.wireless.address import MeterAddress
from openami.protocols.mbus.wireless.drivers.ciphers import CIPHERS
from openami.protocols.mbus.wireless.drivers.declaration import UNITS, Driver, Field, Layout, Naming, Sum

Said = Quantity | str | bytes | None


@dataclass(frozen=True, slots=True)
class Undriven:
    """What was read without the driver. `blob` are the bytes that are no records, `content` is all that was opened."""

    values: Sequence[Measurement]
    sources: Sequence[Record]
    radio: MeterAddress
    ci: int
    blob: bytes
    content: bytes
    guarantee: GuaranteeClass
    status: int | None


def apply(driver: Driver, told: Undriven) -> Told:
    """The values under the driver's names, and what it finds in them and in the bytes that are no records."""
    own = [layout for layout in driver.layouts if layout.place == "content" and told.content.startswith(layout.starts)]
    sources = () if own else tuple(told.sources)
    values = [_renamed(driver, *one) for one in zip(told.values, sources, strict=False)]
    for layout in driver.layouts:
        for data, protected in _places(layout, told):
            values += _fields(layout, data, protected, told.status)
    for wanted in driver.sums:
        values += _sum(wanted, values, told.status)
    return Told(tuple(values), sources)


def _renamed(driver: Driver, value: Measurement, record: Record) -> Measurement:
    naming = driver.records.get(record.layout.header)
    if naming is None:
        return value
    said = _recounted(naming, _said(record.layout.convert(record.raw)) if record.error else value.value)
    quality = value.quality if said is None else Quality.MEASURED
    name = value.name if isinstance(value.name, ObisCode) else naming.name
    return value._replace(name=name, value=said, quality=quality, words=naming.name)


def _recounted(naming: Naming, value: Said | bool) -> Said | bool:
    if not naming.unit or not isinstance(value, Quantity):
        return value
    unit, power = UNITS[naming.unit]
    return Quantity(value.mantissa, value.scaler + power, unit)


def _said(value: object) -> Said:
    if isinstance(value, MeterTime):
        return None if value.moment is None else str(value)
    return value if isinstance(value, Quantity | str | bytes) else None


def _places(layout: Layout, told: Undriven) -> Iterator[tuple[bytes, GuaranteeClass]]:
    """The bytes that `layout` is about, opened, with how they were protected."""
    if layout.place == "record":
        for value, record in zip(told.values, told.sources, strict=True):
            if record.layout.header == layout.argument and record.raw.startswith(layout.starts):
                assert value.guarantee is not None
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


def _fields(layout: Layout, data: bytes, guarantee: GuaranteeClass, status: int | None) -> Iterator[Measurement]:
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
            name = field.name.replace("{n}", str(field.first + n))
            yield Measurement(name, value, None, quality, status, "", guarantee, name)


def _tagged(layout: Layout, data: bytes) -> dict[int, bytes]:
    """The parts of `data` by tag, the first of each; what stands behind a tag of unknown size cannot be told."""
    parts: dict[int, bytes] = {}
    at = layout.skip
    while layout.sizes is not None and at < len(data) and data[at] in layout.sizes:
        size = layout.sizes[data[at]]
        parts.setdefault(data[at], data[at + 1 : at + 1 + size])
        at += 1 + size
    return parts


def _value(field: Field, raw: bytes) -> Said:
    if field.kind == "date":
        return _said(decode_time(raw))
    number = _number(field, raw)
    if number is None:
        return None
    if field.values is not None:
        meaning = field.values.get(str(number))
        return quantity(Decimal(meaning), field.unit) if meaning is not None and field.unit else meaning
    return quantity(Decimal(number) / field.divisor, field.unit)


def quantity(number: Decimal, symbol: str) -> Quantity:
    """`number` counted in what drivers write as `symbol`."""
    sign, digits, exponent = number.as_tuple()
    mantissa = int("".join(map(str, digits)))
    unit, power = UNITS[symbol]
    return Quantity(-mantissa if sign else mantissa, int(exponent) + power, unit)


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


def _sum(wanted: Sum, values: Sequence[Measurement], status: int | None) -> Iterator[Measurement]:
    parts = [value for name in wanted.of for value in values if value.words == name]
    numbers = [value.value for value in parts if isinstance(value.value, Quantity)]
    units = {number.unit for number in numbers}
    if len(numbers) != len(wanted.of) or len(parts) != len(numbers) or len(units) != 1:
        return
    scaler = min(number.scaler for number in numbers)
    total = sum(number.mantissa * 10 ** (number.scaler - scaler) for number in numbers)
    weakest = max(value.guarantee for value in parts if value.guarantee is not None)
    value = Quantity(total, scaler, numbers[0].unit)
    yield Measurement(wanted.name, value, None, Quality.CALCULATED, status, "", weakest, wanted.name)
