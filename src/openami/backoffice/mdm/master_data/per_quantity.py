"""What is told per quantity of a point (a multiplier, a check channel), kept together as facts of the point."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from openami.backoffice.registry.facts import Fact, FactKind
from openami.backoffice.registry.timeline import Timeline
from openami.model.errors import Conflict


@dataclass(frozen=True, slots=True)
class Told:
    """From `start` up to `end` (None: without end) `value` holds for the quantity `obis` of a point."""

    kind: FactKind
    metering_point: int
    obis: str
    value: int | str
    start: datetime
    end: datetime | None


def told(facts: Iterable[Fact]) -> Iterator[Told]:
    """What facts tell, each quantity by itself in order of time; `facts` are of one kind, by point and time."""
    found: dict[tuple[int, str], list[Told]] = {}
    for fact in facts:
        for obis, value in fact.content.items():
            mine, start = found.setdefault((fact.metering_point, obis), []), fact.start
            if mine and mine[-1].end == start and mine[-1].value == value:  # cut for another quantity's sake
                start = mine.pop().start
            mine.append(Told(fact.kind, fact.metering_point, obis, value, start, fact.end))
    for mine in found.values():
        yield from mine


def enter(timeline: Timeline, one: Told, known_at: datetime) -> bool:
    """Tell it, or the end of what is known. `Conflict` if another value is known of a part of that time. Whether
    anything changed.
    """
    end, changed = one.end, False
    for known in told(timeline.history(one.kind, [one.metering_point])):
        if known.obis != one.obis or not _overlap(known, one.start, one.end):
            continue
        if (known.start, known.value) != (one.start, one.value):
            raise Conflict(
                f"{one.kind} of {one.obis} is {known.value} from {known.start.isoformat()} on: end that first, or tell "
                "a correction"
            )
        end = end or known.end
        if end is not None and end != known.end:
            changed = _write(timeline, one, end, known.end, None, known_at)
    return _write(timeline, one, one.start, end, one.value, known_at) or changed


def correct(timeline: Timeline, one: Told, known_at: datetime) -> bool:
    """Tell it, whatever was known of that time. Whether anything changed."""
    return _write(timeline, one, one.start, one.end, one.value, known_at)


def _write(
    timeline: Timeline, one: Told, start: datetime, end: datetime | None, value: int | str | None, known_at: datetime
) -> bool:
    """Let the quantity have `value` (None: none) in that time; other quantities keep theirs."""
    there = [fact for fact in timeline.history(one.kind, [one.metering_point]) if _overlap(fact, start, end)]
    bounds = [at for fact in there for at in (fact.start, fact.end) if at is not None and _within(at, start, end)]
    edges = [start, *sorted(dict.fromkeys(bounds))]
    changed = False
    for begin, after in zip(edges, [*edges[1:], end], strict=True):
        content = dict(next((fact.content for fact in there if fact.holds(begin)), {}))
        content.pop(one.obis, None)
        if value is not None:
            content[one.obis] = value
        changed |= timeline.correct(one.kind, one.metering_point, begin, after, content or None, known_at)
    return changed


def _within(at: datetime, start: datetime, end: datetime | None) -> bool:
    return start < at and (end is None or at < end)


def _overlap(known: Fact | Told, start: datetime, end: datetime | None) -> bool:
    return (end is None or known.start < end) and (known.end is None or start < known.end)
