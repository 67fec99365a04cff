"""Emergency plans in the console: planners sign one after the other, the guard keeps and decides."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, Protocol, TypeVar

import msgspec

from openami.app.console_words import utc
from openami.app.deciders import Asked
from openami.app.switching import switching
from openami.backoffice.guard.guard import activate_statement, prepare_statement
from openami.backoffice.guard.people import statement_challenge
from openami.backoffice.guard.plans import ACTIVATED_BY, PREPARED_BY, EmergencyPlan
from openami.backoffice.registry.registry import NotRegistered, Registry
from openami.io.blocking import Blocking
from openami.model.errors import SecurityError
from openami.portal.critical import Plan, Planned, Proposal
from openami.protocols.seal.approval import CommandList, Intent
from openami.protocols.seal.passkey import Assertion
from openami.protocols.seal.roles import Role
from openami.protocols.seal.verbs import CriticalVerb
from openami.protocols.zones import inner_message as inner
from openami.protocols.zones.log_message import Done

T = TypeVar("T")
TIME_TO_LIVE_S: Final = 900
"""At most; of what a plan still lasts half is left for another person to approve."""


class Noting(Protocol):
    """Does a step; a refusal is in the log before anybody is told."""

    async def __call__(self, step: Awaitable[T], login: str, subject: str, what: str) -> T:
        """The step's result; raises `SecurityError`."""
        ...


class ConsolePlans:
    """See `openami.portal.critical.EmergencyPlans`."""

    def __init__(
        self,
        guard: Asked,
        registry: Registry,
        noting: Noting,
        clock: Callable[[], float],
        random: Callable[[int], bytes],
        blocking: Blocking,
    ) -> None:
        self._guard = guard
        self._registry = registry
        self._noting = noting
        self._clock = clock
        self._random = random
        self._blocking = blocking

    async def plans(self) -> Planned:
        """See `EmergencyPlans`."""
        answer = await self._guard(inner.AskPlans(), inner.Plans)
        now = self._clock()
        prepared = [
            _activation(
                read_plan(one.plan), int(now // 60), until=one.until if one.until >= now else 0.0, spent=one.spent_w
            )
            for one in answer.plans
        ]
        return Planned(answer.decisions, prepared, [_proposal(one, answer.decisions) for one in answer.proposed])

    async def draft(
        self, name: str, verbs: frozenset[CriticalVerb], feeders: frozenset[str], power_w: int, lasts_s: int
    ) -> Proposal:
        """See `EmergencyPlans`."""
        plan = EmergencyPlan(name=name, verbs=verbs, feeders=feeders, power_w=power_w, lasts_s=lasts_s)
        answer = await self._guard(inner.AskPlans(), inner.Plans)
        return _preparation(plan, answer.decisions)

    async def prepare(self, octets: bytes, assertion: Assertion, login: str) -> str:
        """See `EmergencyPlans`."""
        plan = read_plan(octets)
        given = self._guard(inner.PreparePlan(octets, [assertion]), inner.GUARD_DECISIONS)
        answer = await self._noting(given, login, plan.name, "prepare a plan")
        return _said(answer, f"plan {plan.name} is prepared")

    async def activate(self, name: str, minute: int, assertion: Assertion, login: str) -> str:
        """See `EmergencyPlans`."""
        given = self._guard(inner.ActivatePlan(name, minute, [assertion]), inner.GUARD_DECISIONS)
        answer = await self._noting(given, login, name, "activate a plan")
        until = f" until {utc(answer.holds):%Y-%m-%d %H:%M} UTC" if isinstance(answer, Done) else ""
        return _said(answer, f"plan {name} is in force{until}")

    async def commands(self, name: str, verb: CriticalVerb, serials: list[str]) -> CommandList:
        """See `EmergencyPlans`; they end before the plan does."""
        answer = await self._guard(inner.AskPlans(), inner.Plans)
        until = next((one.until for one in answer.plans if read_plan(one.plan).name == name), 0.0)
        lasts = min(TIME_TO_LIVE_S, int(until - self._clock()) // 2)
        if lasts <= 0:
            raise SecurityError(f"plan {name!r} is not in force: two planners have to activate it first")
        titles = [await self._blocking(self._title, serial) for serial in serials]
        apdu = switching(verb)
        intents = tuple(Intent(title, apdu, lasts, emergency=True) for title in titles)
        return CommandList(self._random(16), int(Role.NETWORK_OPERATOR), name, intents)

    def _title(self, serial: str) -> bytes:
        if (meter := self._registry.meter_by_serial(serial)) is None:
            raise NotRegistered(f"meter {serial} is not in the registry")
        return meter.system_title


def read_plan(octets: bytes) -> EmergencyPlan:
    """The plan in its MessagePack; raises `SecurityError`."""
    try:
        return msgspec.msgpack.decode(octets, type=EmergencyPlan)
    except msgspec.DecodeError as error:
        raise SecurityError(f"this is no emergency plan: {error}") from None


def _proposal(one: inner.Proposed, decisions: int) -> Proposal:
    plan = read_plan(one.plan)
    if one.minute is None:
        return _preparation(plan, decisions, one.persons)
    return _activation(plan, one.minute, one.persons)


def _preparation(plan: EmergencyPlan, decisions: int, persons: tuple[str, ...] = ()) -> Proposal:
    challenge = statement_challenge(prepare_statement(plan, decisions))
    return Proposal(_shown(plan), None, challenge, persons, PREPARED_BY)


def _activation(
    plan: EmergencyPlan, minute: int, persons: tuple[str, ...] = (), *, until: float = 0.0, spent: int = 0
) -> Proposal:
    challenge = statement_challenge(activate_statement(plan, minute))
    return Proposal(_shown(plan, until, spent), minute, challenge, persons, ACTIVATED_BY)


def _shown(plan: EmergencyPlan, until: float = 0.0, spent: int = 0) -> Plan:
    verbs = tuple(verb.text for verb in sorted(plan.verbs))
    octets = msgspec.msgpack.encode(plan)
    end = utc(until) if until else None
    return Plan(plan.name, verbs, tuple(sorted(plan.feeders)), plan.power_w, plan.lasts_s, octets, end, spent)


def _said(answer: inner.Agreed | Done | inner.Verdicts, done: str) -> str:
    if isinstance(answer, inner.Agreed):
        return f"signed by {', '.join(answer.persons)}; it takes {answer.needed} persons"
    return done
