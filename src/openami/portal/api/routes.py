"""The routes of the interface: points, intervals, sums, registers, and files as streams."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

from litestar import Router, get
from litestar.exceptions import ValidationException
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, QueryParameter
from litestar.response import Stream

from openami.backoffice.mdm.calendar import Period
from openami.backoffice.mdm.export import Exported, write_csv
from openami.backoffice.mdm.interfaces.exporting import intervals
from openami.model.interval import utc
from openami.model.point import Channel
from openami.portal.api import asking
from openami.portal.api.answers import (
    ChannelAnswer,
    ErrorAnswer,
    IntervalAnswer,
    IntervalsAnswer,
    PointAnswer,
    PointsAnswer,
    RegisterAnswer,
    RegistersAnswer,
    SumAnswer,
    SumsAnswer,
)
from openami.portal.api.asking import ApiRooms, Asking
from openami.portal.api.tokens import Scope
from openami.portal.ownership import Sight, Span
from openami.protocols.exchange.espi import write_espi

LIMIT_MAX = 10_000
ID_MAX = (1 << 63) - 1
IMPORT = "1-0:1.8.0*255"
From = Annotated[
    datetime | None, QueryParameter(name="from", description="First moment, with a zone; default: 7 days back.")
]
To = Annotated[datetime | None, QueryParameter(name="to", description="Last moment, with a zone; default: now.")]
Obis = Annotated[str, QueryParameter(name="obis", description="Which quantity, as 1-0:1.8.0*255.", max_length=40)]
Limit = Annotated[int, QueryParameter(name="limit", ge=1, le=LIMIT_MAX, description="How many at most.")]
REFUSALS = {
    400: ResponseSpec(ErrorAnswer, description="The request cannot be understood."),
    401: ResponseSpec(ErrorAnswer, description="No token, or one that does not hold."),
    403: ResponseSpec(ErrorAnswer, description="The token has not the scope."),
    404: ResponseSpec(ErrorAnswer, description="There is no such thing, or none that the token may see."),
}


class FileForm(StrEnum):
    """Files that can be streamed."""

    CSV = "csv"
    ESPI = "espi"


@get("/points", guards=[asking.asks_for(Scope.POINTS)], sync_to_thread=True, responses=REFUSALS)
def points(
    request: Asking,
    after: Annotated[
        int, QueryParameter(name="after", ge=0, le=ID_MAX, description="`next` of the answer before.")
    ] = 0,
    limit: Limit = 100,
) -> PointsAnswer:
    """The metering points that the token may see, by id."""
    registry = asking.rooms_of(request).registry
    visible = asking.sights(request)
    if visible is None:
        asking.note_access(request, "", "metering points")
    known = registry.point_ids() if visible is None else sorted(visible)
    chosen = [number for number in known if number > after][: limit + 1]
    more = chosen[limit - 1] if len(chosen) > limit else None
    return PointsAnswer(items=[_point(registry, number) for number in chosen[:limit]], next=more)


@get("/points/{point:str}", guards=[asking.asks_for(Scope.POINTS)], sync_to_thread=True, responses=REFUSALS)
def one_point(request: Asking, point: FromPath[str]) -> PointAnswer:
    """One metering point."""
    sight = asking.sight_of(request, point)
    return _point(asking.rooms_of(request).registry, sight.point.id)


@get("/points/{point:str}/intervals", guards=[asking.asks_for(Scope.READINGS)], sync_to_thread=True, responses=REFUSALS)
def interval_values(
    request: Asking,
    point: FromPath[str],
    start: From = None,
    end: To = None,
    obis: Obis = IMPORT,
    limit: Limit = 1_000,
) -> IntervalsAnswer:
    """Validated intervals, oldest first. Those of a time that the token may not see are not there."""
    rooms, sight = asking.rooms_of(request), asking.sight_of(request, point)
    channel = asking.interval_channel(rooms, sight, asking.obis_of(obis))
    first, last = asking.period(rooms, start, end)
    found = list(_visible(rooms, sight, channel, (first, last), limit + 1))
    more = found[limit - 1].end if len(found) > limit else None
    return IntervalsAnswer(point=sight.point.code, channel=_channel(channel), items=found[:limit], next=more)


@get("/points/{point:str}/sums", guards=[asking.asks_for(Scope.READINGS)], sync_to_thread=True, responses=REFUSALS)
def sums(
    request: Asking,
    point: FromPath[str],
    start: From = None,
    end: To = None,
    obis: Obis = IMPORT,
    by: Annotated[Period, QueryParameter(name="by", description="Length of the periods.")] = Period.DAY,
) -> SumsAnswer:
    """Energy by periods of the point's own calendar; only whole periods that the token may see count."""
    rooms, sight = asking.rooms_of(request), asking.sight_of(request, point)
    code = asking.obis_of(obis)
    asking.interval_channel(rooms, sight, code)
    items = [
        SumAnswer(
            start=one.start,
            end=one.end,
            energy_wh=one.energy_wh,
            intervals=one.intervals,
            missing=one.missing,
            estimated=one.estimated,
        )
        for first, last in sight.within(*asking.period(rooms, start, end))
        for one in rooms.mdm.consumption(sight.point.id, first, last, by, code)
    ]
    return SumsAnswer(point=sight.point.code, obis=str(code), items=items)


