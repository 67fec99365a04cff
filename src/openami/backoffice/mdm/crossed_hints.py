"""Hints that two meters may be crossed: after an exchange each of two points looks like the other did before.

A hint is for a person to look at: nothing follows from it by itself. It compares what each point used by the hour of
the day, on some weeks before and after the exchange. Meters that were crossed when both points were new leave no such
trace.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection

from openami.backoffice.mdm.held import held_days
from openami.backoffice.mdm.placement import homes
from openami.backoffice.mdm.series import seconds
from openami.backoffice.registry.facts import Fact, FactKind, facts
from openami.backoffice.registry.registry import Registry
from openami.io.store.engine import Store
from openami.model.interval import DAY_S
from openami.model.obis import ObisCode
from openami.model.point import Channel, ChannelKind
from openami.model.quality import Quality

IMPORT = ObisCode(1, 0, 1, 8, 0)
HOURS = 24
DAYS = 28
"""So many days before and after the exchange are looked at."""
DAYS_MIN = 7
"""Days with values that a profile needs."""
APART_MAX = timedelta(days=2)
"""Crossed meters are exchanged on one round of one fitter."""
CHANGED_MIN = 0.6
"""Both points together differ from their own past at least so much: 0 is equal, 2 has nothing in common."""
LIKENESS = 0.5
"""Each other's past is at most so many times as far away as the own one."""
TOGETHER_MAX = 500
"""Points of one neighbourhood that are compared with each other."""
NEIGHBOURHOOD = ("area", "substation", "feeder", "transformer")
Profile = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Side:
    """One point: Wh a day by its hours before and after, and how many days each rests on."""

    metering_point: int
    exchanged: datetime
    before_wh: int
    after_wh: int
    days_before: int
    days_after: int


@dataclass(frozen=True, slots=True)
class Hint:
    """Two points whose meters may be crossed since the later of both exchanges. `own` is how far both together are from
    their own past, `swapped` how far from each other's: 0 is equal, 2 has nothing in common.
    """

    one: Side
    other: Side
    own: float
    swapped: float

    @property
    def since(self) -> datetime:
        """From when on a correction would put them in each other's place."""
        return max(self.one.exchanged, self.other.exchanged)


def hints(store: Store, registry: Registry, start: datetime, end: datetime) -> list[Hint]:
    """Pairs of points that had an exchange from `start` up to `end`, the likeliest first. Points are compared within
    their neighbourhood, as far down as the registry tells it.
    """
    exchanged = _exchanged(registry, start, end)
    found: list[Hint] = []
    with store.reading() as connection:
        for points in _neighbourhoods(connection, sorted(exchanged, key=lambda point: (exchanged[point], point))):
            for at in range(0, len(points), TOGETHER_MAX):
                some = points[at : at + TOGETHER_MAX]
                found += _compared(connection, registry, {point: exchanged[point] for point in some})
    return sorted(found, key=lambda hint: (hint.swapped - hint.own, hint.one.metering_point))


def _exchanged(registry: Registry, start: datetime, end: datetime) -> dict[int, datetime]:
    """Per point its last exchange in that time: a meter began where another one had hung before."""
    hung = registry.installations_of_points(registry.point_ids())
    found: dict[int, datetime] = {}
    for point, mine in groupby(hung, key=lambda each: each.metering_point):
        for before, after in pairwise(mine):
            if before.meter != after.meter and start <= after.start < end:
                found[point] = after.start
    return found


def _neighbourhoods(connection: Connection, points: Sequence[int]) -> list[list[int]]:
    place: dict[int, Fact] = {fact.metering_point: fact for fact in facts(connection, FactKind.TOPOLOGY, points)}
    groups: dict[tuple[str, ...], list[int]] = {}
    for point in points:
        told = place[point].content if point in place else {}
        groups.setdefault(tuple(str(told.get(name, "")) for name in NEIGHBOURHOOD), []).append(point)
    return [group for group in groups.values() if len(group) > 1]


def _compared(connection: Connection, registry: Registry, exchanged: dict[int, datetime]) -> Iterator[Hint]:
    sides: list[tuple[Side, Profile, Profile]] = []
    for channel in homes(registry.channels_of_points(sorted(exchanged))).values():
        if (
            channel.obis == IMPORT
            and channel.kind is ChannelKind.INTERVAL_ENERGY
            and channel.resolution_s <= DAY_S // HOURS
        ):
            side = _side(connection, channel, exchanged[channel.metering_point])
            if side is not None:
                sides.append(side)
    sides.sort(key=lambda side: side[0].metering_point)
    for number, (one, *mine) in enumerate(sides):
        for other, *theirs in sides[number + 1 :]:
            near = abs(one.exchanged - other.exchanged) <= APART_MAX
            if near and one.metering_point != other.metering_point:
                own = _far(mine[0], mine[1]) + _far(theirs[0], theirs[1])
                swapped = _far(theirs[0], mine[1]) + _far(mine[0], theirs[1])
                if own >= CHANGED_MIN and swapped <= LIKENESS * own:
                    yield Hint(one, other, own, swapped)


def _far(one: Profile, other: Profile) -> float:
    """0 where both use the same in every hour, 1 where they never use anything in the same hour."""
    most = float(np.maximum(one, other).sum())
    return float(np.abs(one - other).sum()) / most if most else 0.0


def _side(connection: Connection, channel: Channel, at: datetime) -> tuple[Side, Profile, Profile] | None:
    """What a point used by the hour of the day on whole days before and after the day of the exchange."""
    day = seconds(at) // DAY_S
    held = held_days(
        connection, [(channel.metering_point, channel.number)], (day - DAYS, day + DAYS), channel.resolution_s
    )
    shape = 2 * DAYS + 1, HOURS, -1
    energy = held.energy[0].reshape(shape).sum(axis=2) * 10.0**channel.scaler
    whole = ~(held.quality[0].reshape(shape) >= np.uint8(Quality.ESTIMATED)).any(axis=(1, 2))
    before, after = _mean(energy, whole, slice(0, DAYS)), _mean(energy, whole, slice(DAYS + 1, None))
    if before is None or after is None:
        return None
    side = Side(channel.metering_point, at, round(before[0].sum()), round(after[0].sum()), before[1], after[1])
    return side, before[0], after[0]


def _mean(energy: Any, whole: Any, part: slice) -> tuple[Profile, int] | None:
    days = int(whole[part].sum())
    return (energy[part][whole[part]].mean(axis=0), days) if days >= DAYS_MIN else None
