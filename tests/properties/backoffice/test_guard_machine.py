"""The guard's state machine, 10⁵ random steps: whatever people ask and whoever delays, no budget is ever exceeded.

The checker knows nothing of slots and tallies: it keeps the commands that were allowed, lets an adversary choose the
moment of each within the time that its seal leaves him, and adds up what happens.
"""

from __future__ import annotations

from random import Random

import pytest

from openami.backoffice.guard import checks
from openami.backoffice.guard.decide import Allow, Quarantine, decide
from openami.backoffice.guard.effect import Effect
from openami.backoffice.guard.events import PlanActivated, PlanPrepared, Quarantined, Sealed
from openami.backoffice.guard.limits import DAY_S, SPREAD_S, WINDOW_S, Counts, Limits
from openami.backoffice.guard.network import Network, Place
from openami.backoffice.guard.plans import EmergencyPlan
from openami.backoffice.guard.state import GuardState
from openami.protocols.seal.roles import Role
from openami.protocols.seal.verbs import SWITCHING, CriticalVerb
from two_seals import NOW

STEPS, RUNS = 2_000, 50
FEW = Counts(40, 400, 2_000, 4_000)
VERBS = (
    CriticalVerb.DISCONNECT,
    CriticalVerb.DISCONNECT,
    CriticalVerb.RECONNECT,
    CriticalVerb.LOAD_LIMIT,
    CriticalVerb.KEY_CHANGE,
    CriticalVerb.FIRMWARE_ACTIVATION,
)
LIMITS = Limits(per_person=dict.fromkeys(set(VERBS), FEW), total=dict.fromkeys(set(VERBS), FEW), operator_w=60_000)
METERS = 400
PLACES = {
    n.to_bytes(8, "big"): Place("operator", f"F{n % 4}", f"T{n % 20}", 1000 + 250 * (n % 9), protected=n % 50 == 0)
    for n in range(METERS)
}
NETWORK = Network(PLACES, {f"F{n}": 3_000_000 for n in range(4)})
PLAN = EmergencyPlan(name="winter", verbs=SWITCHING, feeders=frozenset({"F0", "F1"}), power_w=40_000, lasts_s=3600)


def effect(draw, number, now):
    """What somebody asks for: any meter, verb, moment and time to live."""
    verb = draw.choice(VERBS)
    recipient = draw.randrange(METERS + 5).to_bytes(8, "big")
    place = PLACES.get(recipient)
    emergency = verb in SWITCHING and draw.random() < 0.1
    ttl = draw.choice((60, 900, 900, 3600, DAY_S))
    start = int(now) + draw.choice((0, 0, 0, draw.randrange(ttl)))
    persons = tuple(draw.sample(("anna", "bela", "cora", "dina"), draw.choice((1, 2, 2, 2, 2))))
    end = int(now) + ttl + (SPREAD_S if verb in SWITCHING and not emergency else 0)
    return Effect(
        digest=number.to_bytes(32, "big"),
        verb=verb,
        role=Role.KEY_CUSTODIAN if verb is CriticalVerb.KEY_CHANGE else Role.NETWORK_OPERATOR,
        recipient=recipient,
        persons=persons,
        issued_at=int(now),
        not_after=int(now) + ttl,
        start=start,
        end=end,
        emergency=emergency,
        plan="winter" if emergency else "",
        operator=place.operator if place else "",
        feeder=place.feeder if place else "",
        transformer=place.transformer if place else "",
        power_w=place.power_w if place and verb in SWITCHING else 0,
        protected=bool(place and place.protected),
        value=draw.choice((None, 500, 5000)) if verb is CriticalVerb.LOAD_LIMIT else None,
        subject=draw.choice((b"one", b"two")) if verb is CriticalVerb.FIRMWARE_ACTIVATION else b"",
    )


def run(seed, steps=STEPS):
    """The commands that a guard allowed in `steps` steps of time, people and plans; and what it held back."""
    draw, state, now = Random(seed), GuardState(NETWORK, LIMITS), float(NOW)
    allowed, held, activations = [], 0, []
    state.apply(PlanPrepared(now, PLAN, ("p1", "p2", "p3")))
    for number in range(steps):
        now += draw.choice((0, 0, 0, 1, 20, 300, draw.randrange(7200)))
        active = state.active.get(PLAN.name)
        if draw.random() < 0.01 and (active is None or now > active.until):
            state.apply(PlanActivated(now, PLAN.name, now + PLAN.lasts_s, ("p1", "p2")))
            activations.append(now)
        one = effect(draw, number, now)
        decision = decide(state, one, now, released=draw.random() < 0.05)
        if isinstance(decision, Allow):
            state.apply(Sealed(now, one))
            allowed.append((now, one))
        else:
            assert isinstance(decision, Quarantine)
            state.apply(Quarantined(now, one, *decision, b"", b""))
            held += 1
            assert state.held[one.digest].effect == one
    return allowed, held, activations


