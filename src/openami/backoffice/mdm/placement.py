"""Where readings belong: which metering point and channel a meter's register counted for, and when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from openami.backoffice.registry.registry import Registry
from openami.io.store.columns import microseconds
from openami.model.obis import ObisCode
from openami.model.point import Channel, ChannelKind, Installation

SECOND = 1_000_000
FOREVER = 1 << 62
BLOCK_KINDS = (ChannelKind.INTERVAL_ENERGY, ChannelKind.REGISTER_SNAPSHOT)


@dataclass(frozen=True, slots=True)
class Place:
    """From `start` to `end` (seconds since 1970-01-01) the meter counted for `metering_point`.

    A stamp is the end of its interval, so that the first stamp of the meter's own intervals lies after `start`, and
    the last may be `end` itself. `whole_start` tells that the installation began at exactly `start`.
    """

    metering_point: int
    start: int
    end: int
    whole_start: bool


def place_of(installation: Installation) -> Place:
    begin = microseconds(installation.start)
    end = FOREVER if installation.end is None else microseconds(installation.end) // SECOND
    return Place(installation.metering_point, begin // SECOND, end, begin % SECOND == 0)


class Directory:
    """What the registry says about some meters, looked up once for a whole batch."""

    def __init__(self, registry: Registry, meters: Sequence[int]) -> None:
        self._registry = registry
        self._places: dict[int, list[Place]] = {}
        for installation in registry.installations_of_meters(meters):
            self._places.setdefault(installation.meter, []).append(place_of(installation))
        points = [place.metering_point for places in self._places.values() for place in places]
        self._channels = list(registry.channels_of_points(points))
        self._homes = dict(homes(self._channels))
        self._of_point: dict[int, list[Installation]] = {}

    def places(self, meter: int) -> list[Place]:
        """Where the meter hung, in order of time; empty if nowhere."""
        return self._places.get(meter, [])

    def home(self, metering_point: int, obis: ObisCode, resolution_s: int) -> Channel | None:
        """The channel that keeps the blocks of this quantity and resolution."""
        return self._homes.get((metering_point, obis, resolution_s))

    def installations(self, metering_point: int) -> list[Installation]:
        """All installations of a point, looked up when an exchange asks for them."""
        if metering_point not in self._of_point:
            self._of_point[metering_point] = self._registry.installations_of_point(metering_point)
        return self._of_point[metering_point]

    def block_channels(self, metering_point: int, obis: ObisCode) -> list[Channel]:
        """The channels of a point that keep blocks of `obis`, one per resolution."""
        return [
            channel for (point, code, _), channel in self._homes.items() if point == metering_point and code == obis
        ]


def homes(channels: Sequence[Channel]) -> Iterator[tuple[tuple[int, ObisCode, int], Channel]]:
    """Per quantity and resolution the channel that keeps its blocks: interval energy before register snapshots.

    One block keeps both energies and snapshots, so that a channel of either kind, or of each, sees the same rows.
    """
    for kind in reversed(BLOCK_KINDS):
        for channel in reversed(channels):
            if channel.kind is kind:
                yield (channel.metering_point, channel.obis, channel.resolution_s), channel
