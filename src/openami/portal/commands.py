"""The console's pages for critical commands: ask, approve, quarantine, log, passkeys."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.exceptions import NotFoundException, PermissionDeniedException, ValidationException
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from openami.model.errors import DecodeError, OpenAmiError, SecurityError, SettingError
from openami.portal.critical import CriticalCommands, Order
from openami.portal.duties import Duty, opened_by
from openami.portal.identity import checked_form, note_access, operators_only
from openami.portal.rooms import Rooms, rooms_of
from openami.protocols.seal.approval import CommandList
from openami.protocols.seal.passkey import Assertion
from openami.protocols.seal.verbs import CriticalVerb
from openami.protocols.wire.declared import codec_of, decode_all, encode_all

Asking = Request[Any, Any, Any]
DECIDERS = opened_by(Duty.OPERATOR, Duty.APPROVER, Duty.SECURITY_OFFICER)
"""Who takes part in commands, each in their way."""
ASKERS = opened_by(Duty.OPERATOR)
APPROVERS = opened_by(Duty.APPROVER)
JUDGES = opened_by(Duty.APPROVER, Duty.SECURITY_OFFICER)
VERBS = {"disconnect": CriticalVerb.DISCONNECT, "reconnect": CriticalVerb.RECONNECT}
LOGGED = 50


def critical_of(rooms: Rooms) -> CriticalCommands:
    """Those who decide; 404 where this installation has none."""
    if rooms.critical is None:
        raise NotFoundException
    return rooms.critical


@get("/", sync_to_thread=True)
def commands_page(request: Asking) -> Response[str]:
    """What was asked for, what is held back, and the log."""
    rooms = rooms_of(request)
    critical = critical_of(rooms)
    heads, logged = critical.log(LOGGED)
    note_access(request, "critical commands")
    return rooms.pages.page(
        request,
        "commands",
        orders=critical.orders(),
        held=critical.held(),
        heads=heads,
        logged=logged,
        text_of=text_of,
    )


@get("/ask", sync_to_thread=True, opt=ASKERS)
def ask_page(request: Asking, meter: FromQuery[int], verb: FromQuery[str]) -> Response[str]:
    """The exact list that a person would ask for."""
    rooms = rooms_of(request)
    critical = critical_of(rooms)
    if verb not in VERBS:
        raise NotFoundException
    try:
        commands = critical.draft(meter, VERBS[verb])
    except OpenAmiError as error:
        raise NotFoundException(str(error)) from error
    return rooms.pages.page(
        request,
        "ask",
        lines=critical.lines(commands),
        octets=text_of(encode_all(codec_of(CommandList), commands)),
        challenge=text_of(commands.request_challenge()),
    )


@post("/ask", opt=ASKERS)
async def ask(request: Asking) -> Redirect:
    """Somebody has signed the list: it goes to the authority."""
    critical, login = critical_of(rooms_of(request)), _login(request)
    form = await checked_form(request)
    try:
        commands = decode_all(codec_of(CommandList), _octets(form, "commands"))
        await critical.ask(commands, _assertion(form), login)
    except (DecodeError, SettingError) as error:
        raise ValidationException(str(error)) from error
    except SecurityError as error:
        raise PermissionDeniedException(str(error)) from error
    return Redirect(f"/operator/commands/{commands.request.hex()}", status_code=303)


@get("/{name:str}", sync_to_thread=True)
def order_page(request: Asking, name: FromPath[str]) -> Response[str]:
    """One order, for whoever is to approve it."""
    rooms = rooms_of(request)
    order = _order(critical_of(rooms), name)
    challenge = text_of(order.commands.approval_challenge())
    return rooms.pages.page(request, "order", order=order, challenge=challenge)


@get("/{name:str}/challenge", sync_to_thread=True)
def challenge(request: Asking, name: FromPath[str]) -> dict[str, Any]:
    """The exact list and what a passkey signs to approve it, for authenticators without a browser."""
    order = _order(critical_of(rooms_of(request)), name)
    return {
        "request": order.name,
        "state": order.state,
        "commands": text_of(encode_all(codec_of(CommandList), order.commands)),
        "lines": [f"{line.verb} {line.serial}" for line in order.lines],
    }


@post("/{name:str}/approve", opt=APPROVERS)
async def approve(request: Asking, name: FromPath[str]) -> Redirect:
    """Somebody else has signed it: the authority verifies, the guard judges, the meters get what goes through."""
    critical, login = critical_of(rooms_of(request)), _login(request)
    form = await checked_form(request)
    order = _order(critical, name)
    try:
        await critical.approve(order.commands.request, _assertion(form), login)
    except SecurityError as error:
        raise PermissionDeniedException(str(error)) from error
    return Redirect(f"/operator/commands/{name}", status_code=303)


@post("/{name:str}/check")
async def check(request: Asking, name: FromPath[str]) -> Redirect:
    """Ask the meters what has become of it."""
    critical = critical_of(rooms_of(request))
    await checked_form(request)
    await critical.check(_order(critical, name).commands.request)
    return Redirect(f"/operator/commands/{name}", status_code=303)


@post("/held/{digest:str}/{verdict:str}", opt=JUDGES)
async def judge(request: Asking, digest: FromPath[str], verdict: FromPath[str]) -> Redirect:
    """Somebody agrees to release a held command, or to give it up."""
    critical, login = critical_of(rooms_of(request)), _login(request)
    form = await checked_form(request)
    if verdict not in {"release", "delete"}:
        raise NotFoundException
    try:
        await critical.judge(_hex(digest), _assertion(form), login, release=verdict == "release")
    except SecurityError as error:
        raise PermissionDeniedException(str(error)) from error
    return Redirect("/operator/commands", status_code=303)


@get("/", sync_to_thread=True)
def passkeys_page(request: Asking) -> Response[str]:
    """The authority's list of passkeys, and a place to register one's own."""
    rooms = rooms_of(request)
    critical = critical_of(rooms)
    mine = [identity for person, identity in critical.passkeys() if person == _login(request)]
    host = rooms.settings.hosts[0]
    return rooms.pages.page(request, "passkeys", mine=mine, host=host, user=text_of(_login(request).encode()))


@post("/")
async def register(request: Asking) -> Redirect:
    """A new passkey goes on the authority's list, once, with the invitation of the person."""
    critical, login = critical_of(rooms_of(request)), _login(request)
    form = await checked_form(request)
    attestation, client_data = _octets(form, "attestation"), _octets(form, "client_data")
    try:
        await critical.register(login, form.get("invitation", "").strip(), attestation, client_data)
    except SecurityError as error:
        raise PermissionDeniedException(str(error)) from error
    return Redirect("/operator/passkeys", status_code=303)


def text_of(octets: bytes) -> str:
    """Octets as WebAuthn writes them: base64url without padding."""
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


def _octets(form: dict[str, str], name: str) -> bytes:
    text = form.get(name, "")
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError as error:
        raise ValidationException(f"{name} is no base64url") from error


def _assertion(form: dict[str, str]) -> Assertion:
    names = ("credential_id", "authenticator_data", "client_data", "signature")
    return Assertion(*(_octets(form, name) for name in names))


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise NotFoundException from error


def _order(critical: CriticalCommands, name: str) -> Order:
    try:
        return critical.order(_hex(name))
    except SecurityError as error:
        raise NotFoundException from error


def _login(request: Asking) -> str:
    login: str = request.scope["state"]["identity"].login
    return login


COMMAND_PAGES = Router(
    "/operator/commands",
    route_handlers=[commands_page, ask_page, ask, order_page, challenge, approve, check, judge],
    guards=[operators_only],
    opt=DECIDERS,
)
PASSKEY_PAGES = Router(
    "/operator/passkeys", route_handlers=[passkeys_page, register], guards=[operators_only], opt=DECIDERS
)
