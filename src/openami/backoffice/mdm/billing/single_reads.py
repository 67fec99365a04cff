"""Lines of channels that are read at single moments: gas and water, and meters that are read once a month.

A line is the register at or before the period's end less the one at or before its beginning, exchanges and roll-overs
joined where their reads are known. It is unknown as long as one of them is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple
from typing import Any

import msgspec
import numpy as np
from sqlalchemy import Connection, Row, func, select

from openami.backoffice.mdm.billing.determinants import Line, whole
from openami.backoffice.mdm.billing.results import Inputs
from openami.backoffice.mdm.chain import chain_of
from openami.backoffice.mdm.placement import Place, places_by_meter
from openami.backoffice.mdm.ratios import UNCHANGED, Ratios, ratios_of
from openami.backoffice.mdm.stamped import StampedRegister
from openami.backoffice.mdm.tables import stamped_register
from openami.backoffice.registry.registry import Registry
from openami.io.store.among import among
from openami.model.point import Channel, ChannelKind, Installation
from openami.model.unit import Unit

Bounds = tuple[int, int]


class Rest(msgspec.Struct, array_like=True, frozen=True):
    """What a line rests on: `reads` are stamp, meter and version; `places` are meter, start, end and `whole_start`;
    `ratios` are base, times and factors.
    """

    obis: str
    unit: str
    modulus: int
    places: list[tuple[int, int, int, bool]]
    reads: list[tuple[int, int, int]]
    ratios: tuple[int, tuple[int, ...], tuple[int, ...]] = (1, (), (1,))


def computed(
    connection: Connection, registry: Registry, channels: Sequence[Channel], bounds: Mapping[int, Bounds]
) -> dict[int, tuple[list[Line], Inputs]]:
    """Of points with channels of single reads the lines, and what they rest on."""
    mine = [channel for channel in channels if channel.kind is ChannelKind.STAMPED_REGISTER]
    if not mine:
        return {}
    points = list(dict.fromkeys(channel.metering_point for channel in mine))
    hung: dict[int, list[Installation]] = {point: [] for point in points}
    for installation in registry.installations_of_points(points):
        hung[installation.metering_point].append(installation)
    rows, ratios = _reads(connection, points, bounds), ratios_of(registry, mine)
    found: dict[int, tuple[list[Line], Inputs]] = {point: ([], []) for point in points}
    for channel in mine:
        point = channel.metering_point
        reads = rows.get((point, str(channel.obis)), [])
        rest = _rest(channel, hung[point], reads, ratios.get((point, str(channel.obis)), UNCHANGED))
        lines, inputs = found[point]
        lines.append(_line(rest, channel.scaler, reads, bounds[point]))
        inputs.append((lines[-1].name, channel.number, 0, channel.scaler, 0, 0, msgspec.msgpack.encode(rest)))
    return found


def computed_again(connection: Connection, point: int, inputs: Inputs, bounds: Bounds) -> list[Line]:
    """The lines of single reads among `inputs`, from the very versions that they name."""
    return [
        _line(rest, scaler, _same_reads(connection, point, rest), bounds)
        for _, _, step, scaler, _, _, blob in inputs
        if not step
        for rest in [msgspec.msgpack.decode(blob, type=Rest)]
    ]


def _rest(channel: Channel, hung: Sequence[Installation], reads: Sequence[Row[Any]], ratios: Ratios) -> Rest:
    told = [
        (meter, place.start, place.end, place.whole_start)
        for meter, places in places_by_meter(hung).items()
        for place in places
    ]
    versions = [(read.stamp, read.meter, read.version) for read in reads]
    return Rest(str(channel.obis), channel.unit.symbol, channel.modulus, told, versions, astuple(ratios))


def _reads(
    connection: Connection, points: Sequence[int], bounds: Mapping[int, Bounds]
) -> dict[tuple[int, str], list[Row[Any]]]:
    """Per point and quantity the current reads from the last one at or before its period begins to its end."""
    table, earliest = stamped_register.c, min(first for first, _ in bounds.values())
    opening = select(table.metering_point, table.obis, func.max(table.stamp).label("stamp"))
    before = opening.where(among(table.metering_point, points), table.stamp <= earliest)
    begins = [row.stamp for row in connection.execute(before.group_by(table.metering_point, table.obis))]
    span = min([*begins, earliest]), max(last for _, last in bounds.values())
    query = select(stamped_register).where(among(table.metering_point, points), table.stamp.between(*span))
    found: dict[tuple[int, str], dict[tuple[int, int], Row[Any]]] = {}
    for row in connection.execute(query.order_by(table.version)):
        found.setdefault((row.metering_point, row.obis), {})[row.stamp, row.meter] = row
    return {key: list(_within(reads, bounds[key[0]])) for key, reads in found.items()}


def _within(reads: Mapping[tuple[int, int], Row[Any]], bounds: Bounds) -> Iterator[Row[Any]]:
    """In order of time those from the opening read on."""
    opening = max((stamp for stamp, _ in reads if stamp <= bounds[0]), default=bounds[0])
    return (reads[key] for key in sorted(reads) if opening <= key[0] <= bounds[1])


def _same_reads(connection: Connection, point: int, rest: Rest) -> list[Row[Any]]:
    """The very versions that a line rests on, those of them that are still there."""
    table = stamped_register.c
    query = select(stamped_register).where(table.metering_point == point, table.obis == rest.obis)
    found = {(row.stamp, row.meter, row.version): row for row in connection.execute(query)}
    return [found[key] for key in rest.reads if key in found]


def _line(rest: Rest, scaler: int, reads: Sequence[Row[Any]], bounds: Bounds) -> Line:
    places: dict[int, list[Place]] = {}
    for meter, start, end, whole_start in rest.places:
        places.setdefault(meter, []).append(Place(0, start, end, whole_start))
    told = [
        StampedRegister(row.metering_point, row.obis, row.stamp, row.meter, row.register, row.known_at, row.evidence)
        for row in reads
    ]
    chain = chain_of(None, told, places, rest.modulus, Ratios(*rest.ratios))
    first, last = (int(np.searchsorted(chain.stamps, at, side="right")) - 1 for at in bounds)
    value = chain.between(first, last) if 0 <= first < last else None
    name, unit = f"register.{rest.obis}", rest.unit
    if unit == Unit.WATT_HOUR.symbol:
        return Line(name, None if value is None else whole(value, scaler), "Wh", 1, int(value is None), 0, 0)
    return Line(name, value, f"10^{scaler} {unit}" if scaler else unit, 1, int(value is None), 0, 0)
