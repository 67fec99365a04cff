"""Where readings belong: which metering point and channel a meter's register counted for, and when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from openami.backoffice.mdm.channel_days import Mask
from openami.backoffice.mdm.ratios import UNCHANGED, Ratios, ratios_of
from openami.backoffice.registry.registry import NotRegistered, Registry
from openami.io.store.columns import microseconds
from openami.model.interval import Stamps
from openami.model.obis import ObisCode
from openami.model.point import Channel, ChannelKind, Installation

SECOND = 1_000_000
METERS_MAX = 200_000  # how many meters a directory remembers: about 200 MB
FOREVER = 1 << 62
Quantity = tuple[ObisCode, int]  # and its resolution in seconds
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


def places_by_meter(installations: Sequence[Installation]) -> dict[int, list[Place]]:
    """Per meter its places, in the order of `installations`."""
    found: dict[int, list[Place]] = {}
    for hung in installations:
        found.setdefault(hung.meter, []).append(place_of(hung))
    return found


def installed_at(stamps: Stamps, places: Sequence[Place]) -> Mask:
    """Where an interval ends while a meter hung at the point."""
    inside = np.zeros(len(stamps), dtype=np.bool_)
    for place in places:
        inside |= (stamps > place.start) & (stamps <= place.end)
    return inside


class Directory:
    """What the registry says about meters and points, looked up in bulk and kept while the registry does not change."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._state: object = None
        self._places: dict[int, list[Place]] = {}
        self._homes: dict[Quantity, dict[int, Channel]] = {}
        self._installations: dict[int, list[Installation]] = {}
        self._multipliers: dict[tuple[int, ObisCode], int] = {}
        self._ratios: dict[tuple[int, str], Ratios] = {}

    def learn(self, meters: Sequence[int]) -> None:
        """Look up what is not known yet about `meters` and the points where they hung; forget what has changed.

        To be called within the transaction that uses the answers.
        """
        state = self._registry.state()
        if state != self._state or len(self._places) > METERS_MAX:
            self._places, self._homes, self._installations, self._multipliers = {}, {}, {}, {}
            self._ratios = {}
            self._state = state
        unknown = [meter for meter in dict.fromkeys(meters) if meter not in self._places]
        if not unknown:
            return
        places: dict[int, list[Place]] = {meter: [] for meter in unknown}
        for installation in self._registry.installations_of_meters(unknown):
            places[installation.meter].append(place_of(installation))
        self._learn_points([place.metering_point for meter in unknown for place in places[meter]])
        self._places |= places  # only now: what a failed look-up leaves half known is looked up again

    def _learn_points(self, points: Sequence[int]) -> None:
        unknown = [point for point in dict.fromkeys(points) if point not in self._installations]
        installations: dict[int, list[Installation]] = {point: [] for point in unknown}
        channels = self._registry.channels_of_points(unknown)
        self._multipliers |= {(each.metering_point, each.obis): each.multiplier for each in channels}
        self._ratios |= ratios_of(self._registry, channels)
        for (point, obis, resolution_s), channel in homes(channels).items():
            self._homes.setdefault((obis, resolution_s), {})[point] = channel
        for installation in self._registry.installations_of_points(unknown):
            installations[installation.metering_point].append(installation)
        self._installations |= installations

    def places(self, meter: int) -> list[Place]:
        """Where the meter hung, in order of time; empty if nowhere."""
        if meter not in self._places:
            self.learn([meter])
        return self._places[meter]

    def channels(self, obis: ObisCode, resolution_s: int) -> Mapping[int, Channel]:
        """By point, the channel that keeps the blocks of this quantity and resolution."""
        return self._homes.get((obis, resolution_s), {})

    def multiplier(self, metering_point: int, obis: ObisCode) -> int:
        """By what registers of the point are multiplied when they are taken."""
        return self._multipliers.get((metering_point, obis), 1)

    def ratios(self, metering_point: int, obis: ObisCode) -> Ratios:
        """How the multiplier changed since, of a point that a known meter hung at."""
        return self._ratios.get((metering_point, str(obis)), UNCHANGED)

    def changing(self, points: Sequence[int], codes: Iterable[ObisCode]) -> dict[int, Ratios]:
        """Of rows with a point and a code each those whose multiplier changed, by number; mostly there are none."""
        if not self._ratios:
            return {}
        of_rows = (self.ratios(point, obis) for point, obis in zip(points, codes, strict=True))
        return {row: ratios for row, ratios in enumerate(of_rows) if ratios.times}

    def installations(self, metering_point: int) -> list[Installation]:
        """All installations of a point that a known meter hung at, in order of time."""
        return self._installations[metering_point]

    def block_channels(self, metering_point: int, obis: ObisCode) -> list[Channel]:
        """The channels of such a point that keep blocks of `obis`, one per resolution."""
        quantities = [homes for (code, _), homes in self._homes.items() if code == obis]
        return [homes[metering_point] for homes in quantities if metering_point in homes]


def homes(channels: Sequence[Channel]) -> dict[tuple[int, ObisCode, int], Channel]:
    """Per point, quantity and resolution the channel that keeps its blocks: interval energy before register snapshots.

    One block keeps both energies and snapshots, so that a channel of either kind, or of each, sees the same rows.
    """
    return {
        (channel.metering_point, channel.obis, channel.resolution_s): channel
        for kind in reversed(BLOCK_KINDS)
        for channel in reversed(channels)
        if channel.kind is kind
    }


def home_of(registry: Registry, channel: Channel) -> Channel:
    """The channel that keeps the blocks of `channel`. Raises `NotRegistered` if it is of a kind without intervals."""
    if channel.kind not in BLOCK_KINDS:
        raise NotRegistered(f"channel {channel.number} ({channel.obis}) is {channel.kind.value}: it has no intervals")
    same = homes(registry.channels(channel.metering_point))
    return same[channel.metering_point, channel.obis, channel.resolution_s]
