"""Every question that the guard asks has a command that it holds back, and passes once the question is not asked."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import msgspec
import pytest

from openami.backoffice.guard import checks
from openami.backoffice.guard.decide import Allow, Quarantine, decide
from openami.backoffice.guard.effect import Effect
from openami.backoffice.guard.events import Deleted, FirmwareFailed, LimitsSigned, PlanActivated, PlanPrepared, Sealed
from openami.backoffice.guard.limits import DAY_S, SPREAD_S, WEEK_S, Counts, Limits
from openami.backoffice.guard.plans import EmergencyPlan
from openami.backoffice.guard.state import GuardState
from openami.model.errors import SettingError
from openami.protocols.seal.roles import Role
from openami.protocols.seal.verbs import CriticalVerb
from two_seals import NOW, network, title

PLAN = EmergencyPlan(
    name="winter",
    verbs=frozenset({CriticalVerb.DISCONNECT, CriticalVerb.RECONNECT}),
    feeders=frozenset({"F0"}),
    power_w=10_000,
    lasts_s=3600,
)
IMAGE = bytes(32)
NUMBERS = count()


def effect(number=0, *, start=NOW, ttl=900, emergency=False, **changes):
    """A disconnect of meter `number` by anna and bela."""
    verb = changes.get("verb", CriticalVerb.DISCONNECT)
    spread = 0 if emergency else SPREAD_S
    values = {
        "digest": next(NUMBERS).to_bytes(32, "big"),
        "verb": verb,
        "role": Role.NETWORK_OPERATOR,
        "recipient": title(number),
        "persons": ("anna", "bela"),
        "issued_at": int(start),
        "not_after": int(start) + ttl,
        "start": int(start),
        "end": int(start) + ttl + spread,
        "emergency": emergency,
        "plan": "winter" if emergency else "",
        "operator": "operator",
        "feeder": f"F{number // 1000}",
        "transformer": f"T{number // 100}",
        "power_w": 2000,
        "protected": False,
        "value": None,
        "subject": b"",
        **changes,
    }
    return Effect(**values)


def guard(**limits):
    return GuardState(network(), Limits(**limits))


def seal(state, one, at=NOW):
    state.apply(Sealed(at, one))


def key_change(number=0, **changes):
    return effect(number, verb=CriticalVerb.KEY_CHANGE, role=Role.KEY_CUSTODIAN, power_w=0, **{"ttl": 900, **changes})


def activation(number=0, **changes):
    return effect(number, verb=CriticalVerb.FIRMWARE_ACTIVATION, subject=IMAGE, power_w=0, **changes)


def reconnect(number=0, **changes):
    return effect(number, verb=CriticalVerb.RECONNECT, **changes)


def in_force(state, until=NOW + 3600):
    state.apply(PlanPrepared(NOW, PLAN, ("p1", "p2", "p3")))
    state.apply(PlanActivated(NOW, "winter", until, ("p1", "p2")))
    return state


Case = Callable[[], tuple[GuardState, Effect, float]]
CASES: dict[str, Case] = {}


def case(check):
    def register(make):
        CASES[f"{check.__name__}-{make.__name__}"] = make
        return make

    return register


@case(checks.role_has_verb)
def supplier_disconnects():
    return guard(), effect(role=Role.SUPPLIER), NOW


@case(checks.is_timely)
def expired():
    return guard(), effect(), NOW + 901


@case(checks.is_timely)
def issued_ahead():
    return guard(), effect(start=NOW + 6), NOW


@case(checks.meter_is_known)
def unknown_meter():
    return guard(), effect(operator="", feeder="", transformer="", power_w=0), NOW


@case(checks.customer_is_not_protected)
def protected_customer():
    return guard(), effect(7, protected=True), NOW


@case(checks.two_took_part)
def one_person():
    return guard(), effect(persons=("anna",)), NOW


@case(checks.two_took_part)
def one_person_twice():
    return guard(), effect(persons=("anna", "anna")), NOW


@case(checks.two_took_part)
def nobody():
    return guard(), effect(persons=()), NOW


@case(checks.two_took_part)
def fourth_reconnection_alone():
    state = guard()
    for number in range(3):
        seal(state, reconnect(number * 100, persons=("anna",)))
    return state, reconnect(400, start=NOW + DAY_S - 1, persons=("anna",)), NOW + DAY_S - 1


@case(checks.counts_are_kept)
def per_person():
    state = guard(per_person={CriticalVerb.DISCONNECT: Counts(1, 2, 3, 4)})
    seal(state, effect(100))
    return state, effect(200, persons=("cora", "bela")), NOW


@case(checks.counts_are_kept)
def per_week():
    state = guard(per_person={CriticalVerb.DISCONNECT: Counts(9, 9, 9, 3)})
    for day in range(3):
        seal(state, effect(100 * day, start=NOW + day * DAY_S), NOW + day * DAY_S)
    return state, effect(500, start=NOW + 6 * DAY_S), NOW + 6 * DAY_S


@case(checks.counts_are_kept)
def everybody_together():
    state = guard(total={CriticalVerb.DISCONNECT: Counts(1, 9, 9, 9)})
    seal(state, effect(100))
    return state, effect(200, persons=("cora", "dina")), NOW


@case(checks.counts_are_kept)
def verb_without_a_limit():
    return guard(per_person={}), effect(), NOW


@case(checks.value_is_within_bounds)
def load_limit_too_low():
    return guard(), effect(verb=CriticalVerb.LOAD_LIMIT, value=999), NOW


@case(checks.feeder_has_budget)
def feeder():
    state = GuardState(network(peak_w=300_000))
    seal(state, effect(100))
    return state, effect(200, ttl=900), NOW


@case(checks.operator_has_budget)
def operator():
    state = guard(operator_w=3000)
    seal(state, effect(100))
    return state, effect(200), NOW


@case(checks.operator_has_budget)
def bomb():
    """Submitted apart, planned for one moment."""
    state = guard(operator_w=3000)
    at = NOW + 7200
    seal(state, effect(100, start=at, issued_at=NOW, ttl=60), NOW)
    return state, effect(200, start=at + 30, issued_at=NOW + 3600, ttl=60), NOW + 3600


@case(checks.operator_has_budget)
def held_back_by_whoever_carries_them():
    """Sealed half a day apart, each good for a day: the head-end may let both go in one minute."""
    state = guard(operator_w=3000)
    seal(state, effect(100, ttl=DAY_S))
    later = NOW + DAY_S // 2
    return state, effect(200, start=later), later


@case(checks.ramp_is_kept)
def reconnections_in_a_minute():
    state = guard(ramp_w_per_minute=300)
    seal(state, reconnect(100))
    return state, reconnect(200), NOW


@case(checks.ramp_is_kept)
def emergency_reconnection_counts_whole():
    return in_force(guard(ramp_w_per_minute=1999)), reconnect(100, emergency=True), NOW


@case(checks.transformer_is_spared)
def transformer():
    state = guard()
    for number in range(5):
        seal(state, effect(number))
    return state, effect(20, start=NOW + 80_000), NOW + 80_000


@case(checks.keys_change_slowly)
def keys():
    state = guard()
    for number in range(40):
        seal(state, key_change(number, persons=(f"a{number}", f"b{number}")))
    return state, key_change(50), NOW


@case(checks.firmware_goes_in_waves)
def second_wave_on_the_first_day():
    state = guard()
    for number in range(20):
        seal(state, activation(number))
    return state, activation(50, start=NOW + DAY_S), NOW + DAY_S


@case(checks.firmware_goes_in_waves)
def no_wave_after_the_last():
    state = guard(firmware_waves=(1,))
    for number in range(2):
        seal(state, activation(number))
    return state, activation(50, start=NOW + 9 * DAY_S), NOW + 9 * DAY_S


@case(checks.firmware_works)
def failures():
    state = guard()
    for number in range(10):
        seal(state, activation(number))
    state.apply(FirmwareFailed(NOW, IMAGE, title(3)))
    return state, activation(50), NOW


@case(checks.emergency_has_a_plan)
def no_plan():
    return guard(), effect(emergency=True), NOW


@case(checks.emergency_has_a_plan)
def plan_is_not_in_force():
    state = guard()
    state.apply(PlanPrepared(NOW, PLAN, ()))
    return state, effect(emergency=True), NOW


@case(checks.emergency_has_a_plan)
def plan_ends_before_the_command():
    return in_force(guard(), NOW + 899), effect(emergency=True), NOW


@case(checks.emergency_has_a_plan)
def other_feeder():
    return in_force(guard()), effect(1000, emergency=True), NOW


@case(checks.emergency_has_a_plan)
def other_verb():
    return in_force(guard()), effect(verb=CriticalVerb.LOAD_LIMIT, emergency=True), NOW


@case(checks.emergency_has_a_plan)
def plan_is_used_up():
    state = in_force(guard())
    for number in range(5):
        seal(state, effect(number, emergency=True))
    return state, effect(10, emergency=True), NOW


@pytest.mark.parametrize("name", CASES)
def test_it_is_held_back_by_this_check_alone(name, monkeypatch):
    state, one, now = CASES[name]()
    decision = decide(state, one, now)
    assert isinstance(decision, Quarantine)
    assert decision.check == name.split("-")[0]
    assert decision.reason
    without = tuple(check for check in checks.CHECKS if check.__name__ != decision.check)
    monkeypatch.setattr(checks, "CHECKS", without)
    assert decide(state, one, now) == Allow()


def test_every_check_has_a_case():
    assert {name.split("-")[0] for name in CASES} == {check.__name__ for check in checks.CHECKS}


def test_what_may_be_waived_is_waived_and_the_rest_not():
    for name, make in CASES.items():
        state, one, now = make()
        releasable = name.split("-")[0] in {check.__name__ for check in checks.RELEASABLE}
        assert (decide(state, one, now, released=True) == Allow()) is releasable


def test_deciding_changes_nothing():
    state = guard()
    before = {name: repr(value) for name, value in vars(state).items()}
    decide(state, effect(), NOW)
    assert before == {name: repr(value) for name, value in vars(state).items()}


def test_what_is_allowed():
    assert decide(guard(), effect(), NOW) == Allow()
    assert decide(guard(), effect(7, protected=True, verb=CriticalVerb.RECONNECT), NOW) == Allow()
    assert decide(guard(), reconnect(persons=("anna",)), NOW) == Allow()
    assert decide(guard(), effect(verb=CriticalVerb.LOAD_LIMIT, value=1000), NOW) == Allow()
    assert decide(in_force(guard(operator_w=0, transformer_permille=0)), effect(emergency=True), NOW) == Allow()
    assert decide(guard(), activation(), NOW) == Allow()


def test_a_wave_opens_a_day_after_the_last_activation_of_the_one_before():
    state, end = guard(), 0
    for number in range(20):
        one = activation(number)
        seal(state, one)
        end = one.end
    later = end + DAY_S
    assert decide(state, activation(50, start=later - 1), later - 1) != Allow()
    assert decide(state, activation(50, start=later), later) == Allow()
    seal(state, activation(50, start=later), later)
    assert decide(state, activation(51, start=later), later) == Allow()


def test_limits_hold_a_day_after_they_were_signed():
    state = guard()
    state.apply(LimitsSigned(NOW, NOW + DAY_S, Limits(operator_w=0), ()))
    assert state.limits(NOW + DAY_S - 1).operator_w == 2_000_000
    assert state.limits(NOW + DAY_S).operator_w == 0


def test_windows_are_forgotten_when_nobody_asks_for_them():
    state = guard()
    for day in range(30):
        seal(state, effect(100 * (day % 15), start=NOW + day * DAY_S), NOW + day * DAY_S)
    assert len(state.sealed) <= 2
    assert len(state.operators["operator"]._sums) < 200
    assert state.count(CriticalVerb.DISCONNECT, "anna", 0) <= WEEK_S // DAY_S + 2
    state.apply(Deleted(NOW, b"", ()))


def test_plans_that_cannot_be():
    fields = msgspec.structs.asdict(PLAN)
    for changes in (
        {"name": ""},
        {"verbs": frozenset()},
        {"verbs": frozenset({CriticalVerb.TARIFF})},
        {"lasts_s": 0},
        {"lasts_s": DAY_S + 1},
    ):
        with pytest.raises(SettingError):
            EmergencyPlan(**{**fields, **changes})
