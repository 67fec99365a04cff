"""Ratios of instrument transformers as they are told: per quantity of a point, kept together as facts of the point."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from openami.backoffice.registry.facts import Fact, FactKind
from openami.backoffice.registry.timeline import Timeline
from openami.model.errors import Conflict, SettingError
from openami.model.point import Channel

KIND = FactKind.RATIO


@dataclass(frozen=True, slots=True)
class Ratio:
    """From `start` up to `end` a quantity of a point has the multiplier `factor`, in its channels' unit and scaler."""

    metering_point: int
    obis: str
    factor: int
    start: datetime
    end: datetime | None


def factor_of(channels: Sequence[Channel], obis: str, multiplier: tuple[int, int], scaler: int) -> int:
    """What one unit on the display (10^`scaler`) stands for, in the scale of the channels of `obis`; `multiplier` is a
    whole number and a power of ten. `SettingError` if that is no whole number, or there is no such channel.
    """
    scales = list(dict.fromkeys(channel.scaler for channel in channels if str(channel.obis) == obis))
    if len(scales) != 1:
        raise SettingError(f"the point has no channel for {obis}, or several of different scalers")
    whole, power = multiplier
    factor = whole * Fraction(10) ** (power + scaler - scales[0])
    if factor.denominator != 1:
        raise SettingError(
            f"the multiplier is no whole number in the channel's unit (10^{scales[0]}): values would not be exact"
        )
    return factor.numerator


def told(facts: Iterable[Fact]) -> Iterator[Ratio]:
    """Per point and quantity its ratios in order of time, from the facts of points in order of time."""
    found: dict[tuple[int, str], list[Ratio]] = {}
    for fact in facts:
        for obis, factor in fact.content.items():
            mine, start = found.setdefault((fact.metering_point, obis), []), fact.start
            if mine and mine[-1].end == start and mine[-1].factor == factor:  # cut for another quantity's sake
                start = mine.pop().start
            mine.append(Ratio(fact.metering_point, obis, factor, start, fact.end))
    for mine in found.values():
        yield from mine


def enter(timeline: Timeline, ratio: Ratio, known_at: datetime) -> bool:
    """Tell a ratio, or the end of one that is known. `Conflict` if another one is known of a part of that time. Whether
    anything changed.
    """
    end, changed = ratio.end, False
    for known in told(timeline.history(KIND, [ratio.metering_point])):
        if known.obis != ratio.obis or not _overlap(known, ratio.start, ratio.end):
            continue
        if (known.start, known.factor) != (ratio.start, ratio.factor):
            raise Conflict(
                f"{ratio.obis} has the multiplier {known.factor} from {known.start.isoformat()} on: end that first, or "
                "tell a correction"
            )
        end = end or known.end
        if end is not None and end != known.end:
            changed = _write(timeline, ratio, end, known.end, None, known_at)
    return _write(timeline, ratio, ratio.start, end, ratio.factor, known_at) or changed


def correct(timeline: Timeline, ratio: Ratio, known_at: datetime) -> bool:
    """Tell a ratio, whatever was known of that time. Whether anything changed."""
    return _write(timeline, ratio, ratio.start, ratio.end, ratio.factor, known_at)


def _write(
    timeline: Timeline, ratio: Ratio, start: datetime, end: datetime | None, factor: int | None, known_at: datetime
) -> bool:
    """Let the quantity have `factor` (None: the one it began with) in that time; other quantities keep theirs."""
    there = [fact for fact in timeline.history(KIND, [ratio.metering_point]) if _overlap(fact, start, end)]
    bounds = [at for fact in there for at in (fact.start, fact.end) if at is not None and _within(at, start, end)]
    edges = [start, *sorted(dict.fromkeys(bounds))]
    changed = False
    for begin, after in zip(edges, [*edges[1:], end], strict=True):
        content = dict(next((fact.content for fact in there if fact.holds(begin)), {}))
        content.pop(ratio.obis, None)
        if factor is not None:
            content[ratio.obis] = factor
        changed |= timeline.correct(KIND, ratio.metering_point, begin, after, content or None, known_at)
    return changed


def _within(at: datetime, start: datetime, end: datetime | None) -> bool:
    return start < at and (end is None or at < end)


def _overlap(known: Fact | Ratio, start: datetime, end: datetime | None) -> bool:
    return (end is None or known.start < end) and (known.end is None or start < known.end)
