"""The operator's picture of the neighbourhood networks: collectors, and how stations reach them through one another.

It is drawn from what collectors tell the head-end: addresses and routes, no name and no key. Which meter an address
stands for is known here alone, from the registry.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import cos, pi, sin
from typing import Any, Final

from litestar import Request, Response, get

from openami.model.errors import OpenAmiError
from openami.model.point import Meter
from openami.portal.identity import note_access
from openami.portal.rooms import Rooms, rooms_of
from openami.protocols.zones.message import CollectorView, StationView

SIZE: Final = 640
_MARGIN: Final = 60


@dataclass(frozen=True, slots=True)
class Station:
    """A station and its place in the picture; `meter` is None for an address that the registry does not know."""

    view: StationView
    meter: Meter | None
    x: float
    y: float
    parent_x: float
    parent_y: float

    @property
    def name(self) -> str:
        """The meter's serial number, or the address."""
        return self.meter.serial if self.meter else self.view.address

    @property
    def heard(self) -> datetime | None:
        """When its last datagram came."""
        return datetime.fromtimestamp(self.view.heard_at, UTC) if self.view.heard_at else None


@dataclass(frozen=True, slots=True)
class Network:
    """One collector and the stations of its mesh; `rings` are the radii of one hop, two hops …"""

    collector: CollectorView
    stations: tuple[Station, ...]
    rings: tuple[float, ...]

    @property
    def since(self) -> datetime:
        """Since when it is connected."""
        return datetime.fromtimestamp(self.collector.connected_at, UTC)


@get("/network")
async def network_page(request: Request[Any, Any, Any]) -> Response[str]:
    """Collectors with their routes as they are now; what keeps the head-end from answering is said on the page."""
    rooms = rooms_of(request)
    networks: list[Network] = []
    failure = ""
    try:
        networks = await _networks(rooms)
    except OpenAmiError as error:
        failure = str(error)
    await asyncio.to_thread(note_access, request, "network", collectors=len(networks))
    return rooms.pages.page(request, "network", networks=networks, failure=failure, size=SIZE, now=rooms.now)


async def _networks(rooms: Rooms) -> list[Network]:
    headend = rooms.operations.headend
    known = await asyncio.to_thread(rooms.registry.meters)
    meters = {meter.link: meter for meter in known if meter.link}
    collectors = (await headend.collectors()).collectors
    return [network(each, (await headend.routes(each.name)).stations, meters) for each in collectors]


def network(collector: CollectorView, stations: Sequence[StationView], meters: dict[str, Meter]) -> Network:
    """Stations on rings by their hops, children beside one another behind their parent."""
    places = _places(stations)
    placed = []
    for view in stations:
        x, y = places[view.address]
        parent_x, parent_y = places[view.parent]
        meter = meters.get(f"collector://{collector.name}/{view.address}")
        placed.append(Station(view, meter, x, y, parent_x, parent_y))
    deepest = max((view.hops for view in stations), default=0)
    rings = tuple(_radius(hops, deepest) for hops in range(1, deepest + 1))
    return Network(collector, tuple(sorted(placed, key=lambda each: (each.view.hops, each.name))), rings)


def _places(stations: Sequence[StationView]) -> dict[str, tuple[float, float]]:
    """By address; the collector's is empty, and so is the parent of whoever names one that is not there."""
    known = {view.address for view in stations}
    children: dict[str, list[StationView]] = {}
    for view in sorted(stations, key=lambda each: each.address):
        children.setdefault(view.parent if view.parent in known else "", []).append(view)
    deepest = max((view.hops for view in stations), default=1)
    middle = SIZE / 2
    places = {"": (middle, middle)} | {view.parent: (middle, middle) for view in stations}
    waiting: list[tuple[str, float, float]] = [("", 0.0, 2 * pi)]
    while waiting:
        parent, start, span = waiting.pop()
        below = children.pop(parent, [])
        weights = [1 + len(children.get(view.address, [])) for view in below]
        for view, weight in zip(below, weights, strict=True):
            part = span * weight / sum(weights)
            angle, radius = start + part / 2, _radius(view.hops, deepest)
            places[view.address] = (round(middle + radius * sin(angle), 1), round(middle - radius * cos(angle), 1))
            waiting.append((view.address, start, part))
            start += part
    return places | {view.address: places.get(view.address, (middle, middle)) for view in stations}


def _radius(hops: int, deepest: int) -> float:
    return round((SIZE / 2 - _MARGIN) * hops / max(1, deepest), 1)
