"""What the judge needs to know of channels: read for many at once, because looking up costs more than judging."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from functools import lru_cache
from itertools import groupby

import numpy as np
from sqlalchemy import Connection

from openami.backoffice.mdm import stamped
from openami.backoffice.mdm.chain import Chain, chain_of
from openami.backoffice.mdm.channel_days import Column
from openami.backoffice.mdm.hierarchy import check_of, checked
from openami.backoffice.mdm.placement import Place, place_of, places_by_meter
from openami.backoffice.mdm.ratios import UNCHANGED, Ratios, ratios_of
from openami.backoffice.mdm.series import Span, read_spans, seconds
from openami.backoffice.mdm.stamped import StampedRegister
from openami.backoffice.mdm.validation.own_days import HISTORY_DAYS, offsets
from openami.backoffice.mdm.validation.rule_set import NO_RULES, ChannelClass, RuleSet, RuleSets, class_of
from openami.backoffice.mdm.verdict import GAP_DAYS_MAX, Task
from openami.backoffice.registry.facts import Fact, FactKind
from openami.backoffice.registry.registry import Registry
from openami.model.interval import DAY_S, day_of
from openami.model.point import Channel, Installation
from openami.model.unit import Unit

BACK_DAYS = GAP_DAYS_MAX + 2 * HISTORY_DAYS
"""What lies so far before a judged day can matter to it: a gap, the like days before that, and their own history."""
AHEAD_DAYS = GAP_DAYS_MAX + HISTORY_DAYS
CHANNELS_AT_ONCE = 64


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A channel, what there is to judge, and the stored version of each of its days."""

    channel: Channel
    task: Task
    versions: dict[int, int]
    begin: int


class Cases:
    """Reads cases from a store by the rule sets given."""

    def __init__(self, registry: Registry, rule_sets: RuleSets, holidays: AbstractSet[date]) -> None:
        self._registry = registry
        self._holidays = frozenset(holidays)
        self._sets = lru_cache(maxsize=64)(_Sets(rule_sets).of_days)

    def read(
        self, connection: Connection, channels: Sequence[Channel], days: tuple[int, int], now: datetime
    ) -> Iterator[Case]:
        """Of `channels` the days from `days[0]` to `days[1]`, both included, with all that can matter to them.

        Nothing that lies after both `now` and the last stored day is part of a case.
        """
        for resolution_s, same in groupby(channels, key=lambda channel: channel.resolution_s):
            listed = list(same)
            for at in range(0, len(listed), CHANNELS_AT_ONCE):
                yield from self._together(connection, listed[at : at + CHANNELS_AT_ONCE], resolution_s, days, now)

    def _together(
        self,
        connection: Connection,
        channels: list[Channel],
        resolution_s: int,
        days: tuple[int, int],
        now: datetime,
    ) -> Iterator[Case]:
        first, last = days
        begin, until = max(first - BACK_DAYS, 0), seconds(now)
        latest = last + AHEAD_DAYS
        spans = read_spans(connection, channels, (begin, latest), max(last, min(latest, until // DAY_S)))
        points = list(dict.fromkeys(channel.metering_point for channel in channels))
        reads = stamped.of_many(connection, points, begin * DAY_S, (latest + 1) * DAY_S)
        zones, ratios = self._registry.zones(points), ratios_of(self._registry, channels)
        checks, contracts = checked(self._registry, points), dict[int, list[Fact]]()
        for fact in self._registry.facts(FactKind.CONTRACT, points):
            contracts.setdefault(fact.metering_point, []).append(fact)
        hung: dict[int, list[Installation]] = {point: [] for point in points}
        for installation in self._registry.installations_of_points(points):
            hung[installation.metering_point].append(installation)
        for channel, (span, versions) in zip(channels, spans, strict=True):
            point, count = channel.metering_point, len(span.stamps) * resolution_s // DAY_S
            installations, facts = hung[point], checks.get((point, str(channel.obis)))
            over = begin, begin + count - 1
            check = check_of(connection, self._registry, channel, facts, over) if facts else None
            sets = self._sets(class_of(channel.obis), begin, count, days)
            task = Task(
                span,
                (first - begin, last + 1 - begin),
                [place_of(each) for each in installations],
                until,
                offsets(begin, count, zones[point]),
                sets,
                _Joining(
                    reads.get((point, str(channel.obis)), []),
                    places_by_meter(installations),
                    channel.modulus,
                    ratios.get((point, str(channel.obis)), UNCHANGED),
                ),
                self._holidays.union(*{id(each): each.holidays for each in sets}.values()),
                annual=_annual(channel, contracts.get(point, []), begin, count),
                check=check,
            )
            yield Case(channel, task, versions, begin)


def _annual(channel: Channel, contracts: Sequence[Fact], begin: int, count: int) -> Column | None:
    """Per UTC day from `begin` on the energy of a year that the day's contract assumes for a channel of consumption, in
    its unit and scaler, -1 where none does; None if none ever does.
    """
    told = [fact for fact in contracts if "annual_wh" in fact.content]
    if not told or class_of(channel.obis) is not ChannelClass.CONSUMPTION or channel.unit is not Unit.WATT_HOUR:
        return None
    ends = DAY_S * np.arange(begin + 1, begin + count + 1, dtype=np.int64)
    annual = np.full(count, -1, dtype=np.int64)
    for fact in told:
        holds = (seconds(fact.start) < ends) & ((fact.end is None) | (ends <= seconds(fact.end or fact.start)))
        annual[holds] = int(fact.content["annual_wh"] * Fraction(10) ** -channel.scaler)
    return annual


@dataclass(frozen=True, slots=True)
class _Joining:
    """Joins a span with the channel's stamped registers."""

    reads: list[StampedRegister]
    places: dict[int, list[Place]]
    modulus: int
    ratios: Ratios

    def __call__(self, span: Span) -> Chain:
        return chain_of(span, self.reads, self.places, self.modulus, self.ratios)


@dataclass(frozen=True, slots=True, eq=False)
class _Sets:
    rule_sets: RuleSets

    def of_days(self, kind: ChannelClass, begin: int, count: int, judged: tuple[int, int]) -> list[RuleSet]:
        """Per day its rule set; days that only surround those to be judged may have none."""
        found = []
        for number in range(begin, begin + count):
            day, wanted = day_of(number * DAY_S), judged[0] <= number <= judged[1]
            found.append(self.rule_sets.on(kind, day) if wanted else self.rule_sets.find(kind, day) or NO_RULES)
        return found
