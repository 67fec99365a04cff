"""What the guard remembers: a fold of its events, kept as sums so that a decision costs the same on every day."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import Final

from openami.backoffice.guard.effect import Effect
from openami.backoffice.guard.events import (
    Deleted,
    Event,
    FirmwareFailed,
    LimitsSigned,
    PlanActivated,
    PlanPrepared,
    Quarantined,
    Resealed,
    Sealed,
)
from openami.backoffice.guard.limits import DAY_S, HOUR_S, MINUTE_S, WEEK_S, WINDOW_S, Limits
from openami.backoffice.guard.network import Network
from openami.backoffice.guard.plans import EmergencyPlan
from openami.backoffice.guard.tally import Tally
from openami.backoffice.guard.waves import Campaign
from openami.protocols.seal.verbs import CriticalVerb

EVERYBODY: Final = ""
DELAY_MINUTES: Final = 10
"""A switching with random delay happens in one of ten minutes: the expected share of its power in each."""


class Active:
    """A plan in force, and what of its budget is used."""

    __slots__ = ("spent_w", "until")

    def __init__(self, until: float) -> None:
        self.until = until
        self.spent_w = 0


class GuardState:
    """Only `apply` changes it. `network` is looked up for the sizes of transformers, feeders and the fleet."""

    def __init__(self, network: Network, limits: Limits | None = None) -> None:
        self.network = network
        self.now = 0.0
        self._limits: list[tuple[float, Limits]] = [(0.0, limits or Limits())]
        self.sealed: dict[bytes, int] = {}
        self.held: dict[bytes, Quarantined] = {}
        self.feeders: dict[str, Tally] = defaultdict(partial(Tally, MINUTE_S, WINDOW_S))
        self.operators: dict[str, Tally] = defaultdict(partial(Tally, MINUTE_S, WINDOW_S))
        self.ramps: dict[str, Tally] = defaultdict(partial(Tally, MINUTE_S, MINUTE_S))
        self.transformers: dict[str, Tally] = defaultdict(partial(Tally, HOUR_S, DAY_S))
        self.keys = Tally(HOUR_S, DAY_S)
        self.campaigns: dict[bytes, Campaign] = defaultdict(Campaign)
        self.plans: dict[str, EmergencyPlan] = {}
        self.active: dict[str, Active] = {}
        self.alone: dict[str, list[float]] = defaultdict(list)
        self._times: dict[tuple[CriticalVerb, str], list[float]] = defaultdict(list)
        self.decisions = 0
        """Plans prepared and limits changed so far: part of what is signed for the next one."""
        self._tidied = 0.0
        self._apply: dict[type, Callable[..., None]] = {
            Sealed: self._sealed,
            Resealed: self._nothing,
            Quarantined: self._quarantined,
            Deleted: self._deleted,
            LimitsSigned: self._limits_signed,
            PlanPrepared: self._plan_prepared,
            PlanActivated: self._plan_activated,
            FirmwareFailed: self._firmware_failed,
        }

    def apply(self, event: Event) -> None:
        """`event` has happened."""
        self.now = max(self.now, event.at)
        self._apply[type(event)](event)
        if self.now > self._tidied + DAY_S:
            self._tidy()

    def limits(self, now: float) -> Limits:
        """The limits that hold at `now`."""
        return next(limits for holds_from, limits in reversed(self._limits) if holds_from <= now)

    def count(self, verb: CriticalVerb, person: str, since: float) -> int:
        """Commands of `verb` that were sealed after `since` with `person` taking part (or `EVERYBODY`)."""
        times = self._times.get((verb, person), [])
        return len(times) - bisect_right(times, since)

    def _sealed(self, event: Sealed) -> None:
        effect = event.effect
        self.held.pop(effect.digest, None)
        self.sealed[effect.digest] = effect.not_after
        for person in (*effect.persons, EVERYBODY):
            self._times[effect.verb, person].append(event.at)
        if len(effect.persons) == 1:
            self.alone[effect.persons[0]].append(event.at)
        if effect.emergency:
            self.active[effect.plan].spent_w += effect.power_w
        else:
            self._count_power(effect)
        self._count_others(effect, event.at)

    def _count_power(self, effect: Effect) -> None:
        if not effect.power_w:
            return
        start, end, power = effect.start, effect.end, effect.power_w
        self.feeders[effect.feeder].add(start, end, power)
        self.operators[effect.operator].add(start, end, power)
        self.transformers[effect.transformer].add(start, end, 1)
        if effect.verb is CriticalVerb.RECONNECT:
            self.ramps[effect.operator].add(start, end, power // DELAY_MINUTES)

    def _count_others(self, effect: Effect, at: float) -> None:
        if effect.verb is CriticalVerb.KEY_CHANGE:
            self.keys.add(effect.start, effect.end, 1)
        if effect.verb is CriticalVerb.FIRMWARE_ACTIVATION:
            self.campaigns[effect.subject].add(effect.recipient, effect.end, self.network.fleet, self.limits(at))

    def _nothing(self, event: Resealed) -> None:
        pass

    def _quarantined(self, event: Quarantined) -> None:
        self.held[event.effect.digest] = event

    def _deleted(self, event: Deleted) -> None:
        self.held.pop(event.digest, None)

    def _limits_signed(self, event: LimitsSigned) -> None:
        self._limits.append((event.holds_from, event.limits))
        self.decisions += 1

    def _plan_prepared(self, event: PlanPrepared) -> None:
        self.plans[event.plan.name] = event.plan
        self.decisions += 1

    def _plan_activated(self, event: PlanActivated) -> None:
        self.active[event.name] = Active(event.until)

    def _firmware_failed(self, event: FirmwareFailed) -> None:
        self.campaigns[event.image].failed.add(event.meter)

    def _tidy(self) -> None:
        """Forget what no decision asks for any more."""
        self._tidied = self.now
        self.sealed = {digest: until for digest, until in self.sealed.items() if until >= self.now}
        for times in (*self._times.values(), *self.alone.values()):
            del times[: bisect_right(times, self.now - WEEK_S)]
        for tallies in (self.feeders, self.operators, self.ramps, self.transformers):
            for tally in tallies.values():
                tally.forget(self.now - DAY_S)
        self.keys.forget(self.now - DAY_S)
