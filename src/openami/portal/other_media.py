"""What consumers see of water, gas, heat and cooling: the register as it stands, what each day took, and every read.

These meters tell a register now and then, not an energy for every quarter of an hour: days are what lies between the
last read of one day and the last read of the day before, as far as one meter told both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from litestar import Response
from litestar.exceptions import NotFoundException

from openami.model.obis import ObisCode
from openami.model.point import Channel, ChannelKind
from openami.model.quantity import Quantity
from openami.portal.energy import Asking, Place, meters_in
from openami.portal.identity import note_access
from openami.portal.picture import Flow, interval_channel
from openami.portal.reads import BACK, SingleRead, single_reads
from openami.portal.rooms import Rooms

MEDIA = {4: "heat cost allocation", 5: "cooling", 6: "heat", 7: "gas", 8: "water", 9: "warm water"}
"""By group A of the OBIS code."""


@dataclass(frozen=True, slots=True)
class DayTotal:
    """What flowed in a day of the point's calendar; None where the day or the one before has no read."""

    day: date
    used: Quantity | None


def is_read_singly(channels: Sequence[Channel]) -> bool:
    """Whether a point has registers that are read now and then, and no energy for each interval."""
    stamped = any(channel.kind is ChannelKind.STAMPED_REGISTER for channel in channels)
    return stamped and not any(interval_channel(channels, flow) for flow in Flow)


def medium(code: ObisCode) -> str:
    """What flows, in words."""
    return MEDIA.get(code.a, "energy")


def reads_page(request: Asking, rooms: Rooms, place: Place) -> Response[str]:
    """The page of a point that is read singly; 404 for any other."""
    sight = place.sight
    channels = rooms.registry.channels(sight.point.id)
    if not is_read_singly(channels):
        raise NotFoundException
    note_access(request, "reads", metering_point=sight.point.code)
    reads = single_reads(rooms, sight, channels)
    return rooms.pages.page(
        request,
        "reads",
        place=place,
        medium=medium(channels[0].obis),
        newest=reads[0] if reads else None,
        reads=reads,
        days=day_totals(place, reads),
        meters=meters_in(rooms, sight, rooms.now - BACK, rooms.now),
    )


def day_totals(place: Place, reads: Sequence[SingleRead]) -> list[DayTotal]:
    """The days that the reads (newest first) of the point's first quantity tell of, newest first."""
    if not reads:
        return []
    last: dict[date, SingleRead] = {}
    for read in reversed([each for each in reads if each.obis == reads[0].obis]):
        last[read.stamp.astimezone(place.sight.zone).date()] = read
    days = sorted(last, reverse=True)
    return [DayTotal(day, _between(last.get(_before(day)), last[day])) for day in days]


def _before(day: date) -> date:
    return date.fromordinal(day.toordinal() - 1)


def _between(first: SingleRead | None, last: SingleRead) -> Quantity | None:
    if first is None or first.meter != last.meter:
        return None
    register = last.register
    return Quantity(register.mantissa - first.register.mantissa, register.scaler, register.unit)
