"""The operator's pages: fleet, campaigns, missing data, a meter's detail, events, evidence."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import structlog
from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, FromQuery

from openami.backoffice.mdm.missing import Gap
from openami.backoffice.operations.alert_pipeline import HEADEND_CAUSE, PAGES_MAX, PAGES_WINDOW_S, Incident
from openami.backoffice.operations.campaigns import CampaignView
from openami.backoffice.operations.job_state import JobState
from openami.backoffice.operations.live import LiveReading
from openami.model.errors import OpenAmiError
from openami.model.event import MeterEvent
from openami.model.interval import utc
from openami.model.obis import ObisCode
from openami.model.point import Channel, ChannelKind, Meter, MeteringPoint
from openami.model.quantity import Quantity
from openami.portal.bills import bill_page
from openami.portal.calendar import View, Window
from openami.portal.crossed_page import crossed_page
from openami.portal.duties import Duty, opened_by
from openami.portal.energy import Place, energy_page, found, instant, newest_day, reading_page
from openami.portal.explanation import explain
from openami.portal.fleet import FleetRow, Freshness, fleet
from openami.portal.identity import checked_form, note_access, operators_only
from openami.portal.network import network_page
from openami.portal.ownership import whole
from openami.portal.picture import Flow, interval_channel, picture
from openami.portal.reads import single_reads
from openami.portal.rooms import Rooms, rooms_of

Asking = Request[Any, Any, Any]
PAGE = 50
GAPS_SHOWN = 200
EVENTS_SHOWN = 200
INCIDENTS_SHOWN = 50
JOBS_SHOWN = 200
REGISTERS_BACK = timedelta(days=62)
log = structlog.get_logger("openami.portal")


@get("/", sync_to_thread=True)
def fleet_page(
    request: Asking, q: FromQuery[str] = "", page: FromQuery[int] = 0, only: FromQuery[str] = ""
) -> Response[str]:
    """Every meter, with the last campaign above; `q` searches, `only` picks a state."""
    rooms = rooms_of(request)
    everything = fleet(rooms)
    chosen = next((each for each in Freshness if each.value == only), None)
    matching = [row for row in everything if (chosen is None or row.state is chosen) and row.matches(q.strip())]
    pages = max(1, -(-len(matching) // PAGE))
    page = min(max(0, page), pages - 1)
    shown = matching[page * PAGE : (page + 1) * PAGE]
    note_access(request, "fleet", q=q, page=page, shown=len(shown))
    campaigns = rooms.operations.campaigns(1)
    return rooms.pages.page(
        request,
        "fleet",
        now=rooms.now,
        total=len(everything),
        states=[each for each in Freshness if each is not Freshness.STORED or _count(everything, each)],
        counts={each: _count(everything, each) for each in Freshness},
        campaign=campaigns[0] if campaigns else None,
        rows=shown,
        q=q,
        chosen=chosen,
        page=page,
        pages=pages,
        turn=_turner(q, only),
    )


def _count(rows: list[FleetRow], state: Freshness) -> int:
    return sum(row.state is state for row in rows)


def _turner(q: str, only: str) -> Callable[[int], str]:
    return lambda page: "/operator?" + urlencode({"q": q, "only": only, "page": page})


@get("/meters/{meter:int}", sync_to_thread=True)
def meter_page(request: Asking, meter: FromPath[int], date: FromQuery[date | None] = None) -> Response[str]:
    """One meter: load curve, registers, device, events."""
    rooms = rooms_of(request)
    return _meter_detail(request, rooms, _meter(rooms, meter), date)


@post("/meters/{meter:int}/read", status_code=200, opt=opened_by(Duty.OPERATOR))
async def read_now(request: Asking, meter: FromPath[int]) -> Response[str]:
    """Read the meter at this moment and show what it said; 502 with the cause if it did not."""
    rooms = rooms_of(request)
    await checked_form(request)
    device = await asyncio.to_thread(_meter, rooms, meter)
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


@get("/points/{point:int}/{view:str}", sync_to_thread=True)
def energy(
    request: Asking,
    point: FromPath[int],
    view: FromPath[str],
    date: FromQuery[date | None] = None,
    flow: FromQuery[Flow] = Flow.IMPORT,
) -> Response[str]:
    """A point's energy by day, month or year."""
    rooms = rooms_of(request)
    return energy_page(request, rooms, _place(rooms, point, flow), view, date)


@get("/points/{point:int}/bill", sync_to_thread=True)
def bill(request: Asking, point: FromPath[int], date: FromQuery[date | None] = None) -> Response[str]:
    """A point's bill of a month."""
    rooms = rooms_of(request)
    return bill_page(request, rooms, _place(rooms, point), date)


@get("/points/{point:int}/reading", sync_to_thread=True)
def reading(
    request: Asking, point: FromPath[int], at: FromQuery[int], flow: FromQuery[Flow] = Flow.IMPORT
) -> Response[str]:
    """One interval and the bytes it came from."""
    rooms = rooms_of(request)
    return reading_page(request, rooms, _place(rooms, point, flow), at)


