"""The portal as an ASGI application: routes, guards, error pages, and the gate around them."""

from __future__ import annotations

import asyncio
import os
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import quote

import structlog
from litestar import Litestar, Request, Response
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.response import Redirect
from litestar.types import Receive, Scope, Send

from openami.backoffice.audit.entry import Audit
from openami.backoffice.mdm.billing.runs import Billing
from openami.backoffice.mdm.crossed_hints import hints
from openami.backoffice.mdm.interfaces.exporting import Exporter
from openami.backoffice.mdm.judge import Judge
from openami.backoffice.mdm.mdm import Mdm
from openami.backoffice.registry.registry import Registry
from openami.io.clock import Clock, SystemClock
from openami.io.store.engine import Store
from openami.portal import consumer, entrance, operator
from openami.portal.accounts import Accounts
from openami.portal.api.app import make_api, mounted
from openami.portal.audit_pages import AUDIT_PAGES
from openami.portal.commands import COMMAND_PAGES, PASSKEY_PAGES
from openami.portal.critical import CriticalCommands
from openami.portal.gate import Gate
from openami.portal.identity import LogInFirst
from openami.portal.operating import Operating
from openami.portal.pages import Pages
from openami.portal.plan_pages import PLAN_PAGES
from openami.portal.privacy import Privacy, Terms
from openami.portal.privacy_pages import OWN_PRIVACY, PRIVACY_PAGES
from openami.portal.quality import QUALITY_PAGES
from openami.portal.rooms import Rooms, rooms_of
from openami.portal.sessions import Sessions
from openami.portal.settings import PortalSettings
from openami.portal.throttle import LoginThrottle

BODY_MAX = 64 * 1024
HASHES_AT_ONCE = 2
log = structlog.get_logger("openami.portal")

ERRORS = {
    400: ("That is not a valid address", "Something in the address or the form cannot be read."),
    403: ("Not from here", "This request was refused."),
    404: ("Nothing here", "This page does not exist, or it is not yours."),
    405: ("Not like this", "This page cannot be asked in this way."),
    413: ("Too much", "The request is too large."),
    500: ("Something went wrong here", "It has been noted. Trying again later may help."),
}


class Portal(Litestar):
    """The application with its gate; `gate` is set right after making it."""

    gate: Gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # type: ignore[override]  # life cycles too
        await self.gate(scope, receive, send)


def make_portal(
    registry: Registry,
    mdm: Mdm,
    operations: Operating,
    store: Store,
    settings: PortalSettings,
    clock: Clock,
    *,
    wall: Clock | None = None,
    random: Callable[[int], bytes] = os.urandom,
    critical: CriticalCommands | None = None,
    audit: Audit | None = None,
    terms: Terms | None = None,
) -> Portal:
    """The portal over the given rooms. `clock` is the meters' time; `wall` that of people (default: the machine's),
    by which sessions end. Accounts are made with `accounts_of(portal)`. `critical` decides on critical commands;
    without it their pages do not exist. Who of the operators looked at personal data is entered in `audit` before it is
    shown. `terms` say how long what belongs to persons is kept; they need an `audit`.
    """
    people = wall or SystemClock()
    limits = {"idle_s": settings.idle_timeout_s, "absolute_s": settings.absolute_timeout_s}
    rooms = Rooms(
        registry=registry,
        mdm=mdm,
        judge=Judge(store, registry),
        billing=Billing(store, registry),
        crossed_hints=partial(hints, store, registry),
        operations=operations,
        accounts=Accounts(store, random, settings.scrypt_log2_n),
        sessions=Sessions(store, people, random, **limits),
        throttle=LoginThrottle(),
        pages=Pages(settings.notice),
        settings=settings,
        clock=clock,
        wall=people,
        random=random,
        hashing=asyncio.Semaphore(HASHES_AT_ONCE),
        critical=critical,
        audit=audit,
        privacy=Privacy(store, registry, audit, random, terms) if audit and terms else None,
    )
    portal = Portal(
        route_handlers=[
            *entrance.HANDLERS,
            consumer.CONSUMER_PAGES,
            operator.OPERATOR_PAGES,
            QUALITY_PAGES,
            mounted(make_api(store, registry, mdm, clock, people, audit)),
            COMMAND_PAGES,
            PASSKEY_PAGES,
            PLAN_PAGES,
            AUDIT_PAGES,
            PRIVACY_PAGES,
            OWN_PRIVACY,
        ],
        exception_handlers={LogInFirst: _to_login, HTTPException: _http_error, Exception: _failure},
        state=State({"rooms": rooms, "exporter": Exporter(store, registry, mdm)}),
        request_max_body_size=BODY_MAX,
        openapi_config=None,
        logging_config=None,
        debug=False,
    )
    portal.gate = Gate(super(Portal, portal).__call__, settings, random)
    return portal


def accounts_of(portal: Litestar) -> Accounts:
    """The accounts of a portal, to make and change log-ins."""
    rooms: Rooms = portal.state.rooms
    return rooms.accounts


def _to_login(request: Request[Any, Any, Any], _: LogInFirst) -> Response[Any]:
    if request.method != "GET":
        return Redirect("/login", status_code=303)
    query = request.scope["query_string"].decode("latin-1")
    target = request.scope["path"] + (f"?{query}" if query else "")
    return Redirect(f"/login?next={quote(target, safe='')}", status_code=303)


def _http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[str]:
    return error_page(request, error.status_code, error.detail if error.status_code == 403 else "")


def _failure(request: Request[Any, Any, Any], error: Exception) -> Response[str]:
    # As text, without the frames' variables: those may hold passwords and readings.
    log.error("a page failed", path=request.scope["path"], trace="".join(traceback.format_exception(error)))
    return error_page(request, 500)


def error_page(request: Request[Any, Any, Any], status: int, text: str = "") -> Response[str]:
    """A page for people: what happened, without traces of the inside."""
    headline, usual = ERRORS.get(status, (f"Error {status}", "The request could not be answered."))
    return rooms_of(request).pages.page(
        request, "error", status=status, code=status, headline=headline, text=text or usual
    )
