"""What a person may see of a metering point: everything (operators), or the times of their own supply."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from openami.backoffice.registry.registry import Registry
from openami.model.point import MeteringPoint

ALWAYS = (datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))
Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Sight:
    """The metering point `point` as far as somebody may see it: energy between start and end of each span."""

    point: MeteringPoint
    spans: tuple[Span, ...]

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which the point's calendar is kept."""
        return ZoneInfo(self.point.zone)

    @property
    def is_whole(self) -> bool:
        """Whether nothing of the point is hidden."""
        return self.spans == (ALWAYS,)

    def within(self, start: datetime, end: datetime) -> list[Span]:
        """The visible parts of the time from `start` to `end`, in order."""
        parts = ((max(start, first), min(end, last)) for first, last in self.spans)
        return [(first, last) for first, last in parts if first < last]

    def shows_interval(self, stamp: datetime) -> bool:
        """Whether the interval that ends at `stamp` is visible."""
        return any(first < stamp <= last for first, last in self.spans)

    def shows_register(self, stamp: datetime) -> bool:
        """Whether a register as it stood at `stamp` is visible; both sides of a change of supply see its register."""
        return any(first <= stamp <= last for first, last in self.spans)


def whole(point: MeteringPoint) -> Sight:
    """Everything of the point, for operators."""
    return Sight(point, (ALWAYS,))


def of_consumer(registry: Registry, consumer: int) -> list[Sight]:
    """The metering points at which `consumer` is or was supplied, each with the times of it."""
    spans: dict[int, list[Span]] = {}
    for supply in registry.supplies_of_consumer(consumer):
        spans.setdefault(supply.metering_point, []).append((supply.start, supply.end or ALWAYS[1]))
    return [Sight(registry.point(point), tuple(sorted(times))) for point, times in spans.items()]
