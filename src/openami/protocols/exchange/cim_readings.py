"""MeterReadings of IEC 61968-9 as XML, in and out.

Structure and namespaces are those of public messages of head-ends (edition of 2011); the standard's schema was not at
hand. A message may be wrapped in an envelope (`EventMessage`, `RequestMessage` …) or stand alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from xml.sax.saxutils import escape, quoteattr

from openami.model.obis import ObisCode
from openami.model.quality import Quality
from openami.model.unit import Unit
from openami.protocols.exchange.delivery import (
    INTERVALS_MAX,
    BadRecord,
    Delivery,
    Parsed,
    Rejected,
    instant,
    number,
    written,
)
from openami.protocols.exchange.reading_type import ReadingType, reading_type_of
from openami.protocols.exchange.xml_stream import Node, records

NAMESPACE = "http://iec.ch/TC57/2011/MeterReadings#"
MESSAGE = "http://iec.ch/TC57/2011/schema/message"
CATEGORIES = {7: Quality.ESTIMATED, 8: Quality.ESTIMATED, 11: Quality.CALCULATED, 12: Quality.ESTIMATED}
"""Second number of a ReadingQualityType (edited, estimated, derived, projected); others leave a value as measured."""
QUALITY_REFS = {Quality.MEASURED: "1.0.0", Quality.CALCULATED: "3.11.0", Quality.ESTIMATED: "3.8.0"}

Value = tuple[int, Decimal | None, Quality]


def parse_cim_readings(chunks: Iterable[bytes]) -> Parsed:
    """The blocks and readings of a MeterReadings message: one `Delivery` per `IntervalBlocks`, and one for all
    `Readings` of a type. A block that cannot be is rejected and the next one read.
    """
    found = False
    for node in records(chunks, ("MeterReading",)):
        found = True
        if isinstance(node, Rejected):
            yield node
        elif not node.namespace.endswith("MeterReadings#"):
            yield Rejected(node.line, f"MeterReading is of the namespace {node.namespace[:80]!r}, not {NAMESPACE}")
        else:
            yield from _meter_reading(node)
    if not found:
        yield Rejected(1, "there is no MeterReading in the file")


def _meter_reading(node: Node) -> Parsed:
    point = _name_of(node.first("UsagePoint"))
    meter = _name_of(node.first("Meter"))
    if not point and not meter:
        yield Rejected(node.line, "the MeterReading names neither a UsagePoint nor a Meter")
        return
    for block in node.all("IntervalBlocks"):
        try:
            yield _block(block, point, meter)
        except BadRecord as error:
            yield Rejected(block.line, str(error))
    by_type: dict[str, list[Node]] = {}
    for reading in node.all("Readings"):
        kind = reading.first("ReadingType")
        by_type.setdefault("" if kind is None else kind.attributes.get("ref", ""), []).append(reading)
    for ref, readings in by_type.items():
        try:
            yield _registers(ReadingType.parse(ref), readings, point, meter)
        except BadRecord as error:
            yield Rejected(readings[0].line, str(error))


def _name_of(node: Node | None) -> str:
    """What an object is called: its first name, else its mRID."""
    return "" if node is None else node.said("Names", "name") or node.said("mRID")


def _block(block: Node, point: str, meter: str) -> Delivery:
    kind = block.first("ReadingType")
    if kind is None:
        raise BadRecord("IntervalBlocks has no ReadingType")
    reading_type = ReadingType.parse(kind.attributes.get("ref", ""))
    readings = list(block.all("IntervalReadings"))
    if not 0 < len(readings) <= INTERVALS_MAX:
        raise BadRecord(f"IntervalBlocks has {len(readings)} IntervalReadings; 1 to {INTERVALS_MAX} can be taken")
    resolution_s = reading_type.resolution_s
    if not resolution_s:
        raise BadRecord(f"ReadingType {reading_type} does not say how long an interval is")
    return _delivery(block, readings, reading_type, (point, meter), resolution_s)


def _registers(reading_type: ReadingType, readings: Sequence[Node], point: str, meter: str) -> Delivery:
    if not reading_type.registers:
        raise BadRecord(f"Readings of {reading_type} are no register; energies of intervals stand in IntervalBlocks")
    return _delivery(readings[0], readings, reading_type, (point, meter), 0)


def _delivery(
    node: Node, readings: Sequence[Node], reading_type: ReadingType, names: tuple[str, str], resolution_s: int
) -> Delivery:
    values = [_value(reading, reading_type) for reading in readings]
    stamps, amounts, qualities = zip(*values, strict=True)
    return Delivery(
        node.line, readings[-1].line, *names, reading_type.obis, reading_type.quantity, resolution_s,
        stamps, amounts, qualities, reading_type.registers,
    )  # fmt: skip


def _value(reading: Node, reading_type: ReadingType) -> Value:
    stamp = instant(reading.need("timeStamp"))
    text = reading.said("value")
    quality = Quality.worst(*(_quality(each) for each in reading.all("ReadingQualities")))
    if not text:
        return stamp, None, Quality.MISSING
    return stamp, reading_type.scaled(number(text)), quality


def _quality(node: Node) -> Quality:
    kind = node.first("ReadingQualityType")
    parts = "" if kind is None else kind.attributes.get("ref", "")
    category = parts.split(".")[1:2]
    return (
        CATEGORIES.get(int(category[0]), Quality.MEASURED) if category and category[0].isdecimal() else Quality.MEASURED
    )


@dataclass(frozen=True, slots=True)
class CimBlock:
    """Values of one channel of a point: integers × 10^`scaler` in `unit`; `meter` is empty where none is told."""

    point: str
    meter: str
    obis: ObisCode
    unit: Unit
    scaler: int
    resolution_s: int
    registers: bool
    values: Iterable[tuple[int, int | None, Quality]]


def write_readings(blocks: Iterable[CimBlock], created_at: datetime, source: str, message: str) -> Iterator[str]:
    """A `created MeterReadings` event message, piece by piece. A value that is missing has a timeStamp and no value."""
    yield (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<EventMessage xmlns="{MESSAGE}">\n<Header><Verb>created</Verb>'
        f"<Noun>MeterReadings</Noun><Timestamp>{written(int(created_at.timestamp()))}</Timestamp>"
        f"<Source>{escape(source)}</Source><MessageID>{escape(message)}</MessageID></Header>\n"
        f'<Payload><MeterReadings xmlns="{NAMESPACE}">\n'
    )
    for block in blocks:
        yield from _written(block)
    yield "</MeterReadings></Payload></EventMessage>\n"


def _written(block: CimBlock) -> Iterator[str]:
    ref = str(reading_type_of(block.obis, block.unit, block.scaler, block.resolution_s, registers=block.registers))
    yield "<MeterReading>"
    element = "IntervalReadings" if block.resolution_s else "Readings"
    type_element = f"<ReadingType ref={quoteattr(ref)}/>"
    if block.resolution_s:
        yield "<IntervalBlocks>\n"
    for stamp, value, quality in block.values:
        told = "" if value is None else f"<value>{value}</value>"
        ref_quality = QUALITY_REFS.get(quality)
        graded = (
            f'<ReadingQualities><ReadingQualityType ref="{ref_quality}"/></ReadingQualities>' if ref_quality else ""
        )
        inner = "" if block.resolution_s else type_element
        yield f"<{element}><timeStamp>{written(stamp)}</timeStamp>{told}{graded}{inner}</{element}>\n"
    if block.resolution_s:
        yield f"{type_element}</IntervalBlocks>"
    if block.meter:
        yield _named("Meter", block.meter)
    yield _named("UsagePoint", block.point) + "</MeterReading>\n"


def _named(element: str, name: str) -> str:
    said = escape(name)
    return f"<{element}><mRID>{said}</mRID><Names><name>{said}</name></Names></{element}>"
