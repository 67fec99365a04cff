"""Log-in, log-out, the security page and the static files: pages for everybody."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import structlog
from litestar import Request, Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect

from openami.io.keystore.tls import fingerprint
from openami.portal.accounts import Account
from openami.portal.identity import (
    FORM_COOKIE,
    SESSION_COOKIE,
    address_of,
    checked_form,
    cookie,
    everybody,
    find_identity,
    no_cookie,
)
from openami.portal.pages import STATIC
from openami.portal.rooms import Rooms, rooms_of
from openami.portal.sessions import new_token

Asking = Request[Any, Any, Any]
log = structlog.get_logger("openami.portal")


@get("/", guards=[everybody])
async def front(request: Asking) -> Redirect:
    """Everybody's own first page."""
    identity = await find_identity(request)
    return Redirect(identity.home if identity else "/login", status_code=303)


@get("/login", guards=[everybody])
async def login_page(request: Asking) -> Response[Any]:
    """The log-in form; who is logged in already is sent home. `next` is where to go afterwards."""
    rooms = rooms_of(request)
    identity = await find_identity(request)
    if identity:
        return Redirect(identity.home, status_code=303)
    return _form(request, rooms, following=request.query_params.get("next", ""))


@post("/login", guards=[everybody])
async def login(request: Asking) -> Response[Any]:
    """Check the password and start a session with a new token; an older session of this browser ends."""
    rooms = rooms_of(request)
    form = await checked_form(request)
    name, address, now = form.get("login", "").strip().lower()[:200], address_of(request), rooms.wall.monotonic()
    wait_s = math.ceil(rooms.throttle.wait_s(name, address, now))
    if wait_s:
        log.warning("log-in throttled", login=name, address=address)
        return _form(request, rooms, following=form.get("next", ""), name=name, wait_s=wait_s)
    account = await _verify(rooms, name, form.get("password", ""), address)
    if account is None:
        return _form(request, rooms, following=form.get("next", ""), name=name, wrong=True)
    old = request.cookies.get(SESSION_COOKIE)
    if old:
        await asyncio.to_thread(rooms.sessions.end, old)
    token = await asyncio.to_thread(rooms.sessions.start, account.login)
    target = form.get("next", "")
    home = target if _is_local(target) else account.home
    return Redirect(home, status_code=303, cookies=[cookie(SESSION_COOKIE, token), no_cookie(FORM_COOKIE)])


async def _verify(rooms: Rooms, name: str, password: str, address: str) -> Account | None:
    # Counted before the slow hash and taken back after it, so that tries in parallel count as well.
    rooms.throttle.tried(name, address, rooms.wall.monotonic())
    async with rooms.hashing:
        account = await asyncio.to_thread(rooms.accounts.verify, name, password)
    if account is None:
        log.warning("log-in failed", login=name, address=address)
        return None
    rooms.throttle.succeeded(name, address)
    log.info("logged in", login=account.login, role=account.role.value, address=address)
    return account


@post("/logout", guards=[everybody])
async def logout(request: Asking) -> Redirect:
    """End the session: its token is worth nothing afterwards."""
    rooms = rooms_of(request)
    await checked_form(request)
    identity = await find_identity(request)
    if identity:
        await asyncio.to_thread(rooms.sessions.end, identity.token)
        log.info("logged out", login=identity.login, address=address_of(request))
    return Redirect("/login", status_code=303, cookies=[no_cookie(SESSION_COOKIE)])


@get("/security", guards=[everybody], sync_to_thread=True)
def security_page(request: Asking) -> Response[str]:
    """How to trust a demonstration's authority, and how values are protected."""
    rooms = rooms_of(request)
    trusted = rooms.settings.authority
    return rooms.pages.page(
        request,
        "security",
        fingerprint=fingerprint(trusted) if trusted else "",
        host=rooms.settings.hosts[0],
        idle_minutes=rooms.settings.idle_timeout_s // 60,
    )


@get("/authority.pem", sync_to_thread=True)
def authority(request: Asking) -> Response[bytes]:
    """The certificate of the demonstration's authority, for download."""
    rooms = rooms_of(request)
    if rooms.settings.authority is None:
        raise NotFoundException
    headers = {"content-disposition": 'attachment; filename="openami-authority.pem"'}
    return Response(rooms.settings.authority.read_bytes(), media_type="application/x-pem-file", headers=headers)


@get("/static/{name:str}", sync_to_thread=False)
def static(request: Asking, name: FromPath[str]) -> Response[bytes]:
    """A file of the package; its address changes with its content, so browsers may keep it."""
    rooms = rooms_of(request)
    if name not in STATIC:
        raise NotFoundException
    headers = {"cache-control": "public, max-age=31536000, immutable"}
    return Response(rooms.pages.static[name], media_type=STATIC[name], headers=headers)


def _form(
    request: Asking, rooms: Rooms, *, following: str, name: str = "", wrong: bool = False, wait_s: int = 0
) -> Response[str]:
    token = request.cookies.get(FORM_COOKIE, "") if wrong or wait_s else new_token(rooms.random)
    return rooms.pages.page(
        request,
        "login",
        status=429 if wait_s else 403 if wrong else 200,
        cookies=[cookie(FORM_COOKIE, token)],
        headers={"retry-after": str(wait_s)} if wait_s else None,
        token=token,
        following=following if _is_local(following) else "",
        name=name,
        wrong=wrong,
        wait_s=wait_s,
    )


def _is_local(target: str) -> bool:
    """Whether `target` is a path of this portal; anything that a browser may take for another host is not."""
    return target.startswith("/") and not target.startswith("//") and target.isprintable() and "\\" not in target


HANDLERS = [front, login_page, login, logout, security_page, authority, static]
