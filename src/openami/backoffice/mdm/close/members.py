"""What a chunk of a close is: its points, and what the registry says of their channels on the day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from openami.backoffice.mdm.channel_days import Mask
from openami.backoffice.mdm.close.statistics import Pair
from openami.backoffice.mdm.placement import Place, homes, place_of
from openami.backoffice.registry.registry import Registry
from openami.model.interval import DAY_S
from openami.model.point import Channel, ChannelKind, Installation

DIRECT = "direct"


@dataclass(frozen=True, slots=True)
class Work:
    """One chunk, as it travels to whoever does it. `collectors` are links that several meters share."""

    url: str
    day: int
    now: datetime
    first_closed: int
    points: tuple[int, ...]
    collectors: frozenset[str]


@dataclass(slots=True, eq=False)
class Members:
    """The channels of a chunk, a row each, and what the registry says of them on the day."""

    channels: list[Channel]
    pairs: list[Pair]
    zones: list[str]
    collectors: list[str]
    hung_all_day: Mask
    expected: Mask
    meters: list[int]


def members_of(registry: Registry, work: Work) -> Members:
    """The channels of interval energy of the chunk's points."""
    found = homes(registry.channels_of_points(work.points)).values()
    channels = [channel for channel in found if channel.kind is ChannelKind.INTERVAL_ENERGY]
    hung: dict[int, list[tuple[Place, Installation]]] = {}
    for installation in registry.installations_of_points(work.points):
        place = place_of(installation)
        start = work.day * DAY_S
        if place.start < start + DAY_S and place.end > start:
            hung.setdefault(place.metering_point, []).append((place, installation))
    there = [hung.get(channel.metering_point, []) for channel in channels]
    meters = [places[-1][1].meter if places else 0 for places in there]
    links = registry.links(meters)
    zones = registry.zones(work.points)
    return Members(
        channels,
        [(channel.metering_point, channel.number) for channel in channels],
        [zones[channel.metering_point] for channel in channels],
        [link if (link := links.get(meter)) in work.collectors and link is not None else DIRECT for meter in meters],
        np.array([_all_day(places, work.day) for places in there], dtype=np.bool_),
        np.array([bool(places) for places in there], dtype=np.bool_),
        meters,
    )


def _all_day(places: Sequence[tuple[Place, Installation]], day: int) -> bool:
    """Whether one meter hung there all day, and no other touched the day: an exchange at midnight is looked at."""
    return len(places) == 1 and places[0][0].start <= day * DAY_S and places[0][0].end >= (day + 1) * DAY_S
