"""Pages about what is kept of persons: what a person may know and ask, and what an officer decides."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.exceptions import NotFoundException, PermissionDeniedException
from litestar.params import FromPath
from litestar.response import Redirect

from openami.model.errors import SettingError
from openami.portal.duties import Duty, opened_by
from openami.portal.identity import checked_form, consumer_of, consumers_only, identity_of, operators_only
from openami.portal.privacy import Privacy
from openami.portal.rooms import Rooms, rooms_of

Asking = Request[Any, Any, Any]


def privacy_of(rooms: Rooms) -> Privacy:
    """What knows the terms; 404 where nothing could be entered in an audit log."""
    if rooms.privacy is None:
        raise NotFoundException
    return rooms.privacy


@get("/", sync_to_thread=True)
def people_page(request: Asking) -> Response[str]:
    """Who moved out, and when their names go: by their numbers."""
    rooms = rooms_of(request)
    privacy = privacy_of(rooms)
    return rooms.pages.page(request, "privacy", people=privacy.moved_out(), terms=privacy.terms, now=rooms.now)


@post("/{consumer:int}/forget")
async def forget(request: Asking, consumer: FromPath[int]) -> Redirect:
    """Destroy the link between a person and their number."""
    rooms = rooms_of(request)
    privacy = privacy_of(rooms)
    await checked_form(request)
    if consumer not in {one.consumer.id for one in await asyncio.to_thread(privacy.moved_out)}:
        raise NotFoundException
    try:
        await asyncio.to_thread(privacy.forget, consumer, identity_of(request).login, rooms.now)
    except SettingError as error:
        raise PermissionDeniedException(str(error)) from error
    return Redirect("/operator/privacy", status_code=303)


@get("/privacy", sync_to_thread=True)
def own_page(request: Asking) -> Response[str]:
    """What is kept of the person who asks, and for how long."""
    rooms = rooms_of(request)
    return rooms.pages.page(request, "my_privacy", terms=privacy_of(rooms).terms, asked=False)


@post("/privacy", status_code=200)
async def ask(request: Asking) -> Response[str]:
    """The person asks to be forgotten."""
    rooms = rooms_of(request)
    privacy = privacy_of(rooms)
    await checked_form(request)
    await asyncio.to_thread(privacy.ask, consumer_of(request))
    return rooms.pages.page(request, "my_privacy", terms=privacy.terms, asked=True)


PRIVACY_PAGES = Router(
    "/operator/privacy",
    route_handlers=[people_page, forget],
    guards=[operators_only],
    opt=opened_by(Duty.PRIVACY_OFFICER),
)
OWN_PRIVACY = Router("/my", route_handlers=[own_page, ask], guards=[consumers_only])
