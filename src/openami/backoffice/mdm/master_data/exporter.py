"""Writes the registry as a file that `RegistryImport` takes: what is known now, with the history of what held when."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, TextIO

from openami.backoffice.mdm.master_data.lines import ALL_COLUMNS
from openami.backoffice.mdm.master_data.transformers import Ratio, told
from openami.backoffice.registry.facts import Fact, FactKind
from openami.backoffice.registry.registry import Registry
from openami.backoffice.registry.timeline import Timeline
from openami.model.point import Channel

POINTS_AT_ONCE = 1_000
KINDS = (FactKind.SUPPLY, FactKind.CONTRACT, FactKind.TOPOLOGY)
Row = Mapping[str, Any]


def write_registry(registry: Registry, timeline: Timeline, out: TextIO, known: datetime | None = None) -> int:
    """Write points, meters, channels, and what joined them; how many lines. With `known`: what was known then of
    installations, supplies, contracts, topology and ratios.
    """
    writer = csv.DictWriter(out, ALL_COLUMNS, lineterminator="\n")
    writer.writeheader()
    lines = 0
    for row in _rows(registry, timeline, known):
        writer.writerow(row)
        lines += 1
    return lines


def _rows(registry: Registry, timeline: Timeline, known: datetime | None) -> Iterator[Row]:
    codes = {}
    for point in registry.points():
        codes[point.id] = point.code
        yield {"record": "point", "point": point.code, "address": point.service_address, "zone": point.zone}
    serials = {}
    for meter in registry.meters():
        serials[meter.id] = meter.serial
        yield {
            "record": "meter",
            "meter": meter.serial,
            "system_title": meter.system_title.hex(),
            "guarantee": int(meter.guarantee),
            "link": meter.link,
            "framing": meter.framing,
        }
    consumers = {one.id: one.name for one in registry.consumers()}
    points = list(codes)
    for at in range(0, len(points), POINTS_AT_ONCE):
        some = points[at : at + POINTS_AT_ONCE]
        scalers = {}
        for channel in registry.channels_of_points(some):
            scalers[channel.metering_point, str(channel.obis)] = channel.scaler
            yield _channel(codes[channel.metering_point], channel)
        for fact in timeline.history(FactKind.INSTALLATION, some, known):
            reads = {name: _reads(fact.content.get(name)) for name in ("opening", "closing")}
            yield _fact(codes, fact, {"meter": serials[fact.content["meter"]], **reads})
        for kind in KINDS:
            for fact in timeline.history(kind, some, known):
                content = dict(fact.content)
                if kind is FactKind.SUPPLY:
                    content["consumer"] = consumers[content["consumer"]]
                yield _fact(codes, fact, content)
        for ratio in told(timeline.history(FactKind.RATIO, some, known)):
            yield _ratio(codes[ratio.metering_point], ratio, scalers[ratio.metering_point, ratio.obis])


def _fact(codes: Mapping[int, str], fact: Fact, content: Row) -> Row:
    end = "" if fact.end is None else fact.end.isoformat()
    what = {"record": fact.kind.value, "point": codes[fact.metering_point]}
    return {**what, **content, "start": fact.start.isoformat(), "end": end}


def _ratio(point: str, ratio: Ratio, scaler: int) -> Row:
    return {
        "record": FactKind.RATIO.value,
        "point": point,
        "obis": ratio.obis,
        "scaler": scaler,
        "multiplier": ratio.factor,
        "start": ratio.start.isoformat(),
        "end": "" if ratio.end is None else ratio.end.isoformat(),
    }


def _reads(reads: Mapping[str, int] | None) -> str:
    return " ".join(f"{obis}={register}" for obis, register in (reads or {}).items())


def _channel(point: str, channel: Channel) -> Row:
    return {
        "record": "channel",
        "point": point,
        "channel": channel.number,
        "obis": channel.obis,
        "kind": channel.kind.value,
        "unit": channel.unit.symbol,
        "scaler": channel.scaler,
        "multiplier": channel.multiplier if channel.multiplier > 1 else "",
        "resolution_s": channel.resolution_s or "",
        "digits": len(str(channel.modulus // channel.multiplier)) - 1 if channel.modulus else "",
    }
