"""The console's pages for emergency plans: planners prepare and activate them, operators ask for what they allow."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromQuery
from litestar.response import Redirect

from openami.backoffice.registry.registry import NotRegistered
from openami.portal.commands import (
    ASKERS,
    DECIDERS,
    TELLING,
    asking_page,
    assertion_of,
    critical_of,
    octets_of,
    text_of,
)
from openami.portal.duties import Duty, opened_by
from openami.portal.identity import checked_form, identity_of, operators_only
from openami.portal.rooms import rooms_of
from openami.protocols.seal.verbs import SWITCHING, CriticalVerb

Asking = Request[Any, Any, Any]
PLANNERS = opened_by(Duty.APPROVER, Duty.SECURITY_OFFICER)
"""Who may sign as a planner is decided by the guard's own list of people."""
VERBS = {verb.text: verb for verb in sorted(SWITCHING)}


@get("/")
async def plans_page(request: Asking) -> Response[str]:
    """Prepared plans, what others have begun to sign, and a place to draft one."""
    rooms = rooms_of(request)
    found = await critical_of(rooms).plans.plans()
    return rooms.pages.page(request, "plans", found=found, verbs=tuple(VERBS), text_of=text_of)


@get("/state")
async def state(request: Asking) -> dict[str, Any]:
    """The same for programs, which make what is signed from the plan itself."""
    found = await critical_of(rooms_of(request)).plans.plans()
    told = [
        {
            "name": one.plan.name,
            "plan": text_of(one.plan.octets),
            "power_w": one.plan.power_w,
            "until": one.plan.until.timestamp() if one.plan.until else 0.0,
            "minute": one.minute if one.persons else None,
            "persons": one.persons,
        }
        for one in (*found.prepared, *found.proposed)
    ]
    return {"decisions": found.decisions, "plans": told}


@get("/draft", opt=PLANNERS)
async def draft_page(
    request: Asking,
    name: FromQuery[str],
    verbs: FromQuery[list[str]],
    feeders: FromQuery[str],
    power_w: FromQuery[int],
    lasts_s: FromQuery[int],
) -> Response[str]:
    """A new plan, for the first planner to sign."""
    rooms = rooms_of(request)
    if unknown := [verb for verb in verbs if verb not in VERBS]:
        raise NotFoundException(f"{unknown[0]!r} is none of {', '.join(VERBS)}")
    chosen, named = frozenset(VERBS[verb] for verb in verbs), frozenset(feeders.replace(",", " ").split())
    proposal = await critical_of(rooms).plans.draft(name.strip(), chosen, named, power_w, lasts_s)
    return rooms.pages.page(request, "plan_draft", one=proposal, text_of=text_of)


@post("/prepare", opt=PLANNERS)
async def prepare(request: Asking) -> Redirect:
    """A planner has signed a plan: the guard keeps that until three have."""
    critical, login = critical_of(rooms_of(request)), identity_of(request).login
    form = await checked_form(request)
    await critical.plans.prepare(octets_of(form, "plan"), assertion_of(form), login)
    return Redirect("/operator/plans", status_code=303)


@post("/activate", opt=PLANNERS)
async def activate(request: Asking) -> Redirect:
    """A planner has signed that a plan is in force from now on: the guard keeps that until two have."""
    critical, login = critical_of(rooms_of(request)), identity_of(request).login
    form = await checked_form(request)
    minute = form.get("minute", "")
    if not minute.isdecimal():
        raise NotFoundException
    await critical.plans.activate(form.get("name", ""), int(minute), assertion_of(form), login)
    return Redirect("/operator/plans", status_code=303)


@get("/ask", opt=ASKERS)
async def ask_page(
    request: Asking, plan: FromQuery[str], verb: FromQuery[str], serials: FromQuery[str]
) -> Response[str]:
    """The exact list that a person would ask for under a plan; `serials` are separated by spaces or commas."""
    critical = critical_of(rooms_of(request))
    if verb not in (CriticalVerb.DISCONNECT.text, CriticalVerb.RECONNECT.text):
        raise NotFoundException
    try:
        commands = await critical.plans.commands(plan, VERBS[verb], serials.replace(",", " ").split())
    except NotRegistered as error:
        raise NotFoundException(str(error)) from error
    return await asking_page(request, commands)


PLAN_PAGES = Router(
    "/operator/plans",
    route_handlers=[plans_page, state, draft_page, prepare, activate, ask_page],
    guards=[operators_only],
    opt=DECIDERS,
    exception_handlers=TELLING,
)
