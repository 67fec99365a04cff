"""The pages of one metering point, the same for its consumer and for operators: energy, and the bytes behind.

What differs is the `Sight`: a consumer sees the times of their own supply and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlencode

from litestar import Request, Response
from litestar.exceptions import NotFoundException

from openami.backoffice.mdm.calendar import Period
from openami.backoffice.operations.campaigns import NoSuchCampaign
from openami.backoffice.registry.registry import NotRegistered
from openami.model.point import Channel, ChannelKind, Meter
from openami.model.quality import Quality
from openami.model.quantity import Quantity
from openami.portal.calendar import View, Window, today
from openami.portal.explanation import Explanation, explain, explain_own
from openami.portal.identity import note_access
from openami.portal.ownership import Sight
from openami.portal.picture import Flow, interval_channel, picture, summed
from openami.portal.rooms import Rooms
from openami.portal.why import why

Asking = Request[Any, Any, Any]
T = TypeVar("T")
ID_END = 1 << 63


@dataclass(frozen=True, slots=True)
class Place:
    """Where the pages of a point stand (`address`, for example `/my/3`) and whose view they are."""

    address: str
    sight: Sight
    flow: Flow = Flow.IMPORT

    def link(self, view: View, start: datetime, end: datetime) -> str:
        """Where a bar leads: a year's to its month, a month's to its day, a day's to the bytes of the interval."""
        inner = {View.YEAR: View.MONTH, View.MONTH: View.DAY}.get(view)
        if inner is None:
            return self.reading(end)
        return self.at(inner, start.astimezone(self.sight.zone).date())

    def at(self, view: View, day: date) -> str:
        """The address of the window of kind `view` that holds `day`."""
        return f"{self.address}/{view}?{self._query(date=day.isoformat())}"

    def reading(self, stamp: datetime) -> str:
        """The address of the reading of the interval that ends at `stamp`."""
        return f"{self.address}/reading?{self._query(at=str(int(stamp.timestamp())))}"

    def _query(self, **values: str) -> str:
        return urlencode(values if self.flow is Flow.IMPORT else {**values, "flow": self.flow.value})


def energy_page(request: Asking, rooms: Rooms, place: Place, name: str, day: date | None) -> Response[str]:
    """A day, month or year as a chart with its table. 404 for times that the reader may not see."""
    sight = place.sight
    if name not in set(View):
        raise NotFoundException
    view = View(name)
    window = Window.holding(view, day or newest_day(rooms, sight), sight.zone)
    if not sight.within(window.start, window.end):
        raise NotFoundException
    note_access(request, "energy", metering_point=sight.point.code, view=view.value, first=str(window.first))
    channels = rooms.registry.channels(sight.point.id)
    shown = picture(
        rooms.mdm, sight, interval_channel(channels, place.flow), window, place.flow, rooms.clock.time(), place.link
    )
    return rooms.pages.page(
        request,
        "energy",
        place=place,
        picture=shown,
        views=list(View),
        meters=meters_in(rooms, sight, window.start, window.end),
        flows=[flow for flow in Flow if interval_channel(channels, flow)],
        reaches_back=bool(sight.within(window.previous.start, window.previous.end)),
        reaches_on=window.end <= rooms.now and bool(sight.within(window.next.start, window.next.end)),
    )


def reading_page(request: Asking, rooms: Rooms, place: Place, at: int) -> Response[str]:
    """One interval and the bytes it came from, explained. 404 for intervals that the reader may not see."""
    sight = place.sight
    stamp = instant(at)
    channels = rooms.registry.channels(sight.point.id)
    channel = interval_channel(channels, place.flow)
    if channel is None or not sight.shows_interval(stamp):
        raise NotFoundException
    start = stamp - timedelta(seconds=channel.resolution_s)
    known = summed(rooms.mdm.consumption(sight.point.id, start, stamp, Period.INTERVAL, place.flow.obis))
    if known is None or known.intervals != 1:
        raise NotFoundException
    note_access(request, "reading", metering_point=sight.point.code, stamp=stamp.isoformat())
    evidence = rooms.mdm.evidence_of(sight.point.id, channel.number, stamp)
    return rooms.pages.page(
        request,
        "reading",
        place=place,
        start=start,
        stamp=stamp,
        energy_wh=known.energy_wh,
        quality=Quality.MISSING if known.missing else Quality.ESTIMATED if known.estimated else Quality.MEASURED,
        channel=channel,
        evidence=evidence,
        registers=_registers(rooms, sight, channels, place.flow, (start, stamp)),
        explanation=None if evidence is None else _explanation(sight, evidence.plain, (start, stamp)),
        meters=meters_in(rooms, sight, start, stamp),
        why=why(rooms, sight, channel, start),
    )


def _registers(
    rooms: Rooms, sight: Sight, channels: Sequence[Channel], flow: Flow, stamps: tuple[datetime, datetime]
) -> tuple[Quantity, Quantity] | None:
    """The registers at both ends of an interval, where both are known and visible."""
    snapshots = (each for each in channels if each.kind is ChannelKind.REGISTER_SNAPSHOT and each.obis == flow.obis)
    channel = next(snapshots, None)
    if channel is None or not all(map(sight.shows_register, stamps)):
        return None
    before = stamps[0] - timedelta(seconds=channel.resolution_s)
    series = rooms.mdm.series(sight.point.id, channel.number, before, stamps[1])
    if len(series) != 2 or Quality.MISSING in series.quality.tolist():
        return None
    first, last = (Quantity(value, channel.scaler, channel.unit) for value in series.values.tolist())
    return first, last


def _explanation(sight: Sight, plain: bytes, stamps: tuple[datetime, ...]) -> Explanation:
    if sight.is_whole:
        return explain(plain, stamps=stamps)
    return explain_own(plain, sight.shows_register, stamps=stamps)


def newest_day(rooms: Rooms, sight: Sight) -> date:
    """The last complete day that the reader may see: yesterday, or the last day of a supply that has ended."""
    end = min(sight.spans[-1][1], rooms.now)
    day = today(end.timestamp(), sight.zone) - timedelta(days=1)
    first = today(sight.spans[-1][0].timestamp(), sight.zone) if sight.spans[-1][0].year > 1970 else day
    return max(day, first)


def meters_in(rooms: Rooms, sight: Sight, start: datetime, end: datetime) -> list[Meter]:
    """The meters that measured the point between `start` and `end`, as far as the reader may see."""
    spans = sight.within(start, end)
    found = (
        installation.meter
        for installation in rooms.registry.installations_of_point(sight.point.id)
        if any(installation.start < last and (installation.end or last) > first for first, last in spans)
    )
    return [rooms.registry.meter(meter) for meter in dict.fromkeys(found)]


def instant(seconds: int) -> datetime:
    """UTC seconds as a time; 404 for numbers that are none."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError) as error:
        raise NotFoundException from error


def found(lookup: Callable[[int], T], number: int) -> T:
    """What `lookup` knows under `number`; 404 if it knows nothing, or if no store could number it so."""
    if number >= ID_END:
        raise NotFoundException
    try:
        return lookup(number)
    except (NotRegistered, NoSuchCampaign) as error:
        raise NotFoundException from error