@get("/points/{point:str}/registers", guards=[asking.asks_for(Scope.READINGS)], sync_to_thread=True, responses=REFUSALS)
def registers(
    request: Asking, point: FromPath[str], start: From = None, end: To = None, obis: Obis = IMPORT
) -> RegistersAnswer:
    """Stamped registers: daily and monthly reads, and those at an exchange."""
    rooms, sight = asking.rooms_of(request), asking.sight_of(request, point)
    code = asking.obis_of(obis)
    found = rooms.mdm.registers(sight.point.id, code, *asking.period(rooms, start, end))
    items = [
        RegisterAnswer(at=utc(read.stamp), meter=rooms.registry.meter(read.meter).serial, value=read.register)
        for read in found
        if sight.shows_register(utc(read.stamp))
    ]
    return RegistersAnswer(point=sight.point.code, obis=str(code), items=items)


@get("/points/{point:str}/file", guards=[asking.asks_for(Scope.READINGS)], sync_to_thread=True, responses=REFUSALS)
def file(
    request: Asking,
    point: FromPath[str],
    form: Annotated[FileForm, QueryParameter(name="format", description="csv, or espi (Green Button).")] = FileForm.CSV,
    start: From = None,
    end: To = None,
) -> Stream:
    """Validated intervals of all quantities as a file, streamed."""
    rooms, sight = asking.rooms_of(request), asking.sight_of(request, point)
    asked = asking.period(rooms, start, end)
    now = datetime.fromtimestamp(rooms.clock.time(), UTC)
    return Stream(pieces(rooms.exporter, sight, asked, form, now), media_type=MEDIA[form])


MEDIA = {FileForm.CSV: "text/csv; charset=utf-8", FileForm.ESPI: "application/atom+xml"}


def pieces(exporter: Any, sight: Sight, asked: Span, form: FileForm, now: datetime) -> Iterator[str]:
    """The file of what somebody may see of a point in a period, piece by piece."""
    spans = sight.within(*asked)
    exported = (one for first, last in spans for one in exporter.channels([sight.point.id], first, last))
    if form is FileForm.ESPI:
        if len(spans) > 1:
            raise ValidationException("the period holds several supplies: a Green Button feed is of one; ask for each")
        point, bills = sight.point, exporter.espi_summaries(sight.point.id, *spans[0]) if spans else ()
        return write_espi(point.code, point.service_address, point.zone, exporter.espi(exported), now, bills)
    return _csv(exported)


def _csv(exported: Iterator[Exported]) -> Iterator[str]:
    """A channel at a time; the columns once."""
    head = True
    for one in exported:
        out = io.StringIO()
        write_csv([one], out)
        text = out.getvalue()
        yield text if head else text.partition("\n")[2]
        head = False
    if head:
        out = io.StringIO()
        write_csv([], out)
        yield out.getvalue()


def _visible(rooms: ApiRooms, sight: Sight, channel: Channel, asked: Span, count: int) -> Iterator[IntervalAnswer]:
    """The first `count` visible intervals; no more than needed is read."""
    left = count
    for first, last in sight.within(*asked):
        until = min(last, first + timedelta(seconds=channel.resolution_s * (left + 1)))
        for one in rooms.exporter.channels([sight.point.id], first, until, lambda other: other == channel):
            for stamp, value, quality in intervals(one):
                if left:
                    left -= 1
                    yield IntervalAnswer(end=utc(stamp), value=value, quality=quality.name.lower())
        if not left:
            return


def _point(registry: Any, number: int) -> PointAnswer:
    point = registry.point(number)
    channels = [_channel(channel) for channel in registry.channels(number)]
    return PointAnswer(code=point.code, zone=point.zone, channels=channels)


def _channel(channel: Channel) -> ChannelAnswer:
    return ChannelAnswer(
        number=channel.number,
        obis=str(channel.obis),
        kind=channel.kind.value,
        unit=channel.unit.symbol,
        scaler=channel.scaler,
        resolution_s=channel.resolution_s,
    )


ROUTES = Router("/", route_handlers=[points, one_point, interval_values, sums, registers, file])
