"""The decision: a pure function of what happened before, of one command, and of the time."""

from __future__ import annotations

from typing import NamedTuple

from openami.backoffice.guard import checks
from openami.backoffice.guard.effect import Effect
from openami.backoffice.guard.state import GuardState


class Allow(NamedTuple):
    """The command may be sealed."""


class Quarantine(NamedTuple):
    """The command is held back: which check, why, and whether other people may waive it."""

    check: str
    reason: str
    releasable: bool


def decide(state: GuardState, effect: Effect, now: float, *, released: bool = False) -> Allow | Quarantine:
    """Whether `effect` may be sealed at `now`; `released` if other people have waived what may be waived."""
    for check in checks.CHECKS:
        releasable = check in checks.RELEASABLE
        if released and releasable:
            continue
        reason = check(state, effect, now)
        if reason is not None:
            return Quarantine(check.__name__, reason, releasable)
    return Allow()
