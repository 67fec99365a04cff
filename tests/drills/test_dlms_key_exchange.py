"""Adversaries who want keys of their own in the meter, or old ones back; each drill has a twin without its guard."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dlms_authority import Authority
from dlms_curves import curves, key, strangers
from dlms_drills import Drills, forget, ignore
from meter_bench import CLIENT_TITLE, CONFIG, KEYS, METER_TITLE, START, make_meter, seeded
from openami.field.meter import access, certificate_store, codes, security_setup
from openami.field.meter.access import GUARD
from openami.field.meter.curve import SteadyCurve
from openami.field.meter.electricity import ElectricityMeter
from openami.field.meter.security_role import SecurityRole
from openami.field.meter.security_state import SecurityState
from openami.model.errors import OpenAmiError
from openami.protocols.dlms import asymmetric
from openami.protocols.dlms.client_request import ClientState
from openami.protocols.dlms.cosem.disconnect_control import DisconnectControl
from openami.protocols.dlms.cosem.security_setup import KeyId
from openami.protocols.dlms.counters import ReceiveWindow
from openami.protocols.dlms.key_exchange import (
    AgreementPlan,
    agree_keys,
    import_certificate,
    strengthen_policy,
    transfer_keys,
    with_key,
)
from openami.protocols.dlms.policy import policy_version_0
from openami.protocols.dlms.security import SecurityKeys, SecuritySuite
from procedure_pair import MeterPair

DRILLS = Drills()
drill = DRILLS.drill
SUITE = SecuritySuite.SUITE_1
MASTERED = replace(KEYS, master_key=bytes(range(64, 80)))
CURVED = replace(KEYS, suite=SUITE)


def meter_of_suite_1(**changes):
    config = replace(CONFIG, keys=CURVED, **changes)
    return ElectricityMeter(config, SteadyCurve(1), START, None, seeded(3))


def answered(pair):
    return pair.client.state is ClientState.ASSOCIATED and not pair.ask_fails()


def tries(pair, procedure):
    try:
        pair.perform(procedure)
    except (OpenAmiError, AttributeError):
        return


@drill(forget(security_setup, "check_stronger", ignore))
def a_policy_is_never_weakened():
    """Whoever holds the management keys would like to talk without a tag from now on."""
    meter = make_meter(keys=MASTERED)
    tries(MeterPair(meter, keys=MASTERED), strengthen_policy(0))
    assert meter.security.shared.record.policy == 3


@drill(forget(asymmetric, "verify_signature", ignore))
def keys_are_agreed_with_the_signer_only():
    """The symmetric keys have leaked; their finder agrees on new ones and locks the utility out."""
    meter = meter_of_suite_1(asymmetric=curves()[1])
    plan = AgreementPlan(CURVED, strangers()[0], CLIENT_TITLE, METER_TITLE, seeded(9))
    tries(MeterPair(meter, keys=CURVED), agree_keys(plan, (KeyId.AUTHENTICATION_KEY,)))
    assert meter.security.shared.record.keys == CURVED


@drill(forget(certificate_store, "check_issued", ignore))
def a_certificate_of_an_unknown_authority_is_not_taken():
    """He brings a client certificate of his own making, to sign with afterwards."""
    meter = meter_of_suite_1(authorities=(Authority().der,))
    forged = Authority(number=99, name="Test Authority").certify(key(7, SUITE).public_key(), CLIENT_TITLE)
    tries(MeterPair(meter, keys=CURVED), import_certificate(forged))
    assert len(meter.security.shared.record.certificates) == 1


@drill(forget(certificate_store, "_with_own_pair", lambda state, _new: state.record))
def the_meters_own_certificate_is_of_a_key_that_it_made():
    """An authority was deceived into certifying a stranger's key for the meter's title."""
    authority = Authority()
    meter = meter_of_suite_1(authorities=(authority.der,), asymmetric=curves()[1])
    tries(MeterPair(meter, keys=CURVED), import_certificate(authority.certify(key(7, SUITE).public_key(), METER_TITLE)))
    assert len(meter.security.shared.record.certificates) == 1


@drill(forget(SecurityState, "proven", ignore))
def former_keys_are_worth_nothing_once_the_new_ones_were_used():
    meter = make_meter(keys=MASTERED)
    new = with_key(MASTERED, KeyId.GLOBAL_UNICAST_ENCRYPTION_KEY, seeded(4)(16))
    MeterPair(meter, keys=MASTERED).perform(transfer_keys(MASTERED, new))
    assert answered(MeterPair(meter, keys=new))
    if answered(MeterPair(meter, keys=MASTERED)):
        pytest.fail("the thief of the old keys still comes in")


@drill(forget(ReceiveWindow, "check", ignore))
def what_was_recorded_under_a_key_is_not_replayed_when_the_key_returns():
    """Restored from a backup, the old key is transferred again; a recorded request of its first life is sent anew."""
    meter = make_meter(keys=MASTERED)
    new = with_key(MASTERED, KeyId.GLOBAL_UNICAST_ENCRYPTION_KEY, seeded(4)(16))
    first = MeterPair(meter, keys=MASTERED)
    first.invoke(DisconnectControl.remote_disconnect, codes.DISCONNECT_CONTROL)
    recorded = first.sent["client"][-1]
    first.invoke(DisconnectControl.remote_reconnect, codes.DISCONNECT_CONTROL)
    first.perform(transfer_keys(MASTERED, new))
    second = MeterPair(meter, keys=new)
    second.perform(transfer_keys(new, MASTERED))
    third = MeterPair(meter, keys=MASTERED)
    assert answered(third)
    third.arrive("server", recorded)
    third.run()
    assert meter.disconnector.connected


@drill(forget(access, "CRITICAL", {}))
def where_there_is_a_guard_the_management_keys_switch_nothing():
    """An operator's keys have leaked; those of the guard have not."""
    guard = SecurityRole(keys=SecurityKeys(seeded(5)(16), seeded(6)(16)))
    meter = make_meter(keys=MASTERED, roles={GUARD: guard})
    MeterPair(meter, keys=MASTERED).invoke(DisconnectControl.remote_disconnect, codes.DISCONNECT_CONTROL)
    assert meter.disconnector.connected


@drill(forget(SecurityState, "change", lambda state, record: setattr(state, "record", record)))
def a_stronger_policy_holds_in_associations_that_were_there_before():
    """Somebody keeps an association open that began under the weak policy. (Without `change`, nobody hears of it.)"""
    meter = make_meter(keys=MASTERED, security_policy=1)
    weak = policy_version_0(1)
    settings = meter.server_settings().associations[1]
    pair, other = MeterPair(meter, keys=MASTERED, policy=weak), MeterPair(meter, keys=MASTERED, policy=weak)
    assert answered(pair)
    assert settings.security_policy == weak
    other.perform(strengthen_policy(3))
    assert not answered(pair)


@pytest.mark.parametrize("name", DRILLS)
def test_guard_holds(name):
    DRILLS[name].attack()


@pytest.mark.parametrize("name", DRILLS)
def test_twin_without_the_guard_falls(name, monkeypatch):
    DRILLS.fall(name, monkeypatch)
