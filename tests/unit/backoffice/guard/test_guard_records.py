"""What the guard keeps, signs and forgets, octet by octet and second by second."""

from __future__ import annotations

from hashlib import sha256

import pytest

import seal_keys as keys
from openami.backoffice.guard.clocks import ClockDisagreement, agreed_time
from openami.backoffice.guard.effect import _value, effect_of
from openami.backoffice.guard.events import LimitsSigned, Sealed
from openami.backoffice.guard.guard import (
    Envelope,
    Held,
    activate_statement,
    delete_statement,
    limits_statement,
    prepare_statement,
    release_statement,
)
from openami.backoffice.guard.limits import DAY_S, SPREAD_S, Counts, Limits
from openami.backoffice.guard.network import Network, Place
from openami.backoffice.guard.people import statement_challenge
from openami.backoffice.guard.plans import LASTS_MAX_S, EmergencyPlan
from openami.backoffice.guard.state import GuardState
from openami.model.errors import SecurityError, SettingError
from openami.protocols.seal.approval import ApprovalRecord
from openami.protocols.seal.roles import Role
from openami.protocols.seal.signed import read_signed
from openami.protocols.seal.verbs import CriticalVerb
from openami.simulation.disk import FaultDisk
from two_seals import NOW, WINTER, Office, intent, network, title

PLACE = Place("operator", "F1", "T12", -3000)
RECORD = ApprovalRecord(bytes(32), "anna", "bela", "", NOW)


@pytest.fixture
def office():
    return Office(FaultDisk())


def effect(*, now=NOW, known=True, **changes):
    """What a genuine command does, as the guard sees it."""
    signed = read_signed(keys.signed(**changes), keys.trusting(Role.NETWORK_OPERATOR).authorities)
    places = {signed.command.recipient: PLACE} if known else {}
    return signed.command, effect_of(bytes(32), signed, RECORD, Network(places), now)


def test_a_switching_may_happen_until_its_random_delay_is_over():
    command, found = effect()
    assert (found.start, found.end) == (max(NOW, command.execute_at), command.not_after + SPREAD_S)
    assert (found.operator, found.feeder, found.transformer, found.power_w) == ("operator", "F1", "T12", 3000)


def test_an_emergency_has_no_random_delay():
    command, found = effect(emergency=True)
    assert found.end == command.not_after


def test_what_switches_nothing_has_no_delay_and_no_power():
    command, found = effect(apdu=keys.ACTIVATE, subject=bytes(32))
    assert (found.end, found.power_w) == (command.not_after, 0)


def test_a_command_that_comes_late_is_counted_from_now():
    command, _ = effect()
    late = command.not_after + 5
    _, found = effect(now=late)
    assert (found.start, found.end) == (late, late + SPREAD_S)


def test_a_meter_that_hangs_nowhere_has_no_place():
    _, found = effect(known=False)
    assert (found.operator, found.feeder, found.transformer, found.power_w) == ("", "", "", 0)
    assert not found.protected


def set_of_limiter():
    return b"\xc1\x01\xc1" + bytes.fromhex("00470000110000ff0400") + bytes.fromhex("06000005dc")


def test_a_load_limit_that_is_no_setting_has_no_watts():
    signed = read_signed(keys.signed(), keys.trusting(Role.NETWORK_OPERATOR).authorities)
    assert _value(CriticalVerb.LOAD_LIMIT, signed.request, NOW) is None
    limit = read_signed(keys.signed(apdu=set_of_limiter()), keys.trusting(Role.NETWORK_OPERATOR).authorities)
    assert _value(CriticalVerb.LOAD_LIMIT, limit.request, NOW) == 1500
    assert _value(CriticalVerb.TARIFF, limit.request, NOW) is None


def test_the_transaction_is_the_second_and_the_number_of_the_record():
    office = Office(FaultDisk(), limits=Limits(per_person={CriticalVerb.DISCONNECT: Counts(2, 9, 9, 9)}))
    verdicts = office.submit(intent(100), intent(200), intent(300))
    assert [type(one) for one in verdicts] == [Envelope, Envelope, Held]
    office.time.at += 60.9
    verdicts += office.submit(intent(400))
    found = [int.from_bytes(one.octets[2:10], "big") for one in verdicts if isinstance(one, Envelope)]
    assert found == [NOW << 32 | 1, NOW << 32 | 2, NOW + 60 << 32 | 4]


def test_what_people_sign_is_written_down():
    number = b"\x00\x00\x00\x00\x00\x00\x00\x05"
    assert release_statement(b"digest") == b"release digest"
    assert delete_statement(b"digest") == b"delete digest"
    assert prepare_statement(WINTER, 5) == b"prepare " + number + WINTER.octets()
    assert activate_statement(WINTER, 5) == b"activate " + number + WINTER.octets()
    assert limits_statement(Limits(), 5).startswith(b"limits " + number + b'{"')
    assert statement_challenge(b"x") == sha256(b"OpenAMI guard statement 1\nx").digest()


