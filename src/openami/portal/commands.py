"""The console's pages for critical commands: ask, approve, quarantine, log, passkeys."""

from __future__ import annotations

import asyncio
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.exceptions import NotFoundException, ValidationException
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from litestar.types import ExceptionHandlersMap

from openami.backoffice.registry.registry import NotRegistered
from openami.model.errors import DecodeError, LinkError, OpenAmiError, SecurityError, SettingError
from openami.portal.critical import CriticalCommands, Order
from openami.portal.duties import Duty, opened_by
from openami.portal.identity import checked_form, identity_of, note_access, operators_only
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
VERBS = {
    "disconnect": CriticalVerb.DISCONNECT,
    "reconnect": CriticalVerb.RECONNECT,
    "keys": CriticalVerb.KEY_CHANGE,
}
LOGGED = 50


def critical_of(rooms: Rooms) -> CriticalCommands:
    """Those who decide; 404 where this installation has none."""
    if rooms.critical is None:
        raise NotFoundException
    return rooms.critical


@get("/")
async def commands_page(request: Asking) -> Response[str]:
    """What was asked for, what is held back, and the log; what does not answer is said."""
    rooms = rooms_of(request)
    found = await critical_of(rooms).overview(LOGGED)
    await asyncio.to_thread(note_access, request, "critical commands")
    return rooms.pages.page(request, "commands", found=found, text_of=text_of)


@get("/ask", opt=ASKERS)
async def ask_page(
    request: Asking, verb: FromQuery[str], meter: FromQuery[int | None] = None, serial: FromQuery[str] = ""
) -> Response[str]:
    """The exact list that a person would ask for; the meter by its number here or by its serial number."""
    rooms = rooms_of(request)
    critical = critical_of(rooms)
    if meter is None:
        found = await asyncio.to_thread(rooms.registry.meter_by_serial, serial)
        meter = found.id if found else None
    if verb not in VERBS or meter is None:
        raise NotFoundException
    try:
        commands = await critical.draft(meter, VERBS[verb])
    except NotRegistered as error:
        raise NotFoundException(str(error)) from error
    return await asking_page(request, commands)


async def asking_page(request: Asking, commands: CommandList) -> Response[str]:
    """A list, for the person who is to sign it."""
    rooms = rooms_of(request)
    return rooms.pages.page(
        request,
        "ask",
        lines=await critical_of(rooms).lines(commands),
        octets=text_of(encode_all(codec_of(CommandList), commands)),
        challenge=text_of(commands.request_challenge()),
    )


@post("/ask", opt=ASKERS)
async def ask(request: Asking) -> Redirect:
    """Somebody has signed the list: it goes to the authority."""
    critical, login = critical_of(rooms_of(request)), identity_of(request).login
    form = await checked_form(request)
    commands = decode_all(codec_of(CommandList), octets_of(form, "commands"))
    await critical.ask(commands, assertion_of(form), login)
    return Redirect(f"/operator/commands/{commands.request.hex()}", status_code=303)


@get("/{name:str}")
async def order_page(request: Asking, name: FromPath[str]) -> Response[str]:
    """One order, for whoever is to approve it."""
    rooms = rooms_of(request)
    order = await _order(critical_of(rooms), name)
    challenge = text_of(order.commands.approval_challenge())
    return rooms.pages.page(request, "order", order=order, challenge=challenge)


@get("/{name:str}/challenge")
async def challenge(request: Asking, name: FromPath[str]) -> dict[str, Any]:
    """The exact list and what a passkey signs to approve it, for authenticators without a browser."""
    order = await _order(critical_of(rooms_of(request)), name)
    return {
        "request": order.name,
        "state": order.state,
        "commands": text_of(encode_all(codec_of(CommandList), order.commands)),
        "lines": [f"{line.verb} {line.serial}" for line in order.lines],
        "outcomes": [line.outcome for line in order.lines],
    }


@post("/{name:str}/approve", opt=APPROVERS)
async def approve(request: Asking, name: FromPath[str]) -> Redirect:
    """Somebody else has signed it: the authority verifies, the guard judges, the meters get what goes through."""
    critical, login = critical_of(rooms_of(request)), identity_of(request).login
    form = await checked_form(request)
    order = await _order(critical, name)
    await critical.approve(order.commands.request, assertion_of(form), login)
    return Redirect(f"/operator/commands/{name}", status_code=303)


