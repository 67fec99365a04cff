"""The fleet: every meter with its place, its last reading and whether that is late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from openami.model.point import Channel, Meter, MeteringPoint
from openami.portal.picture import Flow, interval_channel
from openami.portal.rooms import Rooms


class Freshness(StrEnum):
    """How a meter's readings arrive."""

    FRESH = "fresh"
    LATE = "late"
    NEVER = "never"
    STORED = "stored"

    @property
    def words(self) -> str:
        """For the table and the tiles."""
        return {"fresh": "up to date", "late": "late", "never": "never read", "stored": "not installed"}[self.value]

    @property
    def tone(self) -> str:
        """The badge's class in the stylesheet."""
        return {"fresh": "good", "late": "warn", "never": "bad", "stored": ""}[self.value]


@dataclass(frozen=True, slots=True)
class FleetRow:
    """A meter, where it hangs now, and when its last interval ended (of single reads: the last one's stamp)."""

    meter: Meter
    point: MeteringPoint | None
    last: datetime | None
    state: Freshness

    def matches(self, text: str) -> bool:
        """Whether serial number, point or address hold `text` (any case)."""
        words = [self.meter.serial]
        if self.point:
            words += [self.point.code, self.point.service_address]
        return any(text.lower() in word.lower() for word in words)


def fleet(rooms: Rooms) -> list[FleetRow]:
    """Every meter of the registry, by serial number."""
    registry, now = rooms.registry, rooms.now
    meters = registry.meters()
    places = {
        installation.meter: installation.metering_point
        for installation in registry.installations_of_meters([meter.id for meter in meters])
        if installation.start <= now and (installation.end is None or installation.end > now)
    }
    points = {point.id: point for point in registry.points()}
    read = _last_readings(rooms, list(places.values()))
    rows = []
    for meter in meters:
        point = points.get(places.get(meter.id, -1))
        last = read.get(point.id) if point else None
        rows.append(FleetRow(meter, point, last, _freshness(rooms, point, last)))
    return sorted(rows, key=lambda row: row.meter.serial)


def _last_readings(rooms: Rooms, metering_points: Sequence[int]) -> dict[int, datetime]:
    """When the last interval of each point ended, or its register was read where it has no intervals."""
    channels: dict[int, list[Channel]] = {}
    for channel in rooms.registry.channels_of_points(metering_points):
        channels.setdefault(channel.metering_point, []).append(channel)
    counted = [interval_channel(each, Flow.IMPORT) or each[0] for each in channels.values()]
    found = rooms.mdm.last_stamps(counted)
    return {point: last for (point, _), last in found.items()}


def _freshness(rooms: Rooms, point: MeteringPoint | None, last: datetime | None) -> Freshness:
    if point is None:
        return Freshness.STORED
    if last is None:
        return Freshness.NEVER
    late = (rooms.now - last).total_seconds() > rooms.settings.late_after_s
    return Freshness.LATE if late else Freshness.FRESH
