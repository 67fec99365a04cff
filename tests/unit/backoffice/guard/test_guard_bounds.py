"""Each limit of the guard exactly: what just fits is allowed, one unit or one second more is held back."""

from __future__ import annotations

import pytest

from openami.backoffice.guard import checks
from openami.backoffice.guard.decide import Allow, decide
from openami.backoffice.guard.effect import Effect
from openami.backoffice.guard.events import FirmwareFailed, PlanActivated, PlanPrepared, Quarantined, Resealed, Sealed
from openami.backoffice.guard.limits import DAY_S, HOUR_S, MINUTE_S, SPREAD_S, WEEK_S, WINDOW_S, Counts, Limits
from openami.backoffice.guard.network import Network, Place
from openami.backoffice.guard.plans import LASTS_MAX_S, EmergencyPlan
from openami.backoffice.guard.state import GuardState
from openami.backoffice.guard.tally import Tally
from openami.backoffice.guard.waves import Campaign
from openami.protocols.seal.roles import Role
from openami.protocols.seal.verbs import SWITCHING, CriticalVerb

NOW = 1_767_225_600
V = CriticalVerb
PLAN = EmergencyPlan(name="winter", verbs=SWITCHING, feeders=frozenset({"F0"}), power_w=4000, lasts_s=3600)


def network(meters=1000, peak_w=10**9):
    places = {n.to_bytes(8, "big"): Place("operator", "F0", f"T{n // 100}", 2000) for n in range(meters)}
    return Network(places, {"F0": peak_w})


def effect(number=0, *, start=NOW, ttl=60, verb=V.DISCONNECT, emergency=False, **changes):
    values = {
        "digest": bytes(24) + number.to_bytes(8, "big"),
        "verb": verb,
        "role": Role.KEY_CUSTODIAN if verb is V.KEY_CHANGE else Role.NETWORK_OPERATOR,
        "recipient": number.to_bytes(8, "big"),
        "persons": ("anna", "bela"),
        "issued_at": int(start),
        "not_after": int(start) + ttl,
        "start": int(start),
        "end": int(start) + ttl,
        "emergency": emergency,
        "plan": "winter" if emergency else "",
        "operator": "operator",
        "feeder": "F0",
        "transformer": f"T{number // 100}",
        "power_w": 2000 if verb in SWITCHING else 0,
        "protected": False,
        "value": None,
        "subject": b"",
        **changes,
    }
    return Effect(**values)


def state(places=None, **limits):
    return GuardState(places or network(), Limits(**limits))


def check_of(decision):
    return "" if isinstance(decision, Allow) else decision.check


def sealed(made, *effects, at=NOW):
    for one in effects:
        made.apply(Sealed(at, one))
    return made


def planned(made, until=NOW + 3600):
    made.apply(PlanPrepared(NOW, PLAN, ()))
    made.apply(PlanActivated(NOW, "winter", until, ()))
    return made


def test_the_defaults_are_those_that_are_published():
    limits = Limits()
    few, twice, many = (60, 600, 2_000, 6_000), (120, 1_200, 5_000, 20_000), (100_000, 1_000_000, 5_000_000, 20_000_000)
    large = {V.TARIFF, V.FIRMWARE_ACTIVATION, V.KEY_CHANGE}
    assert set(limits.per_person) == set(limits.total) == set(V) - {V.DETOUR}
    for verb in limits.per_person:
        person, total = limits.per_person[verb], limits.total[verb]
        assert (person.minute, person.hour, person.day, person.week) == (many if verb in large else few)
        assert (total.minute, total.hour, total.day, total.week) == (many if verb in large else twice)
    assert limits.bounds == {V.LOAD_LIMIT: (1_000, 1_000_000), V.CLOCK_JUMP: (0, 3600)}
    assert (limits.feeder_permille, limits.operator_w, limits.ramp_w_per_minute) == (10, 2_000_000, 1_000_000)
    assert (limits.transformer_permille, limits.keys_permille_per_day, limits.failures_permille) == (50, 20, 5)
    assert (limits.firmware_waves, limits.wave_s, limits.lone_reconnects_per_day) == ((10, 50, 250, 1000), 86_400, 3)
    assert (MINUTE_S, HOUR_S, DAY_S, WEEK_S, WINDOW_S, SPREAD_S) == (60, 3600, 86_400, 604_800, 900, 600)
    assert Counts(1, 2, 3, 4).windows() == ((60, 1), (3600, 2), (86_400, 3), (604_800, 4))
    assert LASTS_MAX_S == 86_400


