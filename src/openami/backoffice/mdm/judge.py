"""The judge: runs the rules over stored days, estimates what lacks a value, and answers why a value is what it is.

What was measured stays in `interval_block` as it came; a judgement is a version of its own beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import date, datetime

import numpy as np
from sqlalchemy import Connection

from openami.backoffice.mdm import judged
from openami.backoffice.mdm.cases import Cases
from openami.backoffice.mdm.edits import Edit, edits_of
from openami.backoffice.mdm.held import held_span
from openami.backoffice.mdm.judged import JudgedDay, Judgement
from openami.backoffice.mdm.placement import home_of, homes
from openami.backoffice.mdm.ratios import ratios_of
from openami.backoffice.mdm.reasons import Reason
from openami.backoffice.mdm.series import Series, Span, read_span, seconds
from openami.backoffice.mdm.validation.rule_set import DEFAULT_RULE_SETS, RuleSets
from openami.backoffice.mdm.verdict import judge_span
from openami.backoffice.registry.registry import Registry
from openami.io.store.columns import microseconds
from openami.io.store.engine import Store
from openami.model.interval import DAY_S, utc
from openami.model.point import Channel, ChannelKind
from openami.model.quality import Quality


@dataclass(frozen=True, slots=True)
class JudgeResult:
    """`days` were judged, of which `stored` differ from their judgement before; intervals estimated and missing now."""

    days: int = 0
    stored: int = 0
    estimated: int = 0
    missing: int = 0

    def __add__(self, other: JudgeResult) -> JudgeResult:
        return JudgeResult(
            self.days + other.days,
            self.stored + other.stored,
            self.estimated + other.estimated,
            self.missing + other.missing,
        )


@dataclass(frozen=True, slots=True)
class Explanation:
    """The interval from `start` to `end` of a channel: as measured, as judged, and why.

    A value is None where it is missing. `version` is 0 where nobody has judged the day, `stale` where readings came
    since: judging again will tell. `edits` are what persons proposed for it, and `edited` whether one of these gave the
    value. `evidence` leads to the bytes of the measured value, 0 where there is none. `multiplier` is what one unit of
    the meter's register stood for at `start`, in the channel's unit and scaler.
    """

    start: datetime
    end: datetime
    measured: int | None
    measured_quality: Quality
    evidence: int
    value: int | None
    quality: Quality
    version: int
    judged_at: datetime | None
    rule_set: str
    stale: bool
    reasons: tuple[Reason, ...]
    edits: tuple[Edit, ...] = ()
    edited: bool = False
    multiplier: int = 1


class Judge:
    """Judges channels of interval energy in `store`. Judging again what has not changed stores nothing, and the current
    judgement depends on what was taken, never on the order in which it came or how often it was judged between.

    `holidays` are local dates that are like each other and like no weekday.
    """

    def __init__(
        self,
        store: Store,
        registry: Registry,
        rule_sets: RuleSets = DEFAULT_RULE_SETS,
        holidays: AbstractSet[date] = frozenset(),
    ) -> None:
        self._store = store
        self._registry = registry
        self._cases = Cases(registry, rule_sets, holidays)

    def judge(self, start: datetime, end: datetime, now: datetime, points: Sequence[int] | None = None) -> JudgeResult:
        """Judge every UTC day that holds a part of the period, of `points` or of all; one transaction per point."""
        wanted = [point.id for point in self._registry.points()] if points is None else list(points)
        first, last = seconds(start) // DAY_S, (seconds(end) - 1) // DAY_S
        result = JudgeResult()
        for point in wanted:
            with self._store.transaction() as connection:
                for channel in self._channels(point):
                    result += self._judge(connection, channel, first, last, now)
        return result

    def validated(self, metering_point: int, channel: int, start: datetime, end: datetime) -> Series:
        """Every interval of the period as judged and as edited by a person; days that nobody judged since they changed
        come as measured.
        """
        home = home_of(self._registry, self._registry.channel(metering_point, channel))
        first, last = seconds(start), seconds(end)
        with self._store.reading() as connection:
            span, _ = held_span(connection, home, read_span(connection, metering_point, home, first, last))
        evidence = np.where(span.quality == Quality.ESTIMATED, 0, span.evidence)
        return Series(span.stamps, span.energy, span.quality, evidence)

    def explain(self, metering_point: int, channel: int, at: datetime) -> Explanation:
        """Why the interval that holds the moment `at` has the value it has."""
        home = home_of(self._registry, self._registry.channel(metering_point, channel))
        step = home.resolution_s
        start = seconds(at) // step * step
        day, number = divmod(start, DAY_S)
        with self._store.reading() as connection:
            span = read_span(connection, metering_point, home, start, start + step)
            judgement = judged.current(connection, metering_point, home.number, day, day).get(day)
            raw = judged.raw_versions(connection, metering_point, home.number, day, day).get(day, 0)
            holds, edited = held_span(connection, home, span)
            edits = [edit for edit in edits_of(connection, metering_point) if edit.covers(home, start)]
        told = _told(judgement, span, number // step, raw)
        quality = Quality(int(span.quality[0]))
        measured = None if quality is Quality.MISSING else int(span.energy[0])
        explained = Explanation(utc(start), utc(start + step), measured, quality, int(span.evidence[0]), *told)
        if edited[0]:
            explained = replace(explained, value=int(holds.energy[0]), quality=Quality.ESTIMATED, edited=True)
        ratios = ratios_of(self._registry, [home]).get((metering_point, str(home.obis)))
        multiplier = home.multiplier if ratios is None else ratios.at(start)
        return replace(explained, edits=tuple(edits), multiplier=multiplier)

    def _judge(self, connection: Connection, channel: Channel, first: int, last: int, now: datetime) -> JudgeResult:
        found = self.verdict(connection, channel, first, last, now)
        judged_days = [judged_of(channel, day) for day in found]
        stored = judged.store(connection, judged_days, microseconds(now))
        worth = [day for day, each in zip(found, judged_days, strict=True) if not each.empty]
        return JudgeResult(len(worth), stored, sum(day.estimated for day in worth), sum(day.missing for day in worth))

    def verdict(
        self, connection: Connection, channel: Channel, first: int, last: int, now: datetime
    ) -> list[JudgedDay]:
        """The judgement of a channel's days from `first` to `last`, not stored."""
        return next(iter(self.verdicts(connection, [channel], (first, last), now)))[1]

    def verdicts(
        self, connection: Connection, channels: Sequence[Channel], days: tuple[int, int], now: datetime
    ) -> Iterator[tuple[Channel, list[JudgedDay]]]:
        """As `verdict`, of many channels at once: days from `days[0]` to `days[1]`, both included."""
        first, last = days
        for case in self._cases.read(connection, channels, days, now):
            verdict, versions = judge_span(case.task), case.versions
            judged_days = [verdict.day(day - case.begin, versions.get(day, 0)) for day in range(first, last + 1)]
            yield case.channel, judged_days

    def _channels(self, point: int) -> Iterator[Channel]:
        for channel in homes(self._registry.channels(point)).values():
            if channel.kind is ChannelKind.INTERVAL_ENERGY:
                yield channel


def judged_of(channel: Channel, day: JudgedDay) -> judged.Judged:
    """A judged day of `channel`, ready to be stored."""
    content = judged.content_of(day)
    return judged.Judged(channel.metering_point, day.day, channel.number, channel.resolution_s, content)


def _told(
    judgement: Judgement | None, span: Span, interval: int, raw: int
) -> tuple[int | None, Quality, int, datetime | None, str, bool, tuple[Reason, ...]]:
    """What an explanation says of the judgement."""
    quality, value = Quality(int(span.quality[0])), int(span.energy[0])
    if judgement is None:
        return (None if quality is Quality.MISSING else value), quality, 0, None, "", False, ()
    stale = judgement.raw_version != raw
    if judgement.energy is not None and judgement.quality is not None and not stale:
        value, quality = int(judgement.energy[interval]), Quality(int(judgement.quality[interval]))
    reasons = tuple(reason for reason in judgement.reasons if reason.covers(interval))
    shown = None if quality is Quality.MISSING else value
    at = utc(judgement.judged_at / 1_000_000)
    return shown, quality, judgement.version, at, judgement.rule_set, stale, reasons
