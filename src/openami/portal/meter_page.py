"""The operator's page of one meter: its load curve, registers, device and events, and its reading at this moment."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery

from openami.backoffice.operations.live import LiveReading
from openami.model.errors import OpenAmiError
from openami.model.interval import utc
from openami.model.obis import ObisCode
from openami.model.point import Channel, ChannelKind, Meter
from openami.model.quantity import Quantity
from openami.portal.calendar import View, Window
from openami.portal.duties import Duty, opened_by
from openami.portal.energy import Place, found, newest_day
from openami.portal.identity import checked_form, note_access
from openami.portal.ownership import whole
from openami.portal.picture import Flow, interval_channel, picture
from openami.portal.reads import single_reads
from openami.portal.rooms import Rooms, rooms_of

Asking = Request[Any, Any, Any]
REGISTERS_BACK = timedelta(days=62)
log = structlog.get_logger("openami.portal")


@get("/meters/{meter:int}", sync_to_thread=True)
def meter_page(request: Asking, meter: FromPath[int], date: FromQuery[date | None] = None) -> Response[str]:
    """One meter: load curve, registers, device, events."""
    rooms = rooms_of(request)
    return _meter_detail(request, rooms, found(rooms.registry.meter, meter), date)


@post("/meters/{meter:int}/read", status_code=200, opt=opened_by(Duty.OPERATOR))
async def read_now(request: Asking, meter: FromPath[int]) -> Response[str]:
    """Read the meter at this moment and show what it said; 502 with the cause if it did not."""
    rooms = rooms_of(request)
    await checked_form(request)
    device = await asyncio.to_thread(found, rooms.registry.meter, meter)
    await asyncio.to_thread(note_access, request, "on-demand read", meter=device.serial)
    try:
        live = await rooms.operations.read_now(meter)
    except OpenAmiError as error:
        log.warning("on-demand read failed", meter=device.serial, cause=str(error))
        return await asyncio.to_thread(_meter_detail, request, rooms, device, None, failure=str(error), status=502)
    return await asyncio.to_thread(_meter_detail, request, rooms, device, None, live=live)


@dataclass(frozen=True, slots=True)
class RegisterRow:
    """A register as it stood at `stamp`."""

    obis: ObisCode
    quantity: Quantity
    stamp: datetime


def _meter_detail(
    request: Asking,
    rooms: Rooms,
    meter: Meter,
    day: date | None,
    *,
    live: LiveReading | None = None,
    failure: str = "",
    status: int = 200,
) -> Response[str]:
    installations = [
        (rooms.registry.point(each.metering_point), each) for each in rooms.registry.installations(meter.id)
    ]
    place = Place(f"/operator/points/{installations[-1][0].id}", whole(installations[-1][0])) if installations else None
    channels = rooms.registry.channels(place.sight.point.id) if place else []
    window = Window.holding(View.DAY, day or newest_day(rooms, place.sight), place.sight.zone) if place else None
    note_access(request, "meter", meter=meter.serial, metering_point=place.sight.point.code if place else None)
    shown = None
    if place and window:
        channel = interval_channel(channels, Flow.IMPORT)
        single = channel is None and any(each.kind is ChannelKind.STAMPED_REGISTER for each in channels)
        if not single:
            shown = picture(rooms.mdm, place.sight, channel, window, Flow.IMPORT, rooms.clock.time(), place.link)
    return rooms.pages.page(
        request,
        "meter",
        status=status,
        meter=meter,
        place=place,
        picture=shown,
        zone=place.sight.zone if place else ZoneInfo("UTC"),
        reaches_on=window is not None and window.end <= rooms.now,
        registers=_registers(rooms, channels),
        reads=[] if shown or not place else single_reads(rooms, place.sight, channels),
        installations=installations,
        events=rooms.operations.events(meter.id, limit=20),
        live=live,
        failure=failure,
    )


def _registers(rooms: Rooms, channels: Sequence[Channel]) -> list[RegisterRow]:
    """The last known register of each quantity: from its snapshots where they are a channel, else as it was stamped."""
    found: dict[ObisCode, RegisterRow] = {}
    for channel in channels:
        row = _snapshot(rooms, channel) if channel.kind is ChannelKind.REGISTER_SNAPSHOT else _stamped(rooms, channel)
        if row and (channel.obis not in found or row.stamp > found[channel.obis].stamp):
            found[channel.obis] = row
    return list(found.values())


def _snapshot(rooms: Rooms, channel: Channel) -> RegisterRow | None:
    last = rooms.mdm.last_stamp(channel.metering_point, channel.number)
    if last is None:
        return None
    start = last - timedelta(seconds=channel.resolution_s)
    series = rooms.mdm.series(channel.metering_point, channel.number, start, last)
    return RegisterRow(channel.obis, Quantity(int(series.values[-1]), channel.scaler, channel.unit), last)


def _stamped(rooms: Rooms, channel: Channel) -> RegisterRow | None:
    kept = rooms.mdm.registers(channel.metering_point, channel.obis, rooms.now - REGISTERS_BACK, rooms.now)
    if not kept:
        return None
    quantity = Quantity(kept[-1].register, channel.scaler, channel.unit)
    return RegisterRow(channel.obis, quantity, utc(kept[-1].stamp))