def test_time_to_the_second():
    one = effect(start=NOW, ttl=60)
    for now, fits in ((NOW - 5, True), (NOW - 6, False), (NOW + 60, True), (NOW + 61, False)):
        assert (checks.is_timely(state(), one, now) is None) is fits


@pytest.mark.parametrize(("value", "fits"), [(999, False), (1000, True), (1_000_000, True), (1_000_001, False)])
def test_values_at_their_bounds(value, fits):
    one = effect(verb=V.LOAD_LIMIT, value=value)
    assert (check_of(decide(state(), one, NOW)) == "") is fits


def test_values_without_bounds_and_what_has_no_value():
    assert checks.value_is_within_bounds(state(bounds={}), effect(verb=V.LOAD_LIMIT, value=1), NOW) is None
    assert checks.value_is_within_bounds(state(), effect(verb=V.LOAD_LIMIT), NOW) is None


def test_a_feeder_has_one_percent_of_its_peak():
    made = sealed(state(network(peak_w=400_000)), effect(1))
    assert check_of(decide(made, effect(101), NOW)) == ""
    assert check_of(decide(made, effect(101, power_w=2001), NOW)) == "feeder_has_budget"
    for power_w, fits in ((2999, True), (3000, False)):
        one = effect(power_w=power_w)
        assert (check_of(decide(state(network(peak_w=299_999)), one, NOW)) == "") is fits
    assert check_of(decide(state(), effect(feeder="F9", power_w=1), NOW)) == "feeder_has_budget"
    assert check_of(decide(state(feeder_permille=1000), effect(feeder="F9", power_w=1), NOW)) == "feeder_has_budget"


def test_the_operator_has_so_many_watts():
    made = sealed(state(operator_w=4000), effect(1))
    assert check_of(decide(made, effect(101), NOW)) == ""
    assert check_of(decide(made, effect(101, power_w=2001), NOW)) == "operator_has_budget"


def test_what_an_emergency_switches_counts_for_its_plan_alone():
    made = planned(state(operator_w=0, transformer_permille=0, feeder_permille=0))
    assert check_of(decide(made, effect(1, emergency=True), NOW)) == ""
    sealed(made, effect(1, emergency=True))
    assert check_of(decide(made, effect(2, emergency=True), NOW)) == ""
    assert check_of(decide(made, effect(2, emergency=True, power_w=2001), NOW)) == "emergency_has_a_plan"
    sealed(made, effect(2, emergency=True))
    assert check_of(decide(made, effect(3, emergency=True, power_w=0), NOW)) == ""
    assert check_of(decide(made, effect(3, emergency=True, power_w=1), NOW)) == "emergency_has_a_plan"


def test_a_plan_holds_to_its_last_second():
    made = planned(state(), until=NOW + 60)
    assert checks.emergency_has_a_plan(made, effect(emergency=True), NOW) is None
    assert checks.emergency_has_a_plan(made, effect(emergency=True), NOW + 60) is None
    assert checks.emergency_has_a_plan(made, effect(emergency=True), NOW + 61)
    assert checks.emergency_has_a_plan(made, effect(emergency=True, ttl=61), NOW)
    assert "winter" in checks.emergency_has_a_plan(state(), effect(emergency=True), NOW)


def test_a_ramp_counts_a_tenth_of_what_is_delayed_and_all_of_what_is_not():
    back = {"verb": V.RECONNECT, "transformer": "T0"}
    made = sealed(state(ramp_w_per_minute=400), effect(1, **back))
    assert checks.ramp_is_kept(made, effect(2, **back), NOW) is None
    assert checks.ramp_is_kept(made, effect(2, **back, power_w=2010), NOW)
    assert checks.ramp_is_kept(made, effect(2, power_w=10**9), NOW) is None, "a disconnection is no ramp"
    assert checks.ramp_is_kept(made, effect(2, **back, emergency=True, power_w=200), NOW) is None
    assert checks.ramp_is_kept(made, effect(2, **back, emergency=True, power_w=201), NOW)
    later = NOW + 60 + 60
    assert checks.ramp_is_kept(made, effect(2, **back, start=later, power_w=4000), later) is None


