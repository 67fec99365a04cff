"""Emergency plans as a program talks about them to the console: what is signed is made here, from the plan itself."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

import msgspec
from msgspec import Meta

from openami.app.console_client import ConsoleClient, Verb, octets_of, signed, text_of
from openami.app.passkey_file import PasskeyFile
from openami.backoffice.guard.guard import activate_statement, prepare_statement
from openami.backoffice.guard.people import statement_challenge
from openami.backoffice.guard.plans import EmergencyPlan
from openami.model.errors import SecurityError


class PlanTold(msgspec.Struct, frozen=True):
    """A plan at the guard: prepared (`minute` and `persons` empty), or what planners have begun to sign."""

    name: str
    plan: str
    power_w: int
    until: float
    minute: int | None
    persons: tuple[str, ...]

    def read(self) -> EmergencyPlan:
        """The plan itself; raises `SecurityError`."""
        try:
            return msgspec.msgpack.decode(octets_of(self.plan), type=EmergencyPlan)
        except (msgspec.DecodeError, ValueError) as error:
            raise SecurityError(f"the console tells of something that is no plan: {error}") from None


class State(msgspec.Struct, frozen=True):
    """All plans; `decisions` is part of what is signed for the next one."""

    decisions: Annotated[int, Meta(ge=0)]
    plans: tuple[PlanTold, ...]


class PlanClient:
    """Over a session at the console."""

    def __init__(self, client: ConsoleClient) -> None:
        self._client = client

    def state(self) -> State:
        """Plans as they are now."""
        return msgspec.json.decode(self._client.get("/operator/plans/state"), type=State)

    def prepare(self, plan: EmergencyPlan, passkey: PasskeyFile) -> tuple[str, ...]:
        """Sign a plan; who has signed it so far, nobody once it is prepared. Raises `SecurityError`."""
        statement = prepare_statement(plan, self.state().decisions)
        form = signed(passkey.consent(statement_challenge(statement)))
        self._client.post(
            "/operator/plans", "/operator/plans/prepare", {**form, "plan": text_of(msgspec.msgpack.encode(plan))}
        )
        return self._waiting(plan.name, None)

    def activate(self, name: str, minute: int, passkey: PasskeyFile) -> tuple[str, ...]:
        """Sign an activation, with the minute of whoever began it, or `minute`; who has signed so far."""
        state = self.state()
        prepared = [one for one in state.plans if one.name == name and not one.persons]
        if not prepared:
            raise SecurityError(f"there is no plan {name!r}: three planners have to prepare it first")
        begun = [one.minute for one in state.plans if one.name == name and one.minute is not None and one.persons]
        chosen = next((one for one in begun if 0 <= minute - one <= 1), minute)
        form = signed(passkey.consent(statement_challenge(activate_statement(prepared[0].read(), chosen))))
        self._client.post("/operator/plans", "/operator/plans/activate", {**form, "name": name, "minute": str(chosen)})
        return self._waiting(name, chosen)

    def ask(self, name: str, verb: Verb, serials: list[str], passkey: PasskeyFile) -> str:
        """Sign the list that the console drafts under a plan in force; the order's name."""
        query = urlencode({"plan": name, "verb": verb.value, "serials": " ".join(serials)})
        return self._client.ask_for(f"/operator/plans/ask?{query}", passkey)

    def _waiting(self, name: str, minute: int | None) -> tuple[str, ...]:
        waiting = (
            one.persons for one in self.state().plans if (one.name, one.minute) == (name, minute) and one.persons
        )
        return next(waiting, ())
