"""What the guard asks of a command, one question a function: `None`, or the reason to hold it back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from openami.backoffice.guard.effect import Effect
from openami.backoffice.guard.limits import DAY_S
from openami.backoffice.guard.state import DELAY_MINUTES, EVERYBODY, GuardState
from openami.backoffice.guard.tally import Tally
from openami.protocols.seal.roles import ROLE_VERBS
from openami.protocols.seal.verbs import CriticalVerb

Check = Callable[[GuardState, Effect, float], str | None]
ISSUED_AHEAD_S: Final = 5
_CUTS: Final = frozenset({CriticalVerb.DISCONNECT, CriticalVerb.LOAD_LIMIT})


def role_has_verb(_state: GuardState, effect: Effect, _now: float) -> str | None:
    if effect.verb in ROLE_VERBS[effect.role]:
        return None
    return f"role {effect.role.name.replace('_', ' ').lower()} may not {effect.verb.text}"


def is_timely(_state: GuardState, effect: Effect, now: float) -> str | None:
    if effect.issued_at - ISSUED_AHEAD_S <= now <= effect.not_after:
        return None
    return f"issued at {effect.issued_at}, not after {effect.not_after}, and it is {now:.0f}"


def meter_is_known(_state: GuardState, effect: Effect, _now: float) -> str | None:
    return None if effect.operator else f"meter {effect.recipient.hex()} has no place in the guard's network"


def customer_is_not_protected(_state: GuardState, effect: Effect, _now: float) -> str | None:
    if effect.protected and effect.verb in _CUTS:
        return f"meter {effect.recipient.hex()} supplies a protected customer"
    return None


def two_took_part(state: GuardState, effect: Effect, now: float) -> str | None:
    """One person alone may reconnect a household, three times in any day."""
    if len(set(effect.persons)) >= 2:
        return None
    if len(effect.persons) != 1 or effect.verb is not CriticalVerb.RECONNECT:
        return f"{', '.join(effect.persons) or 'nobody'} alone may not {effect.verb.text}"
    allowed = state.limits(now).lone_reconnects_per_day
    done = sum(at > now - DAY_S for at in state.alone.get(effect.persons[0], ()))
    return None if done < allowed else f"{effect.persons[0]} has reconnected {done} households alone in a day"


def counts_are_kept(state: GuardState, effect: Effect, now: float) -> str | None:
    limits = state.limits(now)
    for person in (*effect.persons, EVERYBODY):
        counts = (limits.per_person if person else limits.total).get(effect.verb)
        if counts is None:
            return f"there is no limit for {effect.verb.text}, so none is sealed"
        for seconds, most in counts.windows():
            if state.count(effect.verb, person, now - seconds) >= most:
                return f"{person or 'everybody together'}: {most} × {effect.verb.text} in {seconds} s are used up"
    return None


def value_is_within_bounds(state: GuardState, effect: Effect, now: float) -> str | None:
    bounds = state.limits(now).bounds.get(effect.verb)
    if bounds is None or effect.value is None or bounds[0] <= effect.value <= bounds[1]:
        return None
    return f"{effect.verb.text} {effect.value} is not within {bounds[0]} to {bounds[1]}"


def feeder_has_budget(state: GuardState, effect: Effect, now: float) -> str | None:
    budget = state.network.feeder_peak_w.get(effect.feeder, 0) * state.limits(now).feeder_permille // 1000
    return _over(effect, _planned(state.feeders, effect.feeder, effect), budget, f"feeder {effect.feeder}")


def operator_has_budget(state: GuardState, effect: Effect, now: float) -> str | None:
    used = _planned(state.operators, effect.operator, effect)
    return _over(effect, used, state.limits(now).operator_w, f"operator {effect.operator}")


def _planned(tallies: Mapping[str, Tally], name: str, effect: Effect) -> int:
    """The most that is planned in any window in which `effect` may happen."""
    tally = tallies.get(name)
    return 0 if tally is None else tally.peak(effect.start, effect.end)


def _over(effect: Effect, used: int, budget: int, where: str) -> str | None:
    if effect.emergency or not effect.power_w or used + effect.power_w <= budget:
        return None
    return f"{where}: {used} W of {budget} W are planned in 15 minutes, {effect.power_w} W more would be too much"


def ramp_is_kept(state: GuardState, effect: Effect, now: float) -> str | None:
    """What comes back in a minute; what comes back in an emergency has no delay and counts whole."""
    if effect.verb is not CriticalVerb.RECONNECT:
        return None
    share = effect.power_w if effect.emergency else effect.power_w // DELAY_MINUTES
    most, used = state.limits(now).ramp_w_per_minute, _planned(state.ramps, effect.operator, effect)
    return (
        None
        if used + share <= most
        else f"ramp: {used} W a minute of {most} W are planned, {share} W more would be too much"
    )


def transformer_is_spared(state: GuardState, effect: Effect, now: float) -> str | None:
    if effect.emergency or not effect.power_w:
        return None
    customers = state.network.customers.get(effect.transformer, 0)
    most = max(1, customers * state.limits(now).transformer_permille // 1000)
    used = _planned(state.transformers, effect.transformer, effect)
    return None if used < most else f"transformer {effect.transformer}: {used} of {customers} customers in a day"


def keys_change_slowly(state: GuardState, effect: Effect, now: float) -> str | None:
    if effect.verb is not CriticalVerb.KEY_CHANGE:
        return None
    most = max(1, state.network.fleet * state.limits(now).keys_permille_per_day // 1000)
    used = state.keys.peak(effect.start, effect.end)
    return None if used < most else f"{used} key changes in a day, {most} are allowed"


def firmware_goes_in_waves(state: GuardState, effect: Effect, now: float) -> str | None:
    campaign = state.campaigns.get(effect.subject)
    if effect.verb is not CriticalVerb.FIRMWARE_ACTIVATION or campaign is None:
        return None
    if campaign.may_go_on(effect.start, state.network.fleet, state.limits(now)):
        return None
    return f"wave {campaign.wave + 1} of image {effect.subject.hex()[:16]} is full: {len(campaign.meters)} meters"


def firmware_works(state: GuardState, effect: Effect, now: float) -> str | None:
    campaign = state.campaigns.get(effect.subject)
    if effect.verb is not CriticalVerb.FIRMWARE_ACTIVATION or campaign is None or not campaign.fails(state.limits(now)):
        return None
    return f"{len(campaign.failed)} of {len(campaign.meters)} meters do not run image {effect.subject.hex()[:16]}"


def emergency_has_a_plan(state: GuardState, effect: Effect, now: float) -> str | None:
    if not effect.emergency:
        return None
    plan, active = state.plans.get(effect.plan), state.active.get(effect.plan)
    if plan is None or active is None or not now <= effect.end <= active.until:
        return f"no plan {effect.plan!r} is in force from now until {effect.end}"
    if effect.verb not in plan.verbs or effect.feeder not in plan.feeders:
        return f"plan {plan.name} does not {effect.verb.text} on feeder {effect.feeder}"
    if active.spent_w + effect.power_w > plan.power_w:
        return f"plan {plan.name} has {active.spent_w} W of its {plan.power_w} W used"
    return None


CHECKS: Final[tuple[Check, ...]] = (
    role_has_verb,
    is_timely,
    meter_is_known,
    customer_is_not_protected,
    emergency_has_a_plan,
    feeder_has_budget,
    operator_has_budget,
    ramp_is_kept,
    transformer_is_spared,
    keys_change_slowly,
    firmware_goes_in_waves,
    firmware_works,
    two_took_part,
    counts_are_kept,
    value_is_within_bounds,
)
RELEASABLE: Final = frozenset({counts_are_kept, value_is_within_bounds})
"""What other people may waive. Budgets of power, waves and persons bind those who release as well."""
