"""Operators with all their rights: one alone, two together, and people who have time."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

import msgspec

from openami.app.drills.drill import Fallen, Removal, drill, ignored, stands
from openami.app.drills.world import (
    AUTHORITY,
    DAY_S,
    GUARD_SEAL,
    SIGNER,
    START,
    Meter,
    Office,
    intent,
    sealed,
)
from openami.backoffice.authority import authority
from openami.backoffice.guard import checks, effect, guard
from openami.backoffice.guard.effect import Effect
from openami.backoffice.guard.limits import HOUR_S, MINUTE_S, SPREAD_S, Counts, Limits
from openami.backoffice.guard.network import Network
from openami.backoffice.guard.people import statement_challenge
from openami.backoffice.guard.plans import EmergencyPlan
from openami.model.errors import SecurityError
from openami.protocols.seal.approval import ApprovalRecord
from openami.protocols.seal.closing import seal_command, sign_command
from openami.protocols.seal.signed import SignedCommand, read_signed
from openami.protocols.seal.verbs import CriticalVerb

OPERATOR = "insider operator"
PERSON_W = 2000
PLENTY = Counts(100_000, 100_000, 100_000, 100_000)
GENEROUS = Limits(
    per_person={CriticalVerb.DISCONNECT: PLENTY, CriticalVerb.RECONNECT: PLENTY},
    total={CriticalVerb.DISCONNECT: PLENTY, CriticalVerb.RECONNECT: PLENTY},
    transformer_permille=1000,
    operator_w=40_000,
)
"""Limits in which nothing but power counts: 40 kW in 15 minutes."""


def _without(*gone: checks.Check) -> Removal:
    left = tuple(check for check in checks.CHECKS if check not in gone)
    return Removal(checks, "CHECKS", left)


def _refused(attempt: Callable[[], object], what: str) -> None:
    try:
        attempt()
    except SecurityError:
        return
    raise Fallen(what)


@drill("A086", OPERATOR, Removal(authority, "_check_another", ignored))
def one_operator_disconnects_alone() -> None:
    office = Office()
    request = office.ask(intent())
    _refused(lambda: office.authority.sign(request), "a command was signed that nobody has approved")
    _refused(lambda: office.approve(request, "anna"), "somebody has approved what he asked for himself")


@drill("A086", OPERATOR, _without(checks.two_took_part))
def the_authority_is_talked_into_signing_for_one() -> None:
    """Its rules were bent; the guard has its own."""
    office = Office()
    record = ApprovalRecord(bytes(32), "anna", "", "", START)
    layer = sign_command(intent().command(START, record.digest()), AUTHORITY, 2**60, SIGNER)
    stands(not sealed(office.guard.submit(record, [layer])), "the guard has sealed what one person wanted")


@drill("A087", OPERATOR, Removal(authority, "_check_another", ignored))
def one_human_with_two_accounts() -> None:
    office = Office()
    request = office.ask(intent())
    anna = office.people["anna"].passkey
    keys = office.authority._people.passkeys
    assert isinstance(keys, dict)
    keys[anna.credential_id] = replace(anna, person="bela")
    _refused(lambda: office.approve(request, "anna"), "one passkey has asked and approved under two names")


@drill("A088", OPERATOR, _without(checks.operator_has_budget, checks.feeder_has_budget))
def two_colluders_disconnect_everybody() -> None:
    office = Office(1000, limits=GENEROUS)
    through = sealed(office.submit(*[intent(number) for number in range(200)]))
    power_w = len(through) * PERSON_W
    stands(power_w <= GENEROUS.operator_w, f"{power_w} W may go in a quarter of an hour")
    stands(len(office.guard.quarantine()) == 200 - len(through), "what was held back is not in the quarantine")


@drill(
    "A089",
    OPERATOR,
    Removal(guard, "agree", lambda *_, **__: ("anna", "bela")),
    Removal(guard, "CHANGE_DELAY_S", 0),
)
def they_raise_the_limit_and_fire() -> None:
    office = Office(limits=GENEROUS)
    raised = msgspec.structs.replace(GENEROUS, operator_w=10**9)
    challenge = statement_challenge(guard.limits_statement(raised, office.guard.state.decisions))
    for names in (("anna", "bela", "cora"), ("p1", "p2"), ("p1", "p2", "p3")):
        try:
            office.guard.change_limits(raised, [office.people[name].consent(challenge) for name in names])
        except SecurityError:
            continue
    through = sealed(office.submit(*[intent(number) for number in range(100)]))
    stands(len(through) * PERSON_W <= GENEROUS.operator_w, "limits were raised and used on one day")


@drill("A090", OPERATOR, Removal(Counts, "windows", lambda self: ((MINUTE_S, self.minute), (HOUR_S, self.hour))))
def salami_for_a_week() -> None:
    """Always under the hourly count."""
    few = Counts(5, 5, 20, 60)
    limits = msgspec.structs.replace(
        GENEROUS, per_person={CriticalVerb.DISCONNECT: few}, total={CriticalVerb.DISCONNECT: few}
    )
    office, through = Office(limits=limits), 0
    for step in range(7 * 12):
        office.now = START + step * 2 * HOUR_S
        through += len(sealed(office.submit(*[intent((step * 4 + n) % 1000) for n in range(4)])))
    stands(through <= few.week, f"{through} disconnections in a week, slice by slice")


def _counted_when_submitted(
    digest: bytes, signed: SignedCommand, record: ApprovalRecord, network: Network, now: float
) -> Effect:
    found = effect.effect_of(digest, signed, record, network, now)
    return msgspec.structs.replace(found, start=int(now), end=int(now) + SPREAD_S)


@drill("A091", OPERATOR, Removal(guard, "effect_of", _counted_when_submitted))
def a_bomb_that_is_planned_for_six_o_clock() -> None:
    office, through = Office(limits=GENEROUS), 0
    six = START + 10 * HOUR_S
    for step in range(10):
        office.now = START + step * HOUR_S
        bomb = [intent(step * 20 + n, execute_at=six, time_to_live_s=DAY_S // 2) for n in range(20)]
        through += len(sealed(office.submit(*bomb)))
    stands(through * PERSON_W <= GENEROUS.operator_w, f"{through * PERSON_W} W are planned for one moment")


@drill("A104", "HES DMZ host", Removal(guard, "effect_of", _counted_when_submitted))
def envelopes_of_a_day_are_held_back_and_released_at_once() -> None:
    """Not in the catalogue: whoever carries envelopes chooses when they arrive, within their time to live."""
    office, kept = Office(limits=GENEROUS), []
    for step in range(10):
        office.now = START + step * HOUR_S
        kept += sealed(office.submit(*[intent(step * 20 + n, time_to_live_s=DAY_S) for n in range(20)]))
    power_w = len(kept) * PERSON_W
    stands(power_w <= GENEROUS.operator_w, f"{power_w} W are in the head-end's hands to go in one moment")


@drill("A095", OPERATOR, Removal(authority, "next_counter", lambda last, _now: last + 1))
def an_old_backup_is_restored() -> None:
    office, meter = Office(), Meter(0)
    backup = deepcopy(office.disk)
    office.submit(intent())
    used = {read_signed(raw, office.guard._authorities).counter for raw in office.approved(intent()).signed}
    office.now = START + 60
    office.restore(backup)
    again = [office.approved(intent()) for _ in range(2)]
    counters = [read_signed(one.signed[0], office.guard._authorities).counter for one in again]
    stands(min(counters) > max(used), "after a restored backup the authority signs with counters that it used before")
    envelope = seal_command(again[0].signed[0], GUARD_SEAL, meter.recipient, 1)
    stands(meter.deliver(envelope, office.now), "after a restored backup no command reaches a meter")


@drill("A105", OPERATOR, Removal(guard, "agreed_time", lambda readings: readings[0]))
def a_clock_is_turned_on_to_open_the_next_window() -> None:
    """Not in the catalogue: who moves one time source past a window gets its budget again."""
    office = Office(limits=GENEROUS)
    turned = [0.0]
    office.guard._clocks = (lambda: office.now + turned[0], office.clock, office.clock)
    orders = [office.approved(intent(number, time_to_live_s=DAY_S)) for number in range(60)]
    through = 0
    for number, order in enumerate(orders):
        turned[0] = number // 20 * 30.0 * DAY_S
        try:
            through += len(sealed(office.guard.submit(order.record, order.signed)))
        except SecurityError:
            continue
    stands(turned[0] > 0, "no clock was turned")
    stands(not office.guard.state.now > office.now + 5, "the guard lives in the future that one clock shows")


@drill("A106", OPERATOR, _without(checks.emergency_has_a_plan))
def an_emergency_that_is_over() -> None:
    """Not in the catalogue: the emergency flag skips delays and budgets, so it ends with its plan."""
    office = Office(limits=GENEROUS)
    plan = EmergencyPlan(
        name="winter",
        verbs=frozenset({CriticalVerb.DISCONNECT}),
        feeders=frozenset({"F0"}),
        power_w=10**9,
        lasts_s=HOUR_S,
    )
    prepared = statement_challenge(guard.prepare_statement(plan, office.guard.state.decisions))
    office.guard.prepare_plan(plan, [office.people[name].consent(prepared) for name in ("p1", "p2", "p3")])
    minute = START // MINUTE_S
    activated = statement_challenge(guard.activate_statement(plan, minute))
    office.guard.activate_plan("winter", minute, [office.people[name].consent(activated) for name in ("p4", "p5")])
    orders = [intent(number, emergency=True) for number in range(50)]
    stands(sealed(office.submit(orders[0], plan="winter")), "the plan in force does nothing")
    office.now = START + 2 * HOUR_S
    through = sealed(office.submit(*orders[1:], plan="winter"))
    stands(not through, f"{len(through)} households lose supply at once, after the emergency")


@drill("A107", OPERATOR, _without(checks.customer_is_not_protected))
def a_protected_customer_is_cut_off() -> None:
    """Not in the catalogue: the authority's list of protected customers was emptied; the guard has its own."""
    office = Office(protected=3)
    stands(not sealed(office.submit(intent(3))), "a protected customer loses supply")