@get("/evidence/{number:int}", sync_to_thread=True)
def evidence_page(request: Asking, number: FromPath[int], at: FromQuery[int | None] = None) -> Response[str]:
    """Received bytes as they came and as they were opened; `at` marks the row of that stamp."""
    rooms = rooms_of(request)
    evidence = found(rooms.mdm.evidence, number)
    meter = rooms.registry.meter(evidence.meter)
    note_access(request, "evidence", evidence=number, meter=meter.serial)
    explanation = explain(evidence.plain, stamps=() if at is None else (instant(at),), protocol=evidence.protocol)
    return rooms.pages.page(request, "evidence", evidence=evidence, meter=meter, explanation=explanation)


@get("/campaigns", sync_to_thread=True)
def campaigns_page(request: Asking) -> Response[str]:
    """The last campaigns, newest first."""
    rooms = rooms_of(request)
    return rooms.pages.page(request, "campaigns", campaigns=rooms.operations.campaigns(100), tone=_tone)


def _tone(campaign: CampaignView) -> str:
    if campaign.failed:
        return "bad"
    return "warn" if campaign.pending else "good"


@get("/campaigns/{campaign:int}", sync_to_thread=True)
def campaign_page(request: Asking, campaign: FromPath[int]) -> Response[str]:
    """A campaign's progress, the causes of missed reads, and the meters that are not read."""
    rooms = rooms_of(request)
    view = found(rooms.operations.campaign, campaign)
    open_jobs = [job for job in rooms.operations.jobs(campaign) if job.state is not JobState.COMPLETED]
    jobs = [(rooms.registry.meter(job.meter), job) for job in open_jobs[:JOBS_SHOWN]]
    return rooms.pages.page(request, "campaign", campaign=view, jobs=jobs, more=len(open_jobs) > JOBS_SHOWN)


@get("/campaigns/{campaign:int}/progress", sync_to_thread=True)
def campaign_progress(request: Asking, campaign: FromPath[int]) -> dict[str, Any]:
    """The numbers that a page refreshes while a campaign runs."""
    rooms = rooms_of(request)
    view = found(rooms.operations.campaign, campaign)
    numbers = {"total": view.total, "completed": view.completed, "failed": view.failed, "pending": view.pending}
    return {**numbers, "state": str(view.state), "ended": view.ended_at is not None}


@get("/missing", sync_to_thread=True)
def missing_page(request: Asking, date: FromQuery[date | None] = None) -> Response[str]:
    """The gaps of one day."""
    rooms = rooms_of(request)
    window = Window.holding(View.DAY, date or (rooms.now - timedelta(days=1)).date(), ZoneInfo("UTC"))
    gaps = rooms.mdm.missing(window.start, min(window.end, max(window.start, rooms.now)))
    points = {point.id: point for point in rooms.registry.points()}
    note_access(request, "missing data", first=str(window.first), shown=min(len(gaps), GAPS_SHOWN))
    return rooms.pages.page(
        request,
        "missing",
        window=window,
        gaps=[_gap_row(rooms, points, gap) for gap in gaps[:GAPS_SHOWN]],
        count=len(gaps),
        intervals=sum(gap.intervals for gap in gaps),
        reaches_on=window.end <= rooms.now,
    )


def _gap_row(rooms: Rooms, points: dict[int, MeteringPoint], gap: Gap) -> tuple[MeteringPoint, ObisCode, ZoneInfo, Gap]:
    point = points[gap.metering_point]
    return point, rooms.registry.channel(point.id, gap.channel).obis, ZoneInfo(point.zone), gap


@get("/events", sync_to_thread=True)
def events_page(request: Asking) -> Response[str]:
    """What calls for people, grouped by cause, and what meters reported, newest first."""
    rooms = rooms_of(request)
    events: list[MeterEvent] = rooms.operations.events(limit=EVENTS_SHOWN)
    note_access(request, "events", shown=len(events))
    meters = {meter.id: meter for meter in rooms.registry.meters()}
    incidents = rooms.operations.incidents()
    return rooms.pages.page(
        request,
        "events",
        events=[(meters[event.meter], event) for event in events],
        incidents=[_incident_row(each) for each in incidents[:INCIDENTS_SHOWN]],
        count=len(incidents),
        pages_max=PAGES_MAX,
        pages_minutes=round(PAGES_WINDOW_S / 60),
    )


class IncidentRow(NamedTuple):
    """An incident, and its times as people read them."""

    incident: Incident
    first: datetime
    last: datetime
    claimed: bool


def _incident_row(each: Incident) -> IncidentRow:
    first, last = (datetime.fromtimestamp(at, UTC) for at in (each.first, each.last))
    return IncidentRow(each, first, last, each.cause == HEADEND_CAUSE)


def _meter(rooms: Rooms, meter: int) -> Meter:
    return found(rooms.registry.meter, meter)


def _place(rooms: Rooms, point: int, flow: Flow = Flow.IMPORT) -> Place:
    return Place(f"/operator/points/{point}", whole(found(rooms.registry.point, point)), flow)


OPERATOR_PAGES = Router(
    "/operator",
    route_handlers=[
        fleet_page,
        meter_page,
        read_now,
        energy,
        bill,
        reading,
        evidence_page,
        campaigns_page,
        campaign_page,
        campaign_progress,
        missing_page,
        crossed_page,
        events_page,
        network_page,
    ],
    guards=[operators_only],
    opt=opened_by(Duty.READER),
)
