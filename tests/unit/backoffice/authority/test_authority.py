"""Request, policy, approval by another person, signature: in this order, once, and kept."""

from __future__ import annotations

from dataclasses import replace

import pytest

import seal_keys as keys
from dlms_curves import key
from openami.backoffice.authority.people import Person
from openami.backoffice.authority.signing import next_counter
from openami.model.errors import DecodeError, SecurityError, SettingError, StoreError
from openami.protocols.dlms.security import SecuritySuite
from openami.protocols.seal.approval import COMMANDS_MAX, ApprovalRecord, CommandList
from openami.protocols.seal.passkey import RelyingParty, verify_assertion
from openami.protocols.seal.roles import Role
from openami.protocols.seal.signed import read_signed
from openami.protocols.seal.software_authenticator import SoftwareAuthenticator
from openami.protocols.wire.declared import codec_of, decode_all, encode_all
from openami.simulation.disk import FaultDisk
from two_seals import NOW, PARTY, Office, authenticator, intent, title

ACTIVATE = intent(100, keys.ACTIVATE, subject=bytes(32))
RECONNECT = intent(100, keys.RECONNECT)


@pytest.fixture
def office():
    return Office(FaultDisk())


def request(office, *intents, by="anna", plan="", commands=None):
    commands = commands or office.authority.draft(office.role, intents, plan)
    return office.authority.request(commands, office.passkeys[by].consent(commands.request_challenge()))


def approve(office, name, by="bela"):
    challenge = office.authority.commands(name).approval_challenge()
    office.authority.approve(name, office.passkeys[by].consent(challenge))


def test_two_people_and_the_command_is_signed(office):
    name = request(office, intent(100, execute_at=NOW + 60), ACTIVATE)
    assert office.authority.waiting() == [name]
    with pytest.raises(SecurityError, match="not approved"):
        office.authority.sign(name)
    approve(office, name)
    assert office.authority.waiting() == []
    approved = office.authority.sign(name)
    read = [read_signed(raw, keys.TRUSTED) for raw in approved.signed]
    assert [one.command.recipient for one in read] == [title(100), title(100)]
    assert [one.command.approval for one in read] == [approved.record.digest()] * 2
    assert [one.counter for one in read] == [(NOW << 24), (NOW << 24) + 1]
    assert approved.record.persons == ("anna", "bela")
    assert office.authority.sign(name) == approved


def test_what_was_approved_is_neither_lost_nor_used_twice(office):
    name = request(office, intent(100))
    approve(office, name)
    office.close()
    office.start()
    approved = office.authority.sign(name)
    office.close()
    office.start()
    office.time.at += 1000
    assert office.authority.sign(name) == approved
    again = request(office, intent(100))
    approve(office, again)
    last, first = (read_signed(office.authority.sign(one).signed[0], keys.TRUSTED).counter for one in (name, again))
    assert last < first


def test_nobody_approves_alone(office):
    name = request(office, intent(100))
    with pytest.raises(SecurityError, match="another person"):
        approve(office, name, "anna")
    second = authenticator("anna", 1)
    office.authority._people.passkeys[second.passkey.credential_id] = second.passkey
    with pytest.raises(SecurityError, match="another person"):
        office.authority.approve(name, second.consent(office.authority.commands(name).approval_challenge()))


def test_the_same_passkey_under_another_name_does_not_approve(office):
    name = request(office, intent(100))
    anna = office.passkeys["anna"].passkey
    office.authority._people.passkeys[anna.credential_id] = replace(anna, person="bela")
    with pytest.raises(SecurityError, match="another passkey"):
        approve(office, name, "anna")


def test_an_assertion_over_anything_else_is_refused(office):
    name = request(office, intent(100))
    commands = office.authority.commands(name)
    changed = replace(commands, commands=(intent(200),))
    for challenge in (bytes(32), commands.request_challenge(), changed.approval_challenge()):
        with pytest.raises(SecurityError, match="does not hold"):
            office.authority.approve(name, office.passkeys["bela"].consent(challenge))
    draft = office.authority.draft(office.role, [intent(1)])
    with pytest.raises(SecurityError, match="does not hold"):
        office.authority.request(draft, office.passkeys["anna"].consent(draft.approval_challenge()))


def test_people_who_are_not_on_the_list_or_may_not(office):
    people = office.authority._people
    people.persons["anna"] = Person("anna", frozenset({Role.SUPPLIER}), frozenset())
    with pytest.raises(SecurityError, match="may not ask for"):
        request(office, intent(100))
    name = request(office, intent(100), by="cora")
    with pytest.raises(SecurityError, match="may not approve"):
        approve(office, name, "anna")
    with pytest.raises(SecurityError, match="on no list"):
        approve(office, name, "r1")
    del people.persons["bela"]
    with pytest.raises(SecurityError, match="no list of people"):
        approve(office, name, "bela")


