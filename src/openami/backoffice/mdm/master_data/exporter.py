"""Writes the registry as a file that `RegistryImport` takes: what is known now, with the history of what held when."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, TextIO

from openami.backoffice.mdm.master_data.lines import ALL_COLUMNS
from openami.backoffice.mdm.master_data.per_quantity import Told, told
from openami.backoffice.registry.facts import Fact, FactKind
from openami.backoffice.registry.registry import Registry
from openami.backoffice.registry.timeline import Timeline
from openami.model.point import Channel

POINTS_AT_ONCE = 1_000
KINDS = (FactKind.SUPPLY, FactKind.CONTRACT, FactKind.TOPOLOGY)
Row = Mapping[str, Any]


def write_registry(registry: Registry, timeline: Timeline, out: TextIO, known: datetime | None = None) -> int:
    """Write points, meters, channels, and what joined them; how many lines. With `known`: what was known then of
    installations, supplies, contracts, topology, ratios and check channels.
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
        channels = registry.channels_of_points(some)
        scalers = {(channel.metering_point, str(channel.obis)): channel.scaler for channel in channels}
        yield from (_channel(codes[channel.metering_point], channel) for channel in channels)
        yield from _installations(codes, serials, timeline.history(FactKind.INSTALLATION, some, known))
        for kind in KINDS:
            for fact in timeline.history(kind, some, known):
                content = dict(fact.content)
                if kind is FactKind.SUPPLY:
                    content["consumer"] = consumers[content["consumer"]]
                yield _fact(codes, fact, content)
        for kind in (FactKind.RATIO, FactKind.CHECK):
            for one in told(timeline.history(kind, some, known)):
                yield _told(codes[one.metering_point], one, scalers[one.metering_point, one.obis])


def _installations(codes: Mapping[int, str], serials: Mapping[int, str], facts: Iterable[Fact]) -> Iterator[Row]:
    for fact in facts:
        reads = {name: _reads(fact.content.get(name)) for name in ("opening", "closing")}
        yield _fact(codes, fact, {"meter": serials[fact.content["meter"]], **reads})


def _fact(codes: Mapping[int, str], fact: Fact, content: Row) -> Row:
    end = "" if fact.end is None else fact.end.isoformat()
    what = {"record": fact.kind.value, "point": codes[fact.metering_point]}
    return {**what, **content, "start": fact.start.isoformat(), "end": end}


def _told(point: str, one: Told, scaler: int) -> Row:
    ratio = one.kind is FactKind.RATIO
    content = {"multiplier": one.value, "scaler": scaler} if ratio else {"checks": one.value}
    end = "" if one.end is None else one.end.isoformat()
    what = {"record": one.kind.value, "point": point, "obis": one.obis}
    return {**what, **content, "start": one.start.isoformat(), "end": end}


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
