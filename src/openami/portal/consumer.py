"""The consumer's pages: their own energy and nothing else."""

from __future__ import annotations

from datetime import date
from typing import Any

from litestar import Request, Response, Router, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, Stream

from openami.backoffice.audit.entry import Kind
from openami.backoffice.mdm.interfaces.exporting import Exporter
from openami.portal.api.routes import MEDIA, FileForm, pieces
from openami.portal.bills import bill_page
from openami.portal.calendar import View
from openami.portal.energy import Place, energy_page, newest_day, reading_page
from openami.portal.identity import consumer_of, consumers_only
from openami.portal.other_media import is_read_singly, reads_page
from openami.portal.ownership import Sight, of_consumer
from openami.portal.picture import Flow
from openami.portal.rooms import Rooms, rooms_of

Asking = Request[Any, Any, Any]
FILES = {"green-button.xml": FileForm.ESPI, "readings.csv": FileForm.CSV}


def own(request: Asking, rooms: Rooms) -> list[Sight]:
    """What the person who asks is or was supplied with."""
    return of_consumer(rooms.registry, consumer_of(request))


def own_place(request: Asking, rooms: Rooms, point: int, flow: Flow = Flow.IMPORT) -> Place:
    """The point's pages for the person who asks; 404 unless they are or were supplied there."""
    for sight in own(request, rooms):
        if sight.point.id == point:
            return Place(f"/my/{point}", sight, flow)
    raise NotFoundException


@get("/", sync_to_thread=True)
def home(request: Asking) -> Response[Any]:
    """The places where the consumer is supplied; the only one opens at once."""
    rooms = rooms_of(request)
    places = [Place(f"/my/{sight.point.id}", sight) for sight in own(request, rooms)]
    addresses = [_first_page(rooms, place) for place in places]
    if len(places) == 1:
        return Redirect(addresses[0], status_code=303)
    return rooms.pages.page(request, "places", places=list(zip(places, addresses, strict=True)), now=rooms.now)


def _first_page(rooms: Rooms, place: Place) -> str:
    if is_read_singly(rooms.registry.channels(place.sight.point.id)):
        return f"{place.address}/reads"
    return place.at(View.DAY, newest_day(rooms, place.sight))


@get("/{point:int}/reads", sync_to_thread=True)
def reads(request: Asking, point: FromPath[int]) -> Response[str]:
    """The consumer's water, gas, heat or cooling."""
    rooms = rooms_of(request)
    return reads_page(request, rooms, own_place(request, rooms, point))


@get("/{point:int}/{view:str}", sync_to_thread=True)
def energy(
    request: Asking,
    point: FromPath[int],
    view: FromPath[str],
    date: FromQuery[date | None] = None,
    flow: FromQuery[Flow] = Flow.IMPORT,
) -> Response[str]:
    """The consumer's energy by day, month or year."""
    rooms = rooms_of(request)
    return energy_page(request, rooms, own_place(request, rooms, point, flow), view, date)


@get("/{point:int}/bill", sync_to_thread=True)
def bill(request: Asking, point: FromPath[int], date: FromQuery[date | None] = None) -> Response[str]:
    """The consumer's bill of a month."""
    rooms = rooms_of(request)
    return bill_page(request, rooms, own_place(request, rooms, point), date)


@get("/{point:int}/reading", sync_to_thread=True)
def reading(
    request: Asking, point: FromPath[int], at: FromQuery[int], flow: FromQuery[Flow] = Flow.IMPORT
) -> Response[str]:
    """One interval and the bytes it came from."""
    rooms = rooms_of(request)
    return reading_page(request, rooms, own_place(request, rooms, point, flow), at)


@get("/{point:int}/download/{file:str}", sync_to_thread=True)
def download(request: Asking, point: FromPath[int], file: FromPath[str]) -> Stream:
    """All validated values of the consumer's own supply as a file: Green Button, or CSV for spreadsheets.

    That so much left the house is in the audit log before it does.
    """
    rooms = rooms_of(request)
    sight = own_place(request, rooms, point).sight
    form = FILES.get(file)
    if form is None:
        raise NotFoundException
    exporter: Exporter = request.app.state.exporter
    if rooms.audit is not None:
        actor, subject = f"consumer {consumer_of(request)}", f"metering_point {sight.point.code}"
        rooms.audit.enter(Kind.PERSONAL_DATA, actor, subject, f"downloaded {file}")
    # A feed of Green Button is of one supply, so the latest.
    shown = Sight(sight.point, sight.spans[-1:] if form is FileForm.ESPI else sight.spans)
    asked = exporter.bounds(point, shown.spans[0][0], shown.spans[-1][1])
    headers = {"content-disposition": f'attachment; filename="{file}"'}
    return Stream(pieces(exporter, shown, asked, form, rooms.now), media_type=MEDIA[form], headers=headers)


CONSUMER_PAGES = Router("/my", route_handlers=[home, reads, energy, bill, reading, download], guards=[consumers_only])