def test_a_twentieth_of_a_transformer_and_one_at_least():
    made = sealed(state(), *(effect(number) for number in range(4)))
    assert checks.transformer_is_spared(made, effect(10), NOW) is None
    sealed(made, effect(5))
    assert checks.transformer_is_spared(made, effect(10), NOW)
    assert checks.transformer_is_spared(made, effect(10, power_w=0, verb=V.TARIFF), NOW) is None
    assert checks.transformer_is_spared(made, effect(10, emergency=True), NOW) is None
    small = network(meters=3)
    assert checks.transformer_is_spared(state(small), effect(0), NOW) is None
    assert checks.transformer_is_spared(sealed(state(small), effect(0)), effect(1), NOW)
    assert checks.transformer_is_spared(state(), effect(0, transformer="T99"), NOW) is None
    elsewhere = sealed(state(), effect(0, transformer="T99"))
    assert "of 0 customers" in checks.transformer_is_spared(elsewhere, effect(1, transformer="T99"), NOW)


def test_a_fiftieth_of_the_keys_in_a_day_and_one_at_least():
    change = {"verb": V.KEY_CHANGE}
    made = sealed(state(), *(effect(number, **change) for number in range(19)))
    assert checks.keys_change_slowly(made, effect(50, **change), NOW) is None
    sealed(made, effect(20, **change))
    assert checks.keys_change_slowly(made, effect(50, **change), NOW)
    assert checks.keys_change_slowly(made, effect(50), NOW) is None
    alone = state(network(meters=2))
    assert checks.keys_change_slowly(alone, effect(0, **change), NOW) is None
    assert checks.keys_change_slowly(sealed(alone, effect(0, **change)), effect(1, **change), NOW)


def test_counts_to_the_second_and_to_the_command():
    counts = {V.DISCONNECT: Counts(2, 9, 9, 9)}
    made = sealed(state(per_person=counts), effect(1), effect(101))
    for now, fits in ((NOW + 59, False), (NOW + 60, True)):
        assert (checks.counts_are_kept(made, effect(201, start=now), now) is None) is fits
    assert checks.counts_are_kept(made, effect(201, persons=("cora", "dina")), NOW) is None
    assert checks.counts_are_kept(sealed(state(per_person=counts), effect(1)), effect(201), NOW) is None
    assert "there is no limit" in checks.counts_are_kept(state(total={}), effect(), NOW)
    assert "everybody together" in checks.counts_are_kept(
        sealed(state(total=counts), effect(1), effect(2)), effect(3), NOW
    )


def test_a_fourth_reconnection_alone_a_day_later_to_the_second():
    alone = {"verb": V.RECONNECT, "persons": ("anna",)}
    made = sealed(state(), *(effect(number * 100, **alone) for number in range(3)))
    for now, fits in ((NOW + DAY_S - 1, False), (NOW + DAY_S, True)):
        assert (checks.two_took_part(made, effect(401, start=now, **alone), now) is None) is fits
    two = sealed(state(), *(effect(number * 100, **alone) for number in range(2)))
    assert checks.two_took_part(two, effect(401, **alone), NOW) is None
    assert "nobody alone" in checks.two_took_part(state(), effect(persons=(), verb=V.RECONNECT), NOW)
    assert checks.two_took_part(state(), effect(persons=("anna", "anna"), verb=V.RECONNECT), NOW)
    assert (
        checks.two_took_part(sealed(state(), *(effect(n) for n in range(9))), effect(persons=("a", "b")), NOW) is None
    )


def activation(number, start=NOW):
    return effect(number, start=start, verb=V.FIRMWARE_ACTIVATION, subject=b"image")


def test_waves_to_the_meter_and_to_the_second():
    made = sealed(state(), *(activation(number) for number in range(9)))
    assert checks.firmware_goes_in_waves(made, activation(20), NOW) is None
    sealed(made, activation(9))
    ends = NOW + 60 + DAY_S
    assert "wave 1 of image" in checks.firmware_goes_in_waves(made, activation(20, ends - 1), ends - 1)
    assert checks.firmware_goes_in_waves(made, activation(20, ends), ends) is None
    sealed(made, activation(20, ends), at=ends)
    campaign = made.campaigns[b"image"]
    assert (campaign.wave, campaign.wave_begins, campaign.wave_ends) == (1, ends, ends + 60)
    assert checks.firmware_goes_in_waves(made, activation(21, ends - 1), ends - 1), "not before its wave begins"
    assert checks.firmware_goes_in_waves(made, effect(21), NOW) is None
    assert checks.firmware_goes_in_waves(state(), activation(0), NOW) is None


