"""The guard as a process: what it seals opens in the meter, what it holds others release, and it fails closed."""

from __future__ import annotations

from dataclasses import replace

import pytest

import seal_keys as keys
from openami.backoffice.guard.clocks import ClockDisagreement, agreed_time
from openami.backoffice.guard.effect import effect_of
from openami.backoffice.guard.guard import (
    Envelope,
    Held,
    activate_statement,
    delete_statement,
    limits_statement,
    prepare_statement,
    release_statement,
)
from openami.backoffice.guard.limits import DAY_S, Counts, Limits
from openami.backoffice.guard.tally import Tally
from openami.model.errors import SecurityError, StoreError
from openami.protocols.dlms.data import double_long_unsigned, encode_data, octet_string
from openami.protocols.dlms.date_time import CosemDateTime
from openami.protocols.seal.approval import ApprovalRecord
from openami.protocols.seal.opening import MeterMoment, open_command
from openami.protocols.seal.roles import Role
from openami.protocols.seal.signed import read_signed
from openami.protocols.seal.verbs import CriticalVerb
from openami.simulation.disk import FaultDisk
from two_seals import NOW, WINTER, Office, intent, network, title

FEW = Limits(per_person={CriticalVerb.DISCONNECT: Counts(1, 9, 9, 9)})


@pytest.fixture
def office():
    return Office(FaultDisk())


def few():
    return Office(FaultDisk(), limits=FEW)


def held(office):
    """A command that is quarantined by a count."""
    verdicts = office.submit(intent(100), intent(200))
    assert isinstance(verdicts[0], Envelope)
    assert isinstance(verdicts[1], Held)
    return verdicts[1]


