"""The lines of many points for one period: from their intervals, and from single reads where there are such channels.

Each point's lines come with what they rest on, so that the very same can be computed again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import Connection

from openami.backoffice.mdm.billing import single_reads
from openami.backoffice.mdm.billing.determinants import Flow, Line, Period, determinants
from openami.backoffice.mdm.billing.plan import Plan, register_codes
from openami.backoffice.mdm.billing.results import Inputs
from openami.backoffice.mdm.held import Held, Pair, held_days
from openami.backoffice.mdm.placement import homes
from openami.backoffice.registry.registry import Registry
from openami.model.interval import DAY_S, Stamps
from openami.model.obis import ObisCode
from openami.model.point import Channel
from openami.model.quality import Quality
from openami.model.unit import Unit

FLOWS = {"import": ObisCode(1, 0, 1, 8, 0), "export": ObisCode(1, 0, 2, 8, 0)}
Flows = dict[str, Channel]
Found = tuple[tuple[Line, ...], Inputs]


class Asked(NamedTuple):
    """A plan for the local days from `first` to before `after`."""

    plan: Plan
    first: date
    after: date
    within: tuple[int, int] | None = None

    def bounds(self, zone: str) -> tuple[int, int]:
        """The period in seconds UTC: from where the plan's day begins to where it begins again; of that what lies
        `within`.
        """
        clock = self.plan.begins
        days = (datetime.combine(day, clock, ZoneInfo(zone)) for day in (self.first, self.after))
        begin, end = (int(at.timestamp()) for at in days)
        return (begin, end) if self.within is None else (max(begin, self.within[0]), min(end, self.within[1]))


def computed(connection: Connection, registry: Registry, asked: Asked, points: Sequence[int]) -> dict[int, Found]:
    """The lines of each point, and what they rest on."""
    zones, channels = registry.zones(points), registry.channels_of_points(points)
    groups: dict[tuple[Any, ...], list[tuple[int, Flows]]] = {}
    for point, flows in _flows(points, channels).items():
        shape = tuple((name, each.resolution_s, each.scaler) for name, each in flows.items())
        groups.setdefault((zones[point], shape), []).append((point, flows))
    found: dict[int, Found] = {}
    for (zone, _), members in groups.items():
        found |= _group(connection, asked, zone, members)
    bounds = {point: asked.bounds(zones[point]) for point in points}
    for point, (lines, inputs) in single_reads.computed(connection, registry, channels, bounds).items():
        found[point] = (*found[point][0], *lines), [*found[point][1], *inputs]
    return {point: found[point] for point in points}


def computed_again(connection: Connection, asked: Asked, point: int, inputs: Inputs, zone: str) -> list[Line]:
    """The lines of a point from the very versions that `inputs` names."""
    held: dict[str, tuple[Held, int]] = {}
    for name, channel, step, scaler, first, count, versions in inputs:
        if step:
            wanted = np.frombuffer(versions, dtype=np.int32).reshape(1, count, 3)
            days = first, first + count - 1
            held[name] = held_days(connection, [(point, channel)], days, step, wanted.copy()), scaler
    lines = _lines(asked, zone, held)[0] if held else []
    return lines + single_reads.computed_again(connection, point, inputs, asked.bounds(zone))


def _flows(points: Sequence[int], channels: Sequence[Channel]) -> dict[int, Flows]:
    """Per point its channels of import and export, the finest resolution of each that both have."""
    there = homes(channels)
    found: dict[int, Flows] = {point: {} for point in points}
    for name, obis in FLOWS.items():
        for channel in sorted(there.values(), key=lambda each: each.resolution_s):
            mine = found[channel.metering_point]
            fits = "import" in mine and mine["import"].resolution_s == channel.resolution_s
            if channel.obis == obis and channel.unit is Unit.WATT_HOUR and (fits or name == "import"):
                mine.setdefault(name, channel)
    return found


def _group(connection: Connection, asked: Asked, zone: str, members: Sequence[tuple[int, Flows]]) -> dict[int, Found]:
    """Points of one zone whose flows have the same shape."""
    shape = members[0][1]
    if not shape:
        return {point: ((), []) for point, _ in members}
    step = shape["import"].resolution_s
    days, starts = _days(asked.bounds(zone), step)
    if not len(starts):
        return {point: ((), []) for point, _ in members}
    held = {}
    for name in shape:
        pairs: list[Pair] = [(point, flows[name].number) for point, flows in members]
        held[name] = held_days(connection, pairs, days, step)
    lines = _lines(asked, zone, {name: (held[name], shape[name].scaler) for name in shape})
    found: dict[int, Found] = {}
    for at, (point, flows) in enumerate(members):
        inputs: Inputs = [
            (name, each.number, step, each.scaler, days[0], days[1] - days[0] + 1, held[name].versions[at].tobytes())
            for name, each in flows.items()
        ]
        found[point] = tuple(lines[at]), inputs
    return found


def _lines(asked: Asked, zone: str, held: Mapping[str, tuple[Held, int]]) -> list[list[Line]]:
    step = held["import"][0].resolution_s
    days, starts = _days(asked.bounds(zone), step)
    finest = min(0, *(scaler for _, scaler in held.values())) if len(held) > 1 else min(0, held["import"][1])
    at = ((starts - days[0] * DAY_S) // step).astype(np.intp)
    cut = slice(int(at[0]), int(at[-1]) + 1)
    flows = {}
    for name, (each, scaler) in held.items():
        quality = each.quality[:, cut]
        energy = each.energy[:, cut] * 10 ** (scaler - finest)
        flows[name] = Flow(energy, quality == Quality.MISSING, quality == Quality.ESTIMATED)
    offsets, codes = _codes(asked, zone, step)
    return determinants(asked.plan, Period(starts, offsets, step, codes, finest), flows)


@lru_cache(maxsize=64)
def _days(bounds: tuple[int, int], step: int) -> tuple[tuple[int, int], Stamps]:
    """The UTC days that hold a period, and the beginnings of its intervals: those that begin within."""
    starts = np.arange(-(-bounds[0] // step) * step, bounds[1], step, dtype=np.int64)
    first, last = (int(starts[0]), int(starts[-1])) if len(starts) else bounds
    return (first // DAY_S, last // DAY_S), starts


@lru_cache(maxsize=64)
def _codes(asked: Asked, zone: str, step: int) -> tuple[Stamps, Any]:
    """How far local time is from UTC in each interval, and its register."""
    _, starts = _days(asked.bounds(zone), step)
    local = ZoneInfo(zone)
    hours, back = np.unique(starts // 900, return_inverse=True)  # no zone changes its clock within a quarter of an hour
    clocks = ((hour * 900, datetime.fromtimestamp(hour * 900, local)) for hour in hours.tolist())
    told = [int(shown.replace(tzinfo=UTC).timestamp()) - second for second, shown in clocks]
    offsets = np.array(told, dtype=np.int64)[back]
    return offsets, register_codes(asked.plan, starts, offsets)
