"""The operator's pages: the fleet, a point's energy, missing data, events, evidence; and the way to all others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from litestar import Request, Response, Router, get
from litestar.params import FromPath, FromQuery

from openami.backoffice.mdm.missing import Gap
from openami.backoffice.operations.alert_pipeline import HEADEND_CAUSE, PAGES_MAX, PAGES_WINDOW_S, Incident
from openami.model.event import MeterEvent
from openami.model.obis import ObisCode
from openami.model.point import MeteringPoint
from openami.portal.bills import bill_page
from openami.portal.calendar import View, Window
from openami.portal.campaign_pages import campaign_page, campaign_progress, campaigns_page
from openami.portal.crossed_page import crossed_page
from openami.portal.duties import Duty, opened_by
from openami.portal.energy import Place, energy_page, found, instant, reading_page
from openami.portal.explanation import explain
from openami.portal.fleet import FleetRow, Freshness, fleet
from openami.portal.identity import note_access, operators_only
from openami.portal.meter_page import meter_page, read_now
from openami.portal.network import network_page
from openami.portal.ownership import whole
from openami.portal.picture import Flow
from openami.portal.rooms import Rooms, rooms_of

Asking = Request[Any, Any, Any]
PAGE = 50
GAPS_SHOWN = 200
EVENTS_SHOWN = 200
INCIDENTS_SHOWN = 50


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