@post("/{name:str}/alone", opt=ASKERS)
async def approve_alone(request: Asking, name: FromPath[str]) -> Redirect:
    """Who has asked for the reconnection of one household needs nobody else, three times in any day."""
    critical = critical_of(rooms_of(request))
    await checked_form(request)
    await critical.approve_alone((await _order(critical, name)).commands.request, identity_of(request).login)
    return Redirect(f"/operator/commands/{name}", status_code=303)


@post("/{name:str}/send")
async def send(request: Asking, name: FromPath[str]) -> Redirect:
    """Bring an approved order once more to those who do not have it."""
    critical = critical_of(rooms_of(request))
    await checked_form(request)
    await critical.send((await _order(critical, name)).commands.request, identity_of(request).login)
    return Redirect(f"/operator/commands/{name}", status_code=303)


@post("/{name:str}/check")
async def check(request: Asking, name: FromPath[str]) -> Redirect:
    """Ask the meters what has become of it."""
    critical = critical_of(rooms_of(request))
    await checked_form(request)
    await critical.check((await _order(critical, name)).commands.request)
    return Redirect(f"/operator/commands/{name}", status_code=303)


@post("/held/{digest:str}/{verdict:str}", opt=JUDGES)
async def judge(request: Asking, digest: FromPath[str], verdict: FromPath[str]) -> Redirect:
    """Somebody agrees to release a held command, or to give it up."""
    critical, login = critical_of(rooms_of(request)), identity_of(request).login
    form = await checked_form(request)
    if verdict not in {"release", "delete"}:
        raise NotFoundException
    await critical.judge(_hex(digest), assertion_of(form), login, release=verdict == "release")
    return Redirect("/operator/commands", status_code=303)


@get("/")
async def passkeys_page(request: Asking) -> Response[str]:
    """The authority's list of passkeys, and a place to register one's own."""
    rooms = rooms_of(request)
    login, host = identity_of(request).login, rooms.settings.hosts[0]
    mine = [identity for person, identity in await critical_of(rooms).passkeys() if person == login]
    return rooms.pages.page(request, "passkeys", mine=mine, host=host, user=text_of(login.encode()))


@post("/")
async def register(request: Asking) -> Redirect:
    """A new passkey goes on the authority's list, once, with the invitation of the person."""
    critical, login = critical_of(rooms_of(request)), identity_of(request).login
    form = await checked_form(request)
    attestation, client_data = octets_of(form, "attestation"), octets_of(form, "client_data")
    await critical.register(login, form.get("invitation", "").strip(), attestation, client_data)
    return Redirect("/operator/passkeys", status_code=303)


def text_of(octets: bytes) -> str:
    """Octets as WebAuthn writes them: base64url without padding."""
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


def octets_of(form: dict[str, str], name: str) -> bytes:
    """A field of a form that holds octets; 400 if it does not."""
    text = form.get(name, "")
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError as error:
        raise ValidationException(f"{name} is no base64url") from error


def assertion_of(form: dict[str, str]) -> Assertion:
    """What the passkey in somebody's browser has signed."""
    names = ("credential_id", "authenticator_data", "client_data", "signature")
    return Assertion(*(octets_of(form, name) for name in names))


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise NotFoundException from error


async def _order(critical: CriticalCommands, name: str) -> Order:
    try:
        return await critical.order(_hex(name))
    except SecurityError as error:
        raise NotFoundException from error


def _telling(status: int, headline: str) -> Callable[[Asking, OpenAmiError], Response[str]]:
    """An error page with the words of those who decide."""

    def told(request: Asking, error: OpenAmiError) -> Response[str]:
        rooms = rooms_of(request)
        return rooms.pages.page(request, "error", status=status, code=status, headline=headline, text=str(error))

    return told


TELLING: ExceptionHandlersMap = {
    SecurityError: _telling(403, "Refused"),
    LinkError: _telling(503, "Not now"),
    DecodeError: _telling(400, "That cannot be read"),
    SettingError: _telling(400, "That cannot be"),
}
"""What those who decide say reaches people in their words."""

COMMAND_PAGES = Router(
    "/operator/commands",
    route_handlers=[commands_page, ask_page, ask, order_page, challenge, approve, approve_alone, send, check, judge],
    guards=[operators_only],
    opt=DECIDERS,
    exception_handlers=TELLING,
)
PASSKEY_PAGES = Router(
    "/operator/passkeys",
    route_handlers=[passkeys_page, register],
    guards=[operators_only],
    opt=DECIDERS,
    exception_handlers=TELLING,
)
