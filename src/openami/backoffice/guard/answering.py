"""What the guard answers to whoever asks. It trusts none of them: the authority and people have signed."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from openami.backoffice.audit.answering import REFUSALS, answer_about, refused
from openami.backoffice.audit.log import MerkleLog
from openami.backoffice.guard import guard as guards
from openami.backoffice.guard.consents import Consents
from openami.backoffice.guard.events import Quarantined
from openami.backoffice.guard.guard import (
    Envelope,
    Guard,
    activate_statement,
    delete_statement,
    limits_statement,
    prepare_statement,
    release_statement,
)
from openami.backoffice.guard.limits import Limits
from openami.backoffice.guard.people import TooFew
from openami.backoffice.guard.plans import EmergencyPlan
from openami.model.errors import DecodeError
from openami.protocols.seal.approval import ApprovalRecord
from openami.protocols.wire.declared import codec_of, decode_all
from openami.protocols.zones.inner_message import (
    ActivatePlan,
    Agreed,
    AskPlans,
    AskQuarantine,
    ChangeLimits,
    Delete,
    GuardRequest,
    HeldCommand,
    InnerAnswer,
    PlanIs,
    Plans,
    PreparePlan,
    Proposed,
    Quarantine,
    Release,
    Submit,
    Verdict,
    Verdicts,
)
from openami.protocols.zones.log_message import Done

Decision = Release | Delete | PreparePlan | ActivatePlan | ChangeLimits


class GuardAnswers:
    """`log` is where the guard keeps its events, `log_key` signs its heads."""

    def __init__(self, guard: Guard, log: MerkleLog, log_key: Ed25519PrivateKey) -> None:
        self._guard = guard
        self._log = log
        self._log_key = log_key
        self._consents: Consents[Decision] = Consents()

    def answer(self, request: GuardRequest) -> InnerAnswer:
        """The answer to one request; whatever the guard refuses is an answer too."""
        try:
            return self._answer(request)
        except TooFew as error:
            return Agreed(error.persons, error.needed) if error.persons else refused(error)
        except REFUSALS as error:
            return refused(error)
        except msgspec.DecodeError as error:
            return refused(DecodeError(str(error), 0, (type(request).__name__,)))

    def _answer(self, request: GuardRequest) -> InnerAnswer:
        match request:
            case Submit():
                record = decode_all(codec_of(ApprovalRecord), request.record)
                return _verdicts(self._guard.submit(record, request.signed))
            case AskQuarantine():
                return Quarantine([self._held(one) for one in self._guard.quarantine()])
            case AskPlans():
                return self._plans()
            case Release() | Delete() | PreparePlan() | ActivatePlan() | ChangeLimits():
                return self._decided(request)
            case _:
                return answer_about(self._log, self._log_key, request)

    def _decided(self, request: Decision) -> InnerAnswer:
        """Carry out what people decided, once enough have signed."""
        guard, consents = self._guard, self._consents
        given = request.assertions
        match request:
            case Release(digest=digest):
                statement = release_statement(digest)
                return _verdicts([consents.decide(statement, request, given, lambda all_: guard.release(digest, all_))])
            case Delete(digest=digest):
                consents.decide(delete_statement(digest), request, given, lambda all_: guard.delete(digest, all_))
                return Done()
            case PreparePlan():
                plan = msgspec.msgpack.decode(request.plan, type=EmergencyPlan)
                statement = prepare_statement(plan, guard.state.decisions)
                consents.decide(statement, request, given, lambda all_: guard.prepare_plan(plan, all_))
                return Done()
            case ActivatePlan():
                return Done(self._activated(request))
            case _:
                limits = msgspec.msgpack.decode(request.limits, type=Limits)
                statement = limits_statement(limits, guard.state.decisions)
                return Done(consents.decide(statement, request, given, lambda all_: guard.change_limits(limits, all_)))

    def _activated(self, request: ActivatePlan) -> float:
        """Until when the plan is in force; a plan that is not there has no statement that anybody could have signed."""
        guard, name, minute = self._guard, request.name, request.minute
        plan = guard.state.plans.get(name)
        if plan is None:
            return guard.activate_plan(name, minute, request.assertions)
        statement = activate_statement(plan, minute)
        return self._consents.decide(
            statement, request, request.assertions, lambda all_: guard.activate_plan(name, minute, all_)
        )

    def _held(self, one: Quarantined) -> HeldCommand:
        effect = one.effect
        return HeldCommand(
            effect.digest,
            one.at,
            one.check,
            one.reason,
            effect.persons,
            one.releasable,
            effect.recipient,
            effect.verb,
            sha256(one.record).digest(),
            self._consents.persons(release_statement(effect.digest)),
            self._consents.persons(delete_statement(effect.digest)),
        )

    def _plans(self) -> Plans:
        state = self._guard.state
        plans = []
        for name, plan in state.plans.items():
            active = state.active.get(name)
            until, spent = (active.until, active.spent_w) if active else (0.0, 0)
            plans.append(PlanIs(msgspec.msgpack.encode(plan), until, spent))
        proposed = [
            Proposed(*subject, one.persons, one.needed)
            for one in self._consents.open()
            if (subject := self._subject(one.about)) is not None
        ]
        return Plans(state.decisions, plans, proposed)

    def _subject(self, about: Decision) -> tuple[bytes, int | None] | None:
        """The plan that planners have begun to sign, and the minute if it is an activation."""
        if isinstance(about, PreparePlan):
            return about.plan, None
        if isinstance(about, ActivatePlan):
            return msgspec.msgpack.encode(self._guard.state.plans[about.name]), about.minute
        return None


def _verdicts(verdicts: Sequence[guards.Verdict]) -> Verdicts:
    return Verdicts(
        [
            Verdict(one.digest, one.recipient, one.octets)
            if isinstance(one, Envelope)
            else Verdict(one.digest, check=one.check, reason=one.reason)
            for one in verdicts
        ]
    )