def test_a_small_fleet_has_waves_of_one():
    campaign, limits = Campaign(), Limits(firmware_waves=(10, 1000))
    assert (campaign.wave, campaign.wave_begins, campaign.wave_ends) == (0, 0.0, 0.0)
    campaign.add(b"a", 100, 5, limits)
    assert not campaign.may_go_on(100 + DAY_S - 1, 5, limits)
    assert campaign.may_go_on(100 + DAY_S, 5, limits)
    for meter in (b"b", b"c", b"d", b"e"):
        campaign.add(meter, 90_000, 5, limits)
    assert campaign.wave == 1
    assert not campaign.may_go_on(10**9, 5, limits), "the last wave is the last"


def test_failures_to_the_permille():
    made = sealed(state(failures_permille=100), *(activation(number) for number in range(10)))
    assert checks.firmware_works(made, activation(50), NOW) is None
    made.apply(FirmwareFailed(NOW, b"image", b"1"))
    assert checks.firmware_works(made, activation(50), NOW) is None
    made.apply(FirmwareFailed(NOW, b"image", b"2"))
    assert "2 of 10 meters" in checks.firmware_works(made, activation(50), NOW)
    assert checks.firmware_works(made, effect(), NOW) is None
    assert checks.firmware_works(made, effect(verb=V.FIRMWARE_ACTIVATION, subject=b"other"), NOW) is None


def test_protected_customers_and_roles():
    for verb in (V.DISCONNECT, V.LOAD_LIMIT):
        assert checks.customer_is_not_protected(state(), effect(verb=verb, protected=True), NOW)
    for verb in (V.RECONNECT, V.TARIFF):
        assert checks.customer_is_not_protected(state(), effect(verb=verb, protected=True), NOW) is None
    assert checks.customer_is_not_protected(state(), effect(), NOW) is None
    assert checks.meter_is_known(state(), effect(), NOW) is None
    assert checks.meter_is_known(state(), effect(operator=""), NOW)
    assert "supplier may not disconnect" in checks.role_has_verb(state(), effect(role=Role.SUPPLIER), NOW)


def test_a_tally_counts_whatever_may_fall_into_one_window():
    tally = Tally(60, 900)
    tally.add(6000, 6000, 5)
    for moment, seen in ((5099, 0), (5100, 5), (6000, 5), (6959, 5), (6960, 0)):
        assert tally.peak(moment, moment) == seen
    tally.add(6000, 6000, 2)
    assert tally.peak(0, 5100) == tally.peak(6959, 9000) == 7
    tally.forget(6959)
    assert tally.peak(6959, 6959) == 7
    assert set(tally._sums) == {99, 100}
    tally.forget(7020)
    assert tally._sums == {}


def test_a_window_of_one_slot():
    tally = Tally(60, 60)
    tally.add(120, 120, 3)
    assert [tally.peak(at, at) for at in (119, 120, 179, 180)] == [0, 3, 3, 0]


def test_what_was_sealed_held_and_decided_is_remembered():
    made, one = state(), effect(1)
    made.apply(Quarantined(NOW, one, "check", "why", True, b"", b""))
    assert made.held == {one.digest: made.held[one.digest]}
    assert made.decisions == 0
    made.apply(Sealed(NOW, one))
    assert (made.held, made.sealed) == ({}, {one.digest: one.not_after})
    made.apply(Resealed(NOW + 9, one.digest))
    assert made.now == NOW + 9
    assert made.count(V.DISCONNECT, "anna", NOW - 1) == 1
    assert made.count(V.DISCONNECT, "anna", NOW) == 0
    planned(made)
    assert (made.decisions, made.active["winter"].until, made.active["winter"].spent_w) == (1, NOW + 3600, 0)
    assert made.now == NOW + 9, "time does not run back"


def test_what_no_decision_asks_for_is_forgotten_and_what_one_asks_for_is_not():
    made = sealed(state(), effect(1, ttl=60), effect(101, ttl=3 * DAY_S, verb=V.RECONNECT, persons=("anna",)))
    sealed(made, effect(201, verb=V.KEY_CHANGE))
    later = NOW + DAY_S + 1
    sealed(made, effect(301, start=later), at=later)
    assert set(made.sealed) == {effect(101).digest, effect(301).digest}
    assert made.count(V.DISCONNECT, "anna", 0) == 2
    week = NOW + WEEK_S
    sealed(made, effect(401, start=week), at=week)
    assert made.count(V.DISCONNECT, "anna", 0) == 2
    assert made.alone["anna"] == []
    assert not made.keys._sums
    for tallies in (made.feeders, made.operators, made.ramps, made.transformers):
        assert all(min(tally._sums, default=week) > NOW // 3600 for tally in tallies.values())
