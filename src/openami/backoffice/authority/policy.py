"""What may be asked for at all, before anybody approves it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from openami.model.errors import SecurityError
from openami.protocols.seal.approval import CommandList, Intent
from openami.protocols.seal.roles import ROLE_VERBS, Role
from openami.protocols.seal.verbs import CriticalVerb, request_of, verb_of

CUTS: Final = frozenset({CriticalVerb.DISCONNECT, CriticalVerb.LOAD_LIMIT})


@dataclass(frozen=True, slots=True)
class Policy:
    """`is_protected` tells of a meter (system title) whether it supplies a protected customer."""

    is_protected: Callable[[bytes], bool]
    lone_reconnects_per_day: int = 3

    def check(self, commands: CommandList, role: Role) -> None:
        """Raise `SecurityError` or `SettingError` for a list that nobody may approve."""
        commands.check()
        for intent in commands.commands:
            self._check_intent(intent, role)
            if intent.emergency != bool(commands.plan):
                raise SecurityError("an emergency, and nothing else, names the plan that it belongs to: refused")

    def _check_intent(self, intent: Intent, role: Role) -> None:
        verb = verb_of(request_of(intent.apdu))
        if verb not in ROLE_VERBS[role]:
            raise SecurityError(f"role {role.name.replace('_', ' ').lower()} may not {verb.text}: refused")
        if verb in CUTS and self.is_protected(intent.recipient):
            raise SecurityError(f"meter {intent.recipient.hex()} supplies a protected customer: refused")

    def allows_one_person(self, commands: CommandList, done_today: int) -> bool:
        """Whether this is the reconnection of one household, and the person has not had too many today."""
        if len(commands.commands) != 1 or commands.plan or done_today >= self.lone_reconnects_per_day:
            return False
        return verb_of(request_of(commands.commands[0].apdu)) is CriticalVerb.RECONNECT
