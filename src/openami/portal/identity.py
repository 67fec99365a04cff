"""Who is asking, and whether this is a page for them."""

from __future__ import annotations

import asyncio
import hmac
from typing import Any

import structlog
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie
from litestar.exceptions import HTTPException, NotFoundException, PermissionDeniedException
from litestar.handlers.base import BaseRouteHandler

from openami.backoffice.audit.entry import Kind
from openami.portal.accounts import Role
from openami.portal.duties import duties_of
from openami.portal.rooms import rooms_of
from openami.portal.sessions import Identity

SESSION_COOKIE = "__Host-openami"
FORM_COOKIE = "__Host-openami-form"
CSRF_FIELD = "csrf"
SUBJECTS = ("metering_point", "meter", "evidence")
"""What an entry of the audit log names; what somebody typed into a search is not among it."""
DEVICES_ONLY = frozenset({"network", "critical commands"})
"""Pages without anybody's values: their views would only push what was decided out of the log that they show."""
Connection = ASGIConnection[Any, Any, Any, Any]
log = structlog.get_logger("openami.portal")


class LogInFirst(HTTPException):
    """The page is for people who have logged in."""

    status_code = 401


async def find_identity(connection: Connection) -> Identity | None:
    """Who is logged in on this connection; looked up once per request."""
    state = connection.scope["state"]
    if "identity" not in state:
        sessions = rooms_of(connection).sessions
        state["identity"] = await asyncio.to_thread(sessions.find, connection.cookies.get(SESSION_COOKIE, ""))
    identity: Identity | None = state["identity"]
    return identity


def identity_of(connection: Connection) -> Identity:
    """Who was let pass by `operators_only` or `consumers_only`."""
    identity: Identity = connection.scope["state"]["identity"]
    return identity


def consumer_of(connection: Connection) -> int:
    """The person whose log-in was let pass by `consumers_only`; 404 for one that is nobody's."""
    consumer = identity_of(connection).consumer
    if consumer is None:
        raise NotFoundException
    return consumer


async def everybody(connection: Connection, _: BaseRouteHandler) -> None:
    """Guard of pages that need no log-in; they still greet who is there."""
    await find_identity(connection)


async def operators_only(connection: Connection, handler: BaseRouteHandler) -> None:
    """Guard: operators pass whose duties open the route; for consumers the page does not exist."""
    identity = await _only(connection, Role.OPERATOR)
    if not identity.duties & (wanted := duties_of(handler.opt)):
        log.warning("refused for want of a duty", operator=identity.login, path=connection.scope["path"])
        raise PermissionDeniedException(f"This takes another duty: {' or '.join(sorted(wanted)) or 'nobody has it'}.")


async def consumers_only(connection: Connection, _: BaseRouteHandler) -> None:
    """Guard: consumers pass, for operators the page does not exist."""
    await _only(connection, Role.CONSUMER)


async def _only(connection: Connection, role: Role) -> Identity:
    identity = await find_identity(connection)
    if identity is None:
        raise LogInFirst
    if identity.role is not role:
        raise NotFoundException
    return identity


async def checked_form(request: Request[Any, Any, Any]) -> dict[str, str]:
    """The form of a POST, after its token was compared: with the session's, or before log-in with the cookie's.

    Raises 403 when the token is missing or another one.
    """
    identity = await find_identity(request)
    expected = identity.csrf if identity else request.cookies.get(FORM_COOKIE, "")
    form = await request.form()
    given = form.get(CSRF_FIELD, "")
    if not expected or not isinstance(given, str) or not hmac.compare_digest(expected.encode(), given.encode()):
        log.warning("a form without its token was refused", path=request.scope["path"], address=address_of(request))
        raise PermissionDeniedException("This page was open for too long. Go back, reload it and try again.")
    return {name: value for name, value in form.multi_items() if isinstance(value, str)}


def address_of(connection: Connection) -> str:
    """Where the request came from."""
    return connection.client.host if connection.client else "unknown"


def cookie(name: str, value: str) -> Cookie:
    """A cookie that only this host's TLS pages get, that no script reads, and that ends with the browser."""
    return Cookie(key=name, value=value, path="/", secure=True, httponly=True, samesite="lax")


def no_cookie(name: str) -> Cookie:
    """Take a cookie away."""
    return Cookie(key=name, value="", path="/", secure=True, httponly=True, samesite="lax", max_age=0)


def note_access(request: Request[Any, Any, Any], what: str, **details: Any) -> None:
    """Note that an operator looks at personal data: who, what, from where. The logger adds when.

    Where there is an audit log it is entered there too, before anything is shown; raises `StoreError` if it cannot be.
    Takes a disk's time.
    """
    identity: Identity | None = request.scope["state"].get("identity")
    if identity is not None and identity.role is Role.OPERATOR:
        log.info("personal data viewed", operator=identity.login, what=what, address=address_of(request), **details)
        audit = rooms_of(request).audit
        if audit is not None and what not in DEVICES_ONLY:
            subject = ", ".join(f"{name} {details[name]}" for name in SUBJECTS if details.get(name) is not None)
            audit.enter(Kind.PERSONAL_DATA, identity.login, subject, f"looked at {what}")
