"""Every form of protection between both cores: suites, keys of each kind, signatures, policies of both versions."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dlms_curves import SUITES, curves
from dlms_pair import (
    CLIENT_TITLE,
    ENERGY,
    ENERGY_OCTETS,
    NOTE,
    SECURED,
    SERVER_TITLE,
    Pair,
    Store,
    note,
    server_settings,
)
from openami.model.errors import SecurityError, SettingError
from openami.protocols.dlms.apdu import decode_apdu
from openami.protocols.dlms.association import AssociationSettings
from openami.protocols.dlms.authentication import Authentication
from openami.protocols.dlms.client_settings import ClientSettings
from openami.protocols.dlms.counters import ReceiveWindow
from openami.protocols.dlms.errors import AssociationRejected, ServiceFailed
from openami.protocols.dlms.events import Answered, Associated, Failed, Refused
from openami.protocols.dlms.general import GeneralCiphering
from openami.protocols.dlms.general_ciphering import KeyChoice
from openami.protocols.dlms.policy import SecurityPolicy, policy_version_0, policy_version_1
from openami.protocols.dlms.request import Get, Set
from openami.protocols.dlms.security import SecurityControl, SecurityKeys, SecuritySuite

ALL_SIGNED = 0b11111100
FORMS = {
    "glo": {},
    "ded": {"use_dedicated_key": True},
    "general-glo": {"use_general_glo": True},
    "general-ded": {"use_general_glo": True, "use_dedicated_key": True},
    "identified": {"key_choice": KeyChoice.IDENTIFIED},
    "wrapped": {"key_choice": KeyChoice.WRAPPED},
    "one-pass": {"key_choice": KeyChoice.ONE_PASS},
    "static": {"key_choice": KeyChoice.STATIC},
}


def keys_of(suite):
    size = suite.key_size
    keys = [bytes(range(start, start + size)) for start in (0, 0x40, 0x80)]
    return SecurityKeys(keys[0], keys[1], suite=suite, master_key=keys[2])


def protected(suite=SUITES[0], policy=ALL_SIGNED, server_policy=None, **changes):
    """The client's settings and the server's association; `policy` is of version 1."""
    keys, (ours, theirs) = keys_of(suite), curves(suite) if suite else (None, None)
    client = ClientSettings(
        client_sap=SECURED,
        authentication=Authentication.HLS5,
        keys=keys,
        system_title=CLIENT_TITLE,
        server_system_title=SERVER_TITLE,
        asymmetric=ours,
        policy=policy_version_1(policy),
        max_receive_pdu_size=600,
    )
    association = AssociationSettings(
        Authentication.HLS5,
        keys=keys,
        asymmetric=theirs,
        policy=policy_version_1(policy if server_policy is None else server_policy),
    )
    return replace(client, **changes), association


def pair_of(client, association, **given):
    settings = server_settings(Store(), associations={SECURED: association}, max_receive_pdu_size=600)
    pair = Pair(client, settings, **given)
    pair.device = settings.devices[1]
    return pair


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("suite", list(SecuritySuite))
def test_values_of_all_sizes_in_every_form(suite, form, signed):
    if not suite and (signed or form in {"one-pass", "static"}):
        return
    policy = ALL_SIGNED if signed else 0b01101100
    pair = pair_of(*protected(suite, policy, **FORMS[form]))
    assert isinstance(pair.associate(), Associated)
    for size in (3, 150, 400, 1000):
        assert pair.ask(Set(NOTE, note(bytes(size)))).answer == 0
        assert pair.ask(Get(NOTE)) == Answered(note(bytes(size)))
    assert not [event for event in pair.client_events if isinstance(event, Failed | Refused)]
    assert max(len(apdu) for sent in pair.sent.values() for apdu in sent[1:]) <= 600


def test_answers_have_the_transaction_of_their_request():
    pair = pair_of(*protected(key_choice=KeyChoice.STATIC))
    pair.associate()
    pair.ask(Get(ENERGY))
    request, response = (decode_apdu(pair.sent[side][-1]) for side in ("client", "server"))
    assert isinstance(request, GeneralCiphering)
    assert request.header.transaction_id == response.header.transaction_id
    assert (request.header.originator_system_title, request.header.recipient_system_title) == (
        response.header.recipient_system_title,
        response.header.originator_system_title,
    )


@pytest.mark.parametrize("client_policy", [0b01101100, 0b10001100, 0b11101100, 0b10010000, ALL_SIGNED])
@pytest.mark.parametrize("server_policy", [0b00000000, 0b00100100, 0b01001000, 0b01101100, 0b00010000, ALL_SIGNED])
def test_a_server_serves_what_its_policy_allows_and_nothing_less(client_policy, server_policy):
    ours, theirs = policy_version_1(client_policy), policy_version_1(server_policy)
    pair = pair_of(*protected(policy=client_policy, server_policy=server_policy))
    outcome = pair.associate()
    sent = ours.request or ours.response or SecurityControl.AUTHENTICATED_ENCRYPTION
    request_enough = sent & theirs.request == theirs.request
    if not request_enough:
        assert isinstance(outcome.error, AssociationRejected)
        return
    if theirs.request_signed and not ours.request_signed:
        assert isinstance(outcome, Failed)
        assert not pair.server.associations
        return
    response = theirs.response or sent
    enough = response & ours.response == ours.response and theirs.response_signed >= ours.response_signed
    if enough:
        assert pair.ask(Get(ENERGY)) == Answered(ENERGY_OCTETS)
    else:
        assert not any(isinstance(event, Answered | Associated) for event in pair.client_events)


def test_policies_of_version_0():
    assert policy_version_0(0) == SecurityPolicy()
    assert policy_version_0(1).request == SecurityControl.AUTHENTICATION
    assert policy_version_0(2).response == SecurityControl.ENCRYPTION
    assert policy_version_0(3) == policy_version_1(0b01101100)
    assert policy_version_1(0b10010000) == SecurityPolicy(request_signed=True, response_signed=True)
    for wrong in (-1, 4):
        with pytest.raises(SettingError, match="must be 0 to 3"):
            policy_version_0(wrong)
    for wrong in (1, 2, 0x100):
        with pytest.raises(SettingError, match="reserved"):
            policy_version_1(wrong)


def test_settings_that_cannot_be():
    client, association = protected()
    with pytest.raises(SettingError, match="asks for signatures"):
        replace(client, asymmetric=None)
    with pytest.raises(SettingError, match="asks for signatures"):
        replace(association, asymmetric=None)
    with pytest.raises(SettingError, match="any protection needs them"):
        replace(association, keys=None, authentication=Authentication.NONE)
    with pytest.raises(SettingError, match="master_key has 3 bytes"):
        SecurityKeys(bytes(16), bytes(16), master_key=bytes(3))


@pytest.mark.parametrize("form", ["wrapped", "static"])
def test_transactions_outlive_both_sides(form):
    client, association = protected(policy=0b01101100, **FORMS[form])
    pair = pair_of(client, association)
    pair.associate()
    pair.ask(Get(ENERGY))
    old = pair.sent["client"][-1]
    again = pair_of(client, association, counters=pair.counters, server_counters=pair.server_counters)
    again.associate()
    asked = len(again.device.asked)
    again.arrive("server", old)
    again.run()
    assert len(again.device.asked) == asked
    assert "replay refused" in str(again.server_events[-1].error)
    window = ReceiveWindow(pair.counters.load(client.transactions_name) - 1)
    with pytest.raises(SecurityError, match="replay"):
        window.check(int.from_bytes(decode_apdu(old).header.transaction_id, "big"))


def test_what_a_side_lacks_is_told():
    client, association = protected(policy=0b01101100, key_choice=KeyChoice.WRAPPED)
    without = replace(association.keys, master_key=None)
    pair = pair_of(client, replace(association, keys=without))
    failed = pair.associate()
    assert isinstance(failed.error, ServiceFailed | SecurityError)
    assert "master key, which is not set" in str(pair.server_events[-1].error)