def test_what_the_policy_forbids(office):
    for intents, plan, what in (
        ((intent(7),), "", "protected"),
        ((intent(100, bytes.fromhex("c301c1004000002b0000ff02010100")),), "", "may not key change"),
        ((intent(100, keys.READ_IMPORT),), "", "one SET or ACTION"),
        ((intent(100, emergency=True),), "", "emergency"),
        ((intent(100),), "winter", "emergency"),
    ):
        with pytest.raises(SecurityError, match=what):
            request(office, *intents, plan=plan)
    for intents in ((), (intent(100),) * (COMMANDS_MAX + 1)):
        with pytest.raises(SettingError, match="request has"):
            request(office, *intents)
    with pytest.raises(SettingError, match="no key for role"):
        request(office, commands=office.authority.draft(Role.SUPPLIER, [intent(100)]))


def test_a_request_is_made_once_and_lasts_a_day(office):
    name = request(office, intent(100))
    with pytest.raises(SecurityError, match="made before"):
        request(office, commands=office.authority.commands(name))
    with pytest.raises(SecurityError, match="no request"):
        office.authority.sign(b"?")
    office.time.at += 86_401
    with pytest.raises(SecurityError, match="older than a day"):
        approve(office, name)
    assert office.authority.waiting() == []
    other = request(office, intent(100))
    approve(office, other)
    with pytest.raises(SecurityError, match="approved already"):
        approve(office, other, "cora")
    office.time.at += 86_401
    with pytest.raises(SecurityError, match="older than a day"):
        office.authority.sign(other)


def test_one_person_reconnects_one_household_three_times_a_day(office):
    for _ in range(3):
        name = request(office, RECONNECT)
        office.authority.approve_alone(name)
        assert office.authority.sign(name).record.persons == ("anna",)
    fourth = request(office, RECONNECT)
    with pytest.raises(SecurityError, match="3 times"):
        office.authority.approve_alone(fourth)
    office.authority.approve_alone(request(office, RECONNECT, by="cora"))
    office.close()
    office.start()
    with pytest.raises(SecurityError, match="3 times"):
        office.authority.approve_alone(fourth)
    office.time.at += 86_400
    office.authority.approve_alone(request(office, RECONNECT))
    for intents in ((RECONNECT, RECONNECT), (intent(100),)):
        with pytest.raises(SecurityError, match="one household"):
            office.authority.approve_alone(request(office, *intents, by="dina"))


def test_a_live_challenge_is_signed_into_the_command(office):
    name = request(office, intent(100))
    approve(office, name)
    signed = office.authority.sign(name, {title(100): bytes(16)}).signed[0]
    assert read_signed(signed, keys.TRUSTED).command.challenge == bytes(16)


def test_a_copied_authenticator_that_counts_less_is_refused(office):
    copy = authenticator("bela")
    approve(office, request(office, intent(100)))
    approve(office, request(office, intent(100)))
    office.passkeys["bela"] = copy
    with pytest.raises(SecurityError, match="does not hold"):
        approve(office, request(office, intent(100)))


def test_a_disk_that_fails_decides_nothing(office):
    name = request(office, intent(100))

    def fail(_items):
        raise StoreError("no space")

    office.authority_records.append_many = fail
    with pytest.raises(StoreError):
        approve(office, name)
    assert office.authority.waiting() == [name]


def test_counters_follow_the_clock_and_never_go_back():
    assert next_counter(0, NOW) == NOW << 24
    assert next_counter(NOW << 25, NOW) == (NOW << 25) + 1


def test_assertions_of_another_site_or_too_long_are_refused():
    passkeys = {authenticator("anna").passkey.credential_id: authenticator("anna").passkey}
    for party in (RelyingParty("evil.example", PARTY.origins), RelyingParty(PARTY.id, ("https://evil.example",))):
        one = SoftwareAuthenticator("anna", key(30, SecuritySuite.SUITE_1), party)
        with pytest.raises(SecurityError, match="does not hold"):
            verify_assertion(PARTY, passkeys, one.consent(bytes(32)), bytes(32))
    good = authenticator("anna").consent(bytes(32))
    for bad in (
        good._replace(client_data=bytes(5000)),
        good._replace(client_data=b"{"),
        good._replace(authenticator_data=good.authenticator_data[:32] + b"\x01" + good.authenticator_data[33:]),
        good._replace(authenticator_data=b""),
        good._replace(signature=bytes(64)),
    ):
        with pytest.raises(SecurityError):
            verify_assertion(PARTY, passkeys, bad, bytes(32))
    assert verify_assertion(PARTY, passkeys, good, bytes(32)).person == "anna"


def test_lists_and_records_are_octets():
    commands = CommandList(bytes(16), 1, "winter", (intent(1), ACTIVATE))
    assert decode_all(codec_of(CommandList), encode_all(codec_of(CommandList), commands)) == commands
    record = ApprovalRecord(bytes(32), "änna", "", "", NOW)
    raw = encode_all(codec_of(ApprovalRecord), record)
    assert decode_all(codec_of(ApprovalRecord), raw) == record
    with pytest.raises(DecodeError):
        decode_all(codec_of(ApprovalRecord), raw.replace("ä".encode(), b"\xff\xff"))
