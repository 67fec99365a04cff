"""What consumers see of meters that are read now and then: the registers as they stand, what each day took, every read.

Water, gas, heat and cooling, and electricity that a consumer port tells.

These meters tell a register now and then, not an energy for every quarter of an hour: days are what lies between the
last read of one day and the last read of the day before, as far as one meter told both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

MEDIA = {1: "electricity", 4: "heat cost allocation", 5: "cooling", 6: "heat", 7: "gas", 8: "water", 9: "warm water"}
"""By group A of the OBIS code."""
WAYS = {1: "drawn", 2: "fed in"}
"""By group C of a code of electricity."""


@dataclass(frozen=True, slots=True)
class DayTotal:
    """What flowed in a day of the point's calendar, each way; None where the day or the one before lacks a read."""

    day: date
    used: tuple[Quantity | None, ...]


def is_read_singly(channels: Sequence[Channel]) -> bool:
    """Whether a point has registers that are read now and then, and no energy for each interval."""
    stamped = any(channel.kind is ChannelKind.STAMPED_REGISTER for channel in channels)
    return stamped and not any(interval_channel(channels, flow) for flow in Flow)


def medium(code: ObisCode) -> str:
    """What flows, in words."""
    return MEDIA.get(code.a, "energy")


def register_words(code: ObisCode) -> str:
    """Which of a point's registers it is; empty where there is one alone."""
    if code.a != 1 or code.c not in WAYS:
        return ""
    return f"{WAYS[code.c]}, tariff {code.e}" if code.e else WAYS[code.c]


def reads_page(request: Asking, rooms: Rooms, place: Place) -> Response[str]:
    """The page of a point that is read singly; 404 for any other."""
    sight = place.sight
    channels = rooms.registry.channels(sight.point.id)
    if not is_read_singly(channels):
        raise NotFoundException
    note_access(request, "reads", metering_point=sight.point.code)
    reads = single_reads(rooms, sight, channels)
    ways = ways_of(channels)
    newest = [next((read for read in reads if read.obis == channel.obis), None) for channel in channels]
    return rooms.pages.page(
        request,
        "reads",
        place=place,
        medium=medium(channels[0].obis),
        newest=[read for read in newest if read is not None],
        reads=reads,
        words=register_words,
        ways=[WAYS.get(codes[0].c, "used") if codes[0].a == 1 else "used" for codes in ways],
        days=day_totals(place, reads, ways),
        meters=meters_in(rooms, sight, rooms.now - BACK, rooms.now),
    )


def ways_of(channels: Sequence[Channel]) -> list[tuple[ObisCode, ...]]:
    """The registers whose sum is what flowed one way; of anything but electricity the first register alone."""
    codes = [channel.obis for channel in channels if channel.kind is ChannelKind.STAMPED_REGISTER]
    if codes[0].a != 1:
        return [tuple(codes[:1])]
    ways = [tuple(code for code in codes if code.c == way) for way in WAYS]
    return [way for way in ways if way] or [tuple(codes[:1])]


def day_totals(place: Place, reads: Sequence[SingleRead], ways: Sequence[Sequence[ObisCode]]) -> list[DayTotal]:
    """The days that the reads (newest first) tell of, newest first."""
    last: dict[ObisCode, dict[date, SingleRead]] = {}
    for read in reversed(reads):
        last.setdefault(read.obis, {})[read.stamp.astimezone(place.sight.zone).date()] = read
    days = sorted({day for way in ways for code in way for day in last.get(code, ())}, reverse=True)
    return [DayTotal(day, tuple(_used(day, [last.get(code, {}) for code in way]) for way in ways)) for day in days]


def _used(day: date, registers: Sequence[Mapping[date, SingleRead]]) -> Quantity | None:
    """The sum of what these registers took in the day."""
    found = [_between(reads.get(_before(day)), reads.get(day)) for reads in registers]
    parts = [part for part in found if part is not None]
    if not parts or len(parts) != len(found):
        return None
    return parts[0]._replace(mantissa=sum(part.mantissa for part in parts))


def _before(day: date) -> date:
    return date.fromordinal(day.toordinal() - 1)


def _between(first: SingleRead | None, last: SingleRead | None) -> Quantity | None:
    if first is None or last is None or first.meter != last.meter:
        return None
    register = last.register
    return Quantity(register.mantissa - first.register.mantissa, register.scaler, register.unit)