def activate(office, minute):
    return office.guard.activate_plan("winter", minute, office.consents(activate_statement(WINTER, minute), "p1", "p2"))


def test_an_activation_may_be_a_minute_old_and_a_plan_in_force_ends_after_its_last_second(office):
    statement = prepare_statement(WINTER, office.guard.state.decisions)
    office.guard.prepare_plan(WINTER, office.consents(statement, "p1", "p2", "p3"))
    until = activate(office, NOW // 60 - 1)
    office.time.at = until
    with pytest.raises(SecurityError, match="in force already"):
        activate(office, int(until // 60))
    office.time.at = until + 1
    assert activate(office, int(until // 60)) == until + 1 + WINTER.lasts_s


def test_new_limits_hold_after_a_day_and_count_as_one_decision(office):
    loose = Limits(operator_w=10**9)
    office.guard.change_limits(loose, office.consents(limits_statement(loose, 0), "p1", "p2", "p3"))
    state = office.guard.state
    assert state.limits(NOW + DAY_S - 1) == Limits()
    assert state.limits(NOW + DAY_S) == loose
    assert state.decisions == 1
    state.apply(LimitsSigned(NOW, NOW, loose, ()))
    assert state.decisions == 2


def test_a_failed_image_is_kept(office):
    office.guard.firmware_failed(bytes(32), title(3))
    assert office.guard.state.campaigns[bytes(32)].failed == {title(3)}
    office.close()
    office.start()
    assert office.guard.state.campaigns[bytes(32)].failed == {title(3)}


def test_a_command_is_sealed_again_until_its_last_second(office):
    approved = office.approved(intent(100))
    office.guard.submit(approved.record, approved.signed)
    office.time.at = read_signed(approved.signed[0], office.guard._authorities).command.not_after
    assert isinstance(office.guard.submit(approved.record, approved.signed)[0], Envelope)
    assert office.guard.state.count(CriticalVerb.DISCONNECT, "anna", 0) == 1


def test_clocks_five_seconds_apart_agree_and_say_what_they_show_if_not():
    assert agreed_time([10, 15, 12]) == 12
    with pytest.raises(ClockDisagreement, match=r"10\.0, 12\.0, 15\.1;"):
        agreed_time([10, 15.1, 12])


@pytest.mark.parametrize("lasts_s", [1, LASTS_MAX_S])
def test_a_plan_lasts_between_a_second_and_a_day(lasts_s):
    plan = {"name": "p", "verbs": WINTER.verbs, "feeders": WINTER.feeders, "power_w": 1}
    assert EmergencyPlan(lasts_s=lasts_s, **plan).lasts_s == lasts_s
    for wrong in (0, LASTS_MAX_S + 1):
        with pytest.raises(SettingError, match="lasts_s"):
            EmergencyPlan(lasts_s=wrong, **plan)


def test_a_place_is_not_protected_unless_it_says_so_and_each_counts_once():
    assert not PLACE.protected
    assert Network({b"1": PLACE, b"2": PLACE}).customers == {"T12": 2}


class Watched(GuardState):
    """Counts how often it was tidied."""

    tidied = 0

    def _tidy(self):
        self.tidied += 1
        super()._tidy()


def at(seconds):
    _, found = effect(now=NOW + seconds)
    return Sealed(NOW + seconds, found)


def test_history_is_tidied_once_a_day():
    state = Watched(network())
    for seconds, times in ((0, 1), (DAY_S, 1), (DAY_S + 1, 2), (DAY_S + 2, 2), (2 * DAY_S + 1, 2), (2 * DAY_S + 2, 3)):
        state.apply(at(seconds))
        assert state.tidied == times, seconds


def test_what_is_good_until_this_second_is_not_forgotten():
    state = GuardState(network())
    state.apply(at(0))
    (until,) = state.sealed.values()
    state._tidied = 0.0
    state.now = float(until)
    state._tidy()
    assert state.sealed
    state.now = until + 1.0
    state._tidy()
    assert not state.sealed


def test_each_command_is_counted_where_it_belongs_and_nowhere_else():
    state = GuardState(network())
    state.apply(at(0))
    assert set(state.feeders) == {"F1"}
    assert not state.ramps
    assert not state.campaigns
    state = GuardState(network())
    _, activation = effect(apdu=keys.ACTIVATE, subject=bytes(32))
    state.apply(Sealed(NOW, activation))
    assert not state.transformers