def moments(draw, effects):
    """When each happens, as an adversary likes it: near a moment that he has chosen for a bang, or anywhere."""
    bang = draw.choice(effects).start + draw.randrange(900)
    for one in effects:
        at = min(max(bang, one.start), one.end)
        yield (at if draw.random() < 0.9 else draw.uniform(one.start, one.end)), one


def worst(events, window_s):
    """The greatest sum of amounts in any half-open window of `window_s`."""
    events = sorted(events)
    total = most = first = 0
    for at, amount in events:
        total += amount
        while events[first][0] <= at - window_s:
            total -= events[first][1]
            first += 1
        most = max(most, total)
    return most


def check_power(draw, effects):
    switched = [one for one in effects if one.power_w and not one.emergency]
    for _ in range(3):
        events = list(moments(draw, switched))
        assert worst([(at, one.power_w) for at, one in events], WINDOW_S) <= LIMITS.operator_w
        for feeder, peak in NETWORK.feeder_peak_w.items():
            here = [(at, one.power_w) for at, one in events if one.feeder == feeder]
            assert worst(here, WINDOW_S) <= peak * LIMITS.feeder_permille // 1000
        for transformer, customers in NETWORK.customers.items():
            here = [(at, 1) for at, one in events if one.transformer == transformer]
            assert worst(here, DAY_S) <= max(1, customers * LIMITS.transformer_permille // 1000)


def check_counts(allowed):
    for verb in set(VERBS):
        for person in ("anna", "bela", "cora", "dina"):
            times = [(at, 1) for at, one in allowed if one.verb is verb and person in one.persons]
            assert worst(times, DAY_S) <= 2 * FEW.day
    keys = [(one.start, 1) for _, one in allowed if one.verb is CriticalVerb.KEY_CHANGE]
    assert worst(keys, DAY_S) <= METERS * LIMITS.keys_permille_per_day // 1000


def check_persons(allowed):
    for at, one in allowed:
        assert one.operator
        assert not (one.protected and one.verb in {CriticalVerb.DISCONNECT, CriticalVerb.LOAD_LIMIT})
        assert one.issued_at - 5 <= at <= one.not_after
        assert len(set(one.persons)) == 2 or one.verb is CriticalVerb.RECONNECT
    for person in ("anna", "bela", "cora", "dina"):
        alone = [(at, 1) for at, one in allowed if one.persons == (person,)]
        assert worst(alone, DAY_S) <= LIMITS.lone_reconnects_per_day


def check_plans(allowed, activations):
    emergencies = [(at, one) for at, one in allowed if one.emergency]
    for start in activations:
        spent = [one for at, one in emergencies if start <= at <= start + PLAN.lasts_s]
        assert sum(one.power_w for one in spent) <= PLAN.power_w
        assert all(one.end <= start + PLAN.lasts_s and one.feeder in PLAN.feeders for one in spent)
    for at, _ in emergencies:
        assert any(start <= at <= start + PLAN.lasts_s for start in activations)


def check_waves(allowed):
    for image in (b"one", b"two"):
        first = max(1, METERS * LIMITS.firmware_waves[0] // 1000)
        meters, ends = set(), 0
        for one in (one for _, one in allowed if one.subject == image):
            if len(meters) >= first:
                assert one.start >= ends + LIMITS.wave_s
            else:
                ends = max(ends, one.end)
            meters.add(one.recipient)


@pytest.mark.parametrize("seed", range(RUNS))
def test_no_budget_is_ever_exceeded(seed):
    allowed, held, activations = run(seed)
    assert allowed
    assert held
    check_power(Random(seed), [one for _, one in allowed])
    check_counts(allowed)
    check_persons(allowed)
    check_plans(allowed, activations)
    check_waves(allowed)


def test_the_checker_sees_a_budget_that_is_exceeded(monkeypatch):
    """The twin: a guard that plans without asking for the feeder, the operator and the transformer."""
    gone = {checks.feeder_has_budget, checks.operator_has_budget, checks.transformer_is_spared}
    monkeypatch.setattr(checks, "CHECKS", tuple(one for one in checks.CHECKS if one not in gone))
    allowed, _, _ = run(0)
    with pytest.raises(AssertionError):
        check_power(Random(0), [one for _, one in allowed])
