"""Settlement and balance: what went in and out per transformer, feeder, supplier or grid area, and what was lost.

A term that is not known is counted, never taken for zero: each sum tells how many intervals it lacks, and the loss of
an area is unknown as long as one of its terms is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection

from openami.backoffice.mdm.billing.determinants import whole
from openami.backoffice.mdm.held import Held, held_days
from openami.backoffice.mdm.placement import homes
from openami.backoffice.mdm.series import seconds
from openami.backoffice.registry.facts import Fact, FactKind, facts
from openami.backoffice.registry.registry import Registry
from openami.io.store.engine import Store
from openami.model.errors import SettingError
from openami.model.interval import DAY_S, utc
from openami.model.obis import ObisCode
from openami.model.point import Channel, ChannelKind
from openami.model.quality import Quality
from openami.model.unit import Unit

POINTS_AT_ONCE = 500
FLOWS = (ObisCode(1, 0, 1, 8, 0), ObisCode(1, 0, 2, 8, 0))
EXCHANGE = "exchange"
NOWHERE = ""
"""The group of points of which the registry does not tell any."""


class Grouping(StrEnum):
    """What is summed by."""

    AREA = "area"
    SUBSTATION = "substation"
    FEEDER = "feeder"
    TRANSFORMER = "transformer"
    SUPPLIER = "supplier"

    @property
    def kind(self) -> FactKind:
        return FactKind.CONTRACT if self is Grouping.SUPPLIER else FactKind.TOPOLOGY


@dataclass(frozen=True, slots=True)
class Balance:
    """A group from `start` to `end`. `consumed_wh` and `produced_wh` are of its points; `inflow_wh` and `outflow_wh`
    passed its exchange points (role `exchange`), inwards and outwards.

    `intervals` is how many terms there should be, `missing` how many of them nobody knows and `estimated` how many are
    estimates, with their energy in `estimated_wh`; `silent` points have no interval channel at all and are counted as
    missing for the whole time.
    """

    group: str
    start: datetime
    end: datetime
    points: int
    silent: int
    consumed_wh: int
    produced_wh: int
    inflow_wh: int
    outflow_wh: int
    intervals: int
    missing: int
    estimated: int
    estimated_wh: int

    @property
    def known_loss_wh(self) -> int:
        """Inflow - outflow + production - consumption, of the terms that are known."""
        return self.inflow_wh - self.outflow_wh + self.produced_wh - self.consumed_wh

    @property
    def loss_wh(self) -> int | None:
        """The loss, None as long as a term is missing."""
        return None if self.missing else self.known_loss_wh


@dataclass(slots=True, eq=False)
class _Sums:
    """What is added up for one group, per period."""

    energy: npt.NDArray[np.int64]
    intervals: npt.NDArray[np.int64]
    missing: npt.NDArray[np.int64]
    estimated: npt.NDArray[np.int64]
    guessed: npt.NDArray[np.int64]
    points: dict[int, None] = field(default_factory=dict)
    silent: dict[int, None] = field(default_factory=dict)

    @classmethod
    def of(cls, periods: int) -> _Sums:
        energy, *counts = (np.zeros((4, periods), dtype=np.int64), *np.zeros((4, periods), dtype=np.int64))
        return cls(energy, counts[0], counts[1], counts[2], counts[3])


def balances(
    store: Store,
    registry: Registry,
    by: Grouping,
    start: datetime,
    end: datetime,
    period_s: int = 3_600,
    known: datetime | None = None,
) -> list[Balance]:
    """The groups from `start` to `end` by periods of `period_s`, by group and time. Who belonged where is taken from
    the registry as it was known at `known` (None: now), interval by interval.
    """
    first, last = seconds(start), seconds(end)
    if first >= last or (last - first) % period_s:
        raise SettingError(f"{start} to {end} is not a whole number of periods of {period_s} s")
    count = (last - first) // period_s
    sums: dict[str, _Sums] = {}
    points = registry.point_ids()
    for at in range(0, len(points), POINTS_AT_ONCE):
        some = points[at : at + POINTS_AT_ONCE]
        with store.reading() as connection:
            told = _by_point(facts(connection, by.kind, some, known))
            roles = (
                told if by.kind is FactKind.TOPOLOGY else _by_point(facts(connection, FactKind.TOPOLOGY, some, known))
            )
            _add(connection, registry, some, (first, last, period_s), (by, told, roles), sums)
    return [_balance(group, sums[group], number, first, period_s) for group in sorted(sums) for number in range(count)]


def _by_point(found: Sequence[Fact]) -> dict[int, list[Fact]]:
    told: dict[int, list[Fact]] = {}
    for fact in found:
        told.setdefault(fact.metering_point, []).append(fact)
    return told


Told = tuple[Grouping, Mapping[int, list[Fact]], Mapping[int, list[Fact]]]


def _add(
    connection: Connection,
    registry: Registry,
    points: Sequence[int],
    span: tuple[int, int, int],
    told: Told,
    sums: dict[str, _Sums],
) -> None:
    first, last, period_s = span
    channels = [
        channel
        for channel in homes(registry.channels_of_points(points)).values()
        if channel.obis in FLOWS and channel.unit is Unit.WATT_HOUR and channel.kind is ChannelKind.INTERVAL_ENERGY
    ]
    for resolution_s in sorted({channel.resolution_s for channel in channels}):
        mine = [channel for channel in channels if channel.resolution_s == resolution_s]
        if period_s % resolution_s or span[0] % resolution_s:
            raise SettingError(f"periods of {period_s} s cannot be made of intervals of {resolution_s} s")
        pairs = [(channel.metering_point, channel.number) for channel in mine]
        held = held_days(connection, pairs, (first // DAY_S, (last - 1) // DAY_S), resolution_s)
        for row, channel in enumerate(mine):
            _add_channel(channel, held, row, span, told, sums)
    heard = {channel.metering_point for channel in channels if channel.obis == FLOWS[0]}
    for point in points:
        if point not in heard:
            _add_silent(point, span, told, sums)


def _add_channel(
    channel: Channel, held: Held, row: int, span: tuple[int, int, int], told: Told, sums: dict[str, _Sums]
) -> None:
    first, last, period_s = span
    step, point = channel.resolution_s, channel.metering_point
    starts = np.arange(first, last, step, dtype=np.int64)
    at = (starts - held.first * DAY_S) // step
    energy, quality = held.energy[row, at], held.quality[row, at]
    period = (starts - first) // period_s
    exports = int(channel.obis == FLOWS[1])
    for group, role, mask in _memberships(point, starts, told):
        found = sums.setdefault(group, _Sums.of((last - first) // period_s))
        found.points[point] = None
        lacks, guessed = mask & (quality == Quality.MISSING), mask & (quality == Quality.ESTIMATED)
        flow = exports + (2 if role == EXCHANGE else 0)
        for total, chosen in ((found.energy[flow], mask), (found.guessed, guessed)):
            wh = np.zeros(len(total), dtype=np.int64)
            np.add.at(wh, period[chosen], energy[chosen])
            total += [whole(value, channel.scaler) for value in wh.tolist()]
        count = len(found.intervals)
        found.intervals += np.bincount(period[mask], minlength=count)
        found.missing += np.bincount(period[lacks], minlength=count)
        found.estimated += np.bincount(period[guessed], minlength=count)


def _add_silent(point: int, span: tuple[int, int, int], told: Told, sums: dict[str, _Sums]) -> None:
    """A point of which no interval is ever told: one term is missing per period."""
    first, last, period_s = span
    starts = np.arange(first, last, period_s, dtype=np.int64)
    for group, _, mask in _memberships(point, starts, told):
        found = sums.setdefault(group, _Sums.of(len(starts)))
        found.points[point] = found.silent[point] = None
        found.intervals += mask
        found.missing += mask


def _memberships(point: int, starts: Any, told: Told) -> Iterator[tuple[str, str, Any]]:
    """The groups that a point belonged to and its role there, each with the intervals in which it did."""
    by, grouped, roles = told
    left = np.ones(len(starts), dtype=np.bool_)
    for fact in grouped.get(point, []):
        lived: list[Fact | None] = [*roles.get(point, [])] or [None]
        for role_fact in lived:
            inside = _within(starts, fact) & left
            if role_fact is not None and role_fact is not fact:
                inside &= _within(starts, role_fact)
            if inside.any():
                role = str(role_fact.content.get("role", "")) if role_fact is not None else ""
                yield str(fact.content.get(by.value, NOWHERE)), role, inside
                left &= ~inside
    if left.any():
        yield NOWHERE, "", left


def _within(starts: Any, fact: Fact) -> Any:
    inside = starts >= seconds(fact.start)
    return inside if fact.end is None else inside & (starts < seconds(fact.end))


def _balance(group: str, sums: _Sums, number: int, first: int, period_s: int) -> Balance:
    consumed, produced, inflow, outflow = sums.energy[:, number].tolist()
    begin = first + number * period_s
    return Balance(
        group,
        utc(begin),
        utc(begin + period_s),
        len(sums.points),
        len(sums.silent),
        consumed,
        produced,
        inflow,
        outflow,
        int(sums.intervals[number]),
        int(sums.missing[number]),
        int(sums.estimated[number]),
        int(sums.guessed[number]),
    )