def activate(office, *names):
    minute = int(office.time.at // 60)
    return office.guard.activate_plan("winter", minute, office.consents(activate_statement(WINTER, minute), *names))


def prepare(office, *names):
    statement = prepare_statement(WINTER, office.guard.state.decisions)
    office.guard.prepare_plan(WINTER, office.consents(statement, *names))


def test_what_is_sealed_opens_in_the_meter(office):
    (envelope,) = office.submit(intent(100))
    seal = replace(keys.METER_SEAL, system_title=title(100))
    found = open_command(envelope.octets, seal, MeterMoment(NOW), keys.never)
    assert envelope.recipient == title(100)
    assert found.verb is CriticalVerb.DISCONNECT


def test_no_transaction_comes_twice_even_after_a_restored_backup(office):
    def transaction(envelope):
        return envelope.octets[2:10]

    seen = [transaction(one) for one in office.submit(intent(100), intent(200))]
    office.close()
    office.start()
    seen += [transaction(one) for one in office.submit(intent(300))]
    restored = Office(FaultDisk())
    restored.time.at = NOW + 1
    seen += [transaction(one) for one in restored.submit(intent(100))]
    assert len(set(seen)) == 4


def test_a_command_of_another_approval_or_authority_is_refused(office):
    approved = office.approved(intent(100))
    other = office.approved(intent(100), by=("cora", "dina"))
    with pytest.raises(SecurityError, match="approval"):
        office.guard.submit(other.record, approved.signed)
    with pytest.raises(SecurityError, match="signature"):
        office.guard.submit(approved.record, [keys.signed(signer=keys.STRANGER)])
    assert not office.guard.state.sealed


def test_what_was_sealed_before_is_sealed_again_and_counted_once(office):
    approved = office.approved(intent(100))
    first, again = (office.guard.submit(approved.record, approved.signed)[0] for _ in range(2))
    assert isinstance(again, Envelope)
    assert first.octets != again.octets
    assert office.guard.state.count(CriticalVerb.DISCONNECT, "anna", 0) == 1
    office.time.at += 901
    assert isinstance(office.guard.submit(approved.record, approved.signed)[0], Held)


def test_quarantine_is_seen_and_released_by_two_others():
    office = few()
    verdict = held(office)
    assert [one.effect.digest for one in office.guard.quarantine()] == [verdict.digest]
    statement = release_statement(verdict.digest)
    with pytest.raises(SecurityError, match="anna took part"):
        office.guard.release(verdict.digest, office.consents(statement, "anna", "r1"))
    with pytest.raises(SecurityError, match="2 are needed"):
        office.guard.release(verdict.digest, office.consents(statement, "r1", "r1"))
    with pytest.raises(SecurityError, match="on no list"):
        office.guard.release(verdict.digest, office.consents(statement, "r1", "p1"))
    with pytest.raises(SecurityError, match="does not hold"):
        office.guard.release(verdict.digest, office.consents(delete_statement(verdict.digest), "r1", "r2"))
    released = office.guard.release(verdict.digest, office.consents(statement, "r1", "r2"))
    assert isinstance(released, Envelope)
    assert office.guard.quarantine() == []
    with pytest.raises(SecurityError, match="not in quarantine"):
        office.guard.release(verdict.digest, office.consents(statement, "r1", "r2"))


def test_budgets_bind_those_who_release():
    office = Office(FaultDisk(), limits=Limits(operator_w=2000))
    verdict = office.submit(intent(100), intent(200))[1]
    again = office.guard.release(verdict.digest, office.consents(release_statement(verdict.digest), "r1", "r2"))
    assert isinstance(again, Held)
    assert again.check == "operator_has_budget"
    assert len(office.guard.quarantine()) == 1


def test_quarantine_is_deleted_by_two_others():
    office = few()
    verdict = held(office)
    office.guard.delete(verdict.digest, office.consents(delete_statement(verdict.digest), "r1", "r2"))
    assert office.guard.quarantine() == []


def test_history_is_read_again():
    office = few()
    held(office)
    prepare(office, "p1", "p2", "p3")
    activate(office, "p4", "p5")
    office.guard.firmware_failed(bytes(32), title(3))
    before = office.guard.state
    office.close()
    office.start()
    after = office.guard.state
    assert (after.held, after.sealed, after.plans) == (before.held, before.sealed, before.plans)
    assert after.active["winter"].until == before.active["winter"].until
    assert after.operators["operator"]._sums == before.operators["operator"]._sums
    assert after.campaigns[bytes(32)] == before.campaigns[bytes(32)]


def test_emergency_plans():
    office = Office(FaultDisk())
    cut = intent(100, emergency=True)
    with pytest.raises(SecurityError, match="no plan"):
        activate(office, "p1", "p2")
    with pytest.raises(SecurityError, match="3 are needed"):
        prepare(office, "p1", "p2", "p1")
    prepare(office, "p1", "p2", "p3")
    assert office.submit(cut, plan="winter")[0].check == "emergency_has_a_plan"
    with pytest.raises(SecurityError, match="2 are needed"):
        activate(office, "p4")
    until = activate(office, "p4", "p5")
    assert until == NOW + 3600
    with pytest.raises(SecurityError, match="in force already"):
        activate(office, "p4", "p5")
    verdicts = office.submit(*[intent(n, emergency=True) for n in range(100, 107)], plan="winter")
    assert [isinstance(one, Envelope) for one in verdicts] == [True] * 5 + [False] * 2
    office.time.at = until + 1
    assert isinstance(office.submit(cut, plan="winter")[0], Held)


def test_old_signatures_activate_and_change_nothing(office):
    prepare(office, "p1", "p2", "p3")
    minute = int(NOW // 60)
    old = office.consents(activate_statement(WINTER, minute), "p1", "p2")
    office.time.at += 120
    for named in (minute, minute + 3):
        with pytest.raises(SecurityError, match="sign anew"):
            office.guard.activate_plan("winter", named, old)
    loose = Limits(operator_w=10**9)
    signed = office.consents(limits_statement(loose, office.guard.state.decisions), "p1", "p2", "p3")
    assert office.guard.change_limits(loose, signed) == office.time.at + DAY_S
    with pytest.raises(SecurityError, match="does not hold"):
        office.guard.change_limits(loose, signed)


def test_three_clocks_agree_or_nothing_is_sealed(office):
    assert agreed_time([10, 14, 12]) == 12
    for readings in ([10, 16, 12], [10, 12], [10, float("nan"), 12]):
        with pytest.raises(ClockDisagreement):
            agreed_time(readings)
    approved = office.approved(intent(100))
    office.guard._clocks = (office.time, office.time, lambda: NOW + 6.0)
    with pytest.raises(ClockDisagreement):
        office.guard.submit(approved.record, approved.signed)
    assert not office.guard.state.sealed


def test_time_does_not_run_back(office):
    office.submit(intent(100))
    approved = office.approved(intent(200))
    office.time.at -= 10
    with pytest.raises(SecurityError, match="ran back"):
        office.guard.submit(approved.record, approved.signed)


def test_a_disk_that_fails_seals_nothing_until_history_was_read_again(office):
    approved = office.approved(intent(100))

    def fail(_items):
        raise StoreError("no space")

    append, office.guard_records.append_many = office.guard_records.append_many, fail
    with pytest.raises(StoreError, match="no space"):
        office.guard.submit(approved.record, approved.signed)
    office.guard_records.append_many = append
    with pytest.raises(StoreError, match="start again"):
        office.guard.submit(approved.record, approved.signed)
    office.close()
    office.start()
    assert isinstance(office.guard.submit(approved.record, approved.signed)[0], Envelope)


def test_history_that_was_changed_is_found():
    disk = FaultDisk()
    office = Office(disk)
    office.submit(intent(100))
    office.submit(intent(200))
    items = office.guard_records.read(0, 9)
    office.close()

    class Spool:
        def read(self, after, _limit):
            return [item for item in items if item.number > max(after, 1)]

    office.guard_records = Spool()
    with pytest.raises(StoreError, match="does not follow"):
        list(type(office.guard._records)(Spool()).replay())


def test_an_empty_list_is_judged_without_a_record(office):
    approved = office.approved(intent(100))
    assert office.guard.submit(approved.record, []) == []


def value(apdu, role=Role.NETWORK_OPERATOR, now=NOW):
    signed = read_signed(keys.signed(apdu=apdu), keys.trusting(role).authorities)
    record = ApprovalRecord(bytes(32), "anna", "bela", "", NOW)
    return effect_of(bytes(32), signed, record, network(10), now)


def set_of(class_id, name, attribute, data):
    head = b"\xc1\x01\xc1" + class_id.to_bytes(2, "big") + bytes.fromhex(name) + bytes((attribute, 0))
    return head + data


LIMITER, CLOCK = "0000110000ff", "0000010000ff"


def test_values_that_have_bounds():
    watts = encode_data(double_long_unsigned(1500))
    assert value(set_of(71, LIMITER, 4, watts)).value == 1500
    assert value(set_of(71, LIMITER, 6, watts)).value is None
    assert value(set_of(71, LIMITER, 4, encode_data(octet_string(b"x")))).value == -1
    stamp = encode_data(octet_string(bytes(CosemDateTime.from_utc(NOW + 100))))
    assert value(set_of(8, CLOCK, 2, stamp)).value == 100
    assert value(set_of(8, CLOCK, 2, encode_data(octet_string(b"\xff" * 12)))).value == -1
    assert value(set_of(8, CLOCK, 2, encode_data(octet_string(b"")))).value == -1
    assert value(set_of(8, CLOCK, 3, encode_data(double_long_unsigned(0)))).value is None
    assert value(bytes.fromhex("c301c10008" + CLOCK + "06010f00")).value is None
    assert value(keys.DISCONNECT).power_w == 0
    assert value(keys.DISCONNECT).operator == ""


def test_a_sum_is_never_below_that_of_any_window():
    tally = Tally(60, 900)
    tally.add(1000, 1000, 5)
    assert tally.peak(1899, 1899) == 5
    assert tally.peak(2100, 2100) == 0
    minute = Tally(60, 60)
    minute.add(0, 59, 1)
    assert minute.peak(60, 60) == 0
    minute.forget(10_000)
    assert minute._sums == {}
