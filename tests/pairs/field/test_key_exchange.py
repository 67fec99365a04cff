"""SecuritySetup of our meter, driven by our client: keys transferred and agreed, policies raised, nobody locked out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from dlms_curves import curves, strangers
from meter_bench import CLIENT_TITLE, CONFIG, KEYS, METER_TITLE, START, make_meter, seeded
from openami.field.meter import codes
from openami.field.meter.access import GUARD, READING
from openami.field.meter.curve import SteadyCurve
from openami.field.meter.electricity import ElectricityMeter
from openami.field.meter.security_record import MemoryRecords
from openami.field.meter.security_role import SecurityRole
from openami.model.errors import SettingError
from openami.model.event import EventCode
from openami.protocols.dlms.access_result import ActionResult
from openami.protocols.dlms.client_request import ClientState
from openami.protocols.dlms.cosem import data as cosem_data
from openami.protocols.dlms.cosem.disconnect_control import DisconnectControl
from openami.protocols.dlms.cosem.security_setup import KeyData, KeyId, SecuritySetup, SecuritySetup1
from openami.protocols.dlms.key_agreement import wrap_key
from openami.protocols.dlms.key_exchange import (
    AgreementPlan,
    KeyExchangeFailed,
    agree_keys,
    key_of,
    strengthen_policy,
    transfer_keys,
    with_key,
)
from openami.protocols.dlms.policy import policy_version_0, policy_version_1
from openami.protocols.dlms.security import SecurityKeys, SecuritySuite
from procedure_pair import MeterPair

MASTER = bytes(range(64, 80))
FULL = replace(KEYS, master_key=MASTER)
SETUP = codes.SECURITY_SETUP


def fresh(seed: int, size: int = 16) -> bytes:
    return seeded(seed)(size)


def suite_keys(suite: SecuritySuite) -> SecurityKeys:
    size = suite.key_size
    return SecurityKeys(fresh(1, size), fresh(2, size), None, None, suite, fresh(3, size))


def lasting_meter(records: MemoryRecords, counters: Any, **changes: Any) -> ElectricityMeter:
    """The meter after a restart: what is durable is all that it knows."""
    config = replace(CONFIG, **{"keys": FULL, **changes})
    return ElectricityMeter(config, SteadyCurve(1000), START, counters, seeded(5), records)


def associates(meter: ElectricityMeter, keys: SecurityKeys, **settings: Any) -> bool:
    """Whether a client with these keys gets an answer."""
    return answers(MeterPair(meter, keys=keys, **settings))


def answers(pair: MeterPair) -> bool:
    return pair.client.state is ClientState.ASSOCIATED and not pair.ask_fails()


def events(meter: ElectricityMeter) -> list[int]:
    return [row[-1] for row in meter.event_log.records().tolist()]


@pytest.mark.parametrize("key_id", KeyId)
def test_each_key_is_transferred_and_in_force(key_id: KeyId) -> None:
    meter = make_meter(keys=FULL)
    pair, new = MeterPair(meter, keys=FULL), with_key(FULL, key_id, fresh(9))
    assert pair.perform(transfer_keys(FULL, new)) == new
    assert pair.kept == [new], "the client had it before it was sent"
    assert meter.security.shared.record.keys == new
    assert associates(meter, new)
    secret = key_id in (KeyId.GLOBAL_UNICAST_ENCRYPTION_KEY, KeyId.AUTHENTICATION_KEY)
    assert associates(meter, FULL) is not secret, "the former keys went with the first use of the new ones"
    assert events(meter)[-1] in (EventCode.KEYS_CHANGED, EventCode.AUTHENTICATION_FAILED)


def test_keys_under_a_new_master_key_are_the_next_that_are_taken() -> None:
    meter = make_meter(keys=FULL)
    second = with_key(FULL, KeyId.MASTER_KEY, fresh(4))
    MeterPair(meter, keys=FULL).perform(transfer_keys(FULL, second))
    third = with_key(second, KeyId.GLOBAL_UNICAST_ENCRYPTION_KEY, fresh(5))
    pair = MeterPair(meter, keys=second)
    with pytest.raises(KeyExchangeFailed, match="is the master key that of this meter"):
        pair.perform(transfer_keys(FULL, with_key(FULL, KeyId.AUTHENTICATION_KEY, fresh(5))))
    pair.perform(transfer_keys(second, third))
    assert associates(meter, third)


def test_a_live_association_goes_on_with_old_or_new_keys_until_the_new_ones_are_used() -> None:
    meter = make_meter(keys=FULL)
    pair = MeterPair(meter, keys=FULL)
    new = with_key(FULL, KeyId.GLOBAL_UNICAST_ENCRYPTION_KEY, fresh(6))
    pair.perform(transfer_keys(FULL, new))
    assert pair.read(SecuritySetup.security_suite, SETUP) == 0, "the client has not changed its keys yet"
    pair.client._protection.channel.keys = new
    assert pair.read(SecuritySetup.security_suite, SETUP) == 0
    assert meter.security.shared.record.former is None
    assert not associates(meter, FULL)


@pytest.mark.parametrize(
    "wrapped",
    [
        pytest.param(lambda: wrap_key(fresh(8), fresh(7)), id="another master key"),
        pytest.param(lambda: wrap_key(MASTER, fresh(7, 32)), id="a key of another size"),
        pytest.param(lambda: wrap_key(MASTER, fresh(7))[:-1] + b"\0", id="altered"),
        pytest.param(lambda: b"", id="nothing"),
    ],
)
def test_one_key_that_does_not_open_and_none_is_taken(wrapped: Callable[[], bytes]) -> None:
    meter = make_meter(keys=FULL)
    pair = MeterPair(meter, keys=FULL)
    good = KeyData(KeyId.AUTHENTICATION_KEY, wrap_key(MASTER, fresh(7)))
    data = (good, KeyData(KeyId.GLOBAL_UNICAST_ENCRYPTION_KEY, wrapped()))
    assert pair.invoke(SecuritySetup.global_key_transfer, SETUP, data)[0] == ActionResult.OTHER_REASON
    assert meter.security.shared.record.keys == FULL
    assert events(meter)[-1] == EventCode.KEY_EXCHANGE_FAILED
    assert pair.invoke(SecuritySetup.global_key_transfer, SETUP, (good, good))[0] == ActionResult.OTHER_REASON
    assert pair.invoke(SecuritySetup.global_key_transfer, SETUP, ())[0] == ActionResult.OTHER_REASON


def test_without_a_master_key_nothing_is_transferred() -> None:
    with pytest.raises(SettingError, match="master_key is not set"):
        next(transfer_keys(KEYS, FULL))
    with pytest.raises(SettingError, match="no new key"):
        next(transfer_keys(FULL, FULL))
    pair = MeterPair(make_meter())
    with pytest.raises(KeyExchangeFailed, match="other-reason"):
        pair.perform(transfer_keys(FULL, with_key(FULL, KeyId.AUTHENTICATION_KEY, fresh(7))))


@pytest.mark.parametrize("steps", range(5))
def test_wherever_a_transfer_is_killed_a_client_with_what_it_kept_comes_in(steps: int) -> None:
    """The meter dies after `steps` of its savings, or its answer is lost; the client has the old keys and the new."""
    records = Dying(steps)
    meter = lasting_meter(records, None)
    counters, new = meter.counters, with_key(FULL, KeyId.GLOBAL_UNICAST_ENCRYPTION_KEY, fresh(6))
    kept = [FULL]
    try:
        pair = MeterPair(meter, keys=FULL)
        pair.tamper = lambda sender, apdu: () if sender == "server" else (apdu,)
        procedure = transfer_keys(FULL, new)
        kept.append(next(procedure).keys)
        pair.client.send(procedure.send(None), pair.now)
        pair.run()
        associates(meter, new)
    except Killed:
        pass
    records.left = 100
    again = lasting_meter(records, counters)
    assert any(associates(again, keys) for keys in kept)
    assert again.security.shared.record.keys in kept


class Killed(Exception):
    """The power failed while saving."""


class Dying(MemoryRecords):
    def __init__(self, left: int) -> None:
        super().__init__()
        self.left = left

    def save(self, name: str, octets: bytes) -> None:
        if self.left <= 0:
            raise Killed
        self.left -= 1
        super().save(name, octets)


def test_a_key_that_could_not_be_kept_is_not_in_force() -> None:
    meter = lasting_meter(Dying(0), None)
    pair = MeterPair(meter, keys=FULL)
    with pytest.raises(Killed):
        pair.perform(transfer_keys(FULL, with_key(FULL, KeyId.AUTHENTICATION_KEY, fresh(7))))
    assert meter.security.shared.record.keys == FULL


def test_new_keys_policies_and_windows_survive_a_restart() -> None:
    records = MemoryRecords()
    meter = lasting_meter(records, None, security_policy=1)
    new = with_key(FULL, KeyId.GLOBAL_UNICAST_ENCRYPTION_KEY, fresh(6))
    pair = MeterPair(meter, keys=FULL, policy=policy_version_0(1))
    pair.perform(transfer_keys(FULL, new))
    MeterPair(meter, keys=new, policy=policy_version_0(1)).perform(strengthen_policy(3))
    again = lasting_meter(records, meter.counters, security_policy=1)
    assert again.security.shared.record.policy == 3
    assert not associates(again, FULL)
    assert associates(again, new)
    old = FULL.global_unicast_encryption_key
    assert again.server_state.window(1, CLIENT_TITLE, old).last > 0, "an old key that returned would find its window"


def test_counters_may_begin_anew_under_a_new_key_and_never_under_one_that_returns() -> None:
    meter = make_meter(keys=FULL)
    key_id = KeyId.GLOBAL_UNICAST_ENCRYPTION_KEY
    new = with_key(FULL, key_id, fresh(6))
    first = MeterPair(meter, keys=FULL)
    first.perform(transfer_keys(FULL, new))
    last = meter.server_state.window(1, CLIENT_TITLE, FULL.global_unicast_encryption_key).last
    assert meter.server_state.window(1, CLIENT_TITLE, fresh(6)).last == -1
    second = MeterPair(meter, keys=new)
    second.perform(transfer_keys(new, FULL))
    third = MeterPair(meter, keys=FULL)
    assert third.client.state is ClientState.ASSOCIATED
    assert meter.server_state.window(1, CLIENT_TITLE, FULL.global_unicast_encryption_key).last > last


# Policies


def test_a_policy_becomes_stronger_at_once_and_never_weaker() -> None:
    meter = make_meter(keys=FULL, security_policy=1)
    pair = MeterPair(meter, keys=FULL, policy=policy_version_0(1))
    assert pair.client.state is ClientState.ASSOCIATED
    with pytest.raises(KeyExchangeFailed, match="only becomes stronger"):
        pair.perform(strengthen_policy(2))
    pair.perform(strengthen_policy(3))
    assert pair.ask_fails(), "authenticated alone is too little now"
    assert not associates(meter, FULL, policy=policy_version_0(1))
    again = MeterPair(meter, keys=FULL)
    for weaker in (0, 1, 2):
        with pytest.raises(KeyExchangeFailed):
            again.perform(strengthen_policy(weaker))
    assert again.read(SecuritySetup.security_policy, SETUP) == 3


def test_version_1_numbers_policies_by_bits_and_wants_keys_before_signatures() -> None:
    keys = suite_keys(SecuritySuite.SUITE_1)
    meter = make_meter(keys=keys)
    pair = MeterPair(meter, keys=keys)
    assert pair.read(SecuritySetup1.security_policy, SETUP) == 0x6C
    for refused in (0x4C, 0x6D, 0x7C):
        with pytest.raises(KeyExchangeFailed):
            pair.perform(strengthen_policy(refused))
    client, server = curves()
    signing = make_meter(keys=keys, asymmetric=server)
    pair = MeterPair(signing, keys=keys, asymmetric=client)
    pair.perform(strengthen_policy(0x7C))
    assert not signing.security.shared.association(meter.clients[1].authentication).security_policy.response_signed
    assert pair.ask_fails(), "a request without a signature is refused from now on"
    signed = MeterPair(signing, keys=keys, asymmetric=client, policy=policy_version_1(0x7C))
    assert signed.read(SecuritySetup1.security_policy, SETUP) == 0x7C


# Agreement


@pytest.mark.parametrize("suite", [SecuritySuite.SUITE_1, SecuritySuite.SUITE_2])
def test_keys_are_agreed_and_in_force(suite: SecuritySuite) -> None:
    keys, (client, server) = suite_keys(suite), curves(suite)
    meter = ElectricityMeter(replace(CONFIG, keys=keys, asymmetric=server), SteadyCurve(1), START, None, seeded(3))
    pair = MeterPair(meter, keys=keys)
    plan = AgreementPlan(keys, client, CLIENT_TITLE, METER_TITLE, seeded(4))
    new = pair.perform(agree_keys(plan, tuple(KeyId)))
    assert pair.kept == [new]
    assert meter.security.shared.record.keys == new
    assert len({key_of(new, one) for one in KeyId} | {key_of(keys, one) for one in KeyId} - {None}) == 7
    assert associates(meter, new)
    assert not associates(meter, keys)


def test_an_answer_that_was_lost_locks_nobody_out() -> None:
    keys, (client, server) = suite_keys(SecuritySuite.SUITE_1), curves()
    meter = ElectricityMeter(replace(CONFIG, keys=keys, asymmetric=server), SteadyCurve(1), START, None, seeded(3))
    pair = MeterPair(meter, keys=keys)
    procedure = agree_keys(
        AgreementPlan(keys, client, CLIENT_TITLE, METER_TITLE, seeded(4)), (KeyId.GLOBAL_UNICAST_ENCRYPTION_KEY,)
    )
    pair.tamper = lambda sender, apdu: () if sender == "server" else (apdu,)
    pair.client.send(next(procedure), pair.now)
    pair.run()
    assert meter.security.shared.record.keys != keys
    again = MeterPair(meter, keys=keys)
    new = again.perform(
        agree_keys(
            AgreementPlan(keys, client, CLIENT_TITLE, METER_TITLE, seeded(6)), (KeyId.GLOBAL_UNICAST_ENCRYPTION_KEY,)
        )
    )
    assert associates(meter, new)
    assert not associates(meter, keys)


def test_whom_the_meter_does_not_know_agrees_on_nothing() -> None:
    keys, (_, server) = suite_keys(SecuritySuite.SUITE_1), curves()
    meter = ElectricityMeter(replace(CONFIG, keys=keys, asymmetric=server), SteadyCurve(1), START, None, seeded(3))
    pair = MeterPair(meter, keys=keys)
    plan = AgreementPlan(keys, strangers()[0], CLIENT_TITLE, METER_TITLE, seeded(4))
    with pytest.raises(KeyExchangeFailed, match="does the meter hold our signing certificate"):
        pair.perform(agree_keys(plan, (KeyId.AUTHENTICATION_KEY,)))
    assert meter.security.shared.record.keys == keys
    assert events(meter)[-1] == EventCode.KEY_EXCHANGE_FAILED


def test_a_meter_that_is_another_is_not_believed() -> None:
    keys, (client, _) = suite_keys(SecuritySuite.SUITE_1), curves()
    other = strangers()[1]
    meter = ElectricityMeter(replace(CONFIG, keys=keys, asymmetric=other), SteadyCurve(1), START, None, seeded(3))
    pair = MeterPair(meter, keys=keys)
    plan = AgreementPlan(keys, client, CLIENT_TITLE, METER_TITLE, seeded(4))
    with pytest.raises(KeyExchangeFailed, match="not to be trusted"):
        pair.perform(agree_keys(plan, (KeyId.AUTHENTICATION_KEY,)))
    assert pair.kept == []


def test_a_meter_without_randomness_of_its_own_makes_no_keys() -> None:
    keys, (client, server) = suite_keys(SecuritySuite.SUITE_1), curves()
    pair = MeterPair(make_meter(keys=keys, asymmetric=server), keys=keys)
    with pytest.raises(KeyExchangeFailed):
        pair.perform(
            agree_keys(AgreementPlan(keys, client, CLIENT_TITLE, METER_TITLE, seeded(4)), (KeyId.AUTHENTICATION_KEY,))
        )


# Roles


READER_KEYS, GUARD_KEYS = (SecurityKeys(fresh(n), fresh(n + 1), master_key=fresh(n + 2)) for n in (20, 30))
READER_TITLE, GUARD_TITLE = b"OAC\x00\x00\x00\x00\x0a", b"OAC\x00\x00\x00\x00\x0b"
ROLES = {
    READING: SecurityRole(keys=READER_KEYS, client_system_title=READER_TITLE),
    GUARD: SecurityRole(keys=GUARD_KEYS, client_system_title=GUARD_TITLE),
}


def as_role(meter: ElectricityMeter, sap: int, **changes: Any) -> MeterPair:
    who: dict[int, dict[str, Any]] = {
        1: {"keys": FULL},
        READING: {"keys": READER_KEYS, "system_title": READER_TITLE},
        GUARD: {"keys": GUARD_KEYS, "system_title": GUARD_TITLE},
    }
    return MeterPair(meter, client_sap=sap, **{**who[sap], **changes})


def test_each_role_has_an_address_keys_a_setup_and_a_counter_of_its_own() -> None:
    meter = make_meter(keys=FULL, client_system_title=CLIENT_TITLE, roles=ROLES)
    for sap in (1, READING, GUARD):
        pair = as_role(meter, sap)
        assert pair.client.state is ClientState.ASSOCIATED
        setup = codes.own_setup(sap) if sap in ROLES else SETUP
        assert pair.read(SecuritySetup.security_suite, setup) == 0
        counter = codes.own_counter(sap) if sap in ROLES else codes.INVOCATION_COUNTER
        key = meter.security.of(sap).record.keys.global_unicast_encryption_key
        title = meter.security.of(sap).role.client_system_title
        assert title is not None
        read = pair.read(cosem_data.Data.value, counter).value
        assert read == meter.server_state.window(sap, title, key).last
    for sap, other in ((1, READING), (READING, GUARD), (GUARD, 1)):
        assert not answers(as_role(meter, sap, keys=meter.security.of(other).record.keys))


def test_where_there_is_a_guard_only_it_does_what_is_critical() -> None:
    meter = make_meter(keys=FULL, client_system_title=CLIENT_TITLE, roles=ROLES)
    code = codes.DISCONNECT_CONTROL
    for sap, result in ((1, ActionResult.READ_WRITE_DENIED), (READING, ActionResult.READ_WRITE_DENIED), (GUARD, 0)):
        assert as_role(meter, sap).invoke(DisconnectControl.remote_disconnect, code)[0] == result
    assert not meter.disconnector.connected
    without = make_meter(keys=FULL)
    assert MeterPair(without, keys=FULL).invoke(DisconnectControl.remote_disconnect, code)[0] == 0


def test_the_guard_changes_the_readers_keys_and_the_reader_does_not() -> None:
    meter = make_meter(keys=FULL, client_system_title=CLIENT_TITLE, roles=ROLES)
    new = with_key(READER_KEYS, KeyId.GLOBAL_UNICAST_ENCRYPTION_KEY, fresh(50))
    setup = codes.own_setup(READING)
    with pytest.raises(KeyExchangeFailed, match="read-write-denied"):
        as_role(meter, READING).perform(transfer_keys(READER_KEYS, new, setup))
    as_role(meter, GUARD).perform(transfer_keys(READER_KEYS, new, setup))
    assert answers(as_role(meter, READING, keys=new))
    assert not answers(as_role(meter, READING))
    assert answers(as_role(meter, GUARD)), "the others keep theirs"


def test_a_role_says_what_is_wrong_with_it() -> None:
    with pytest.raises(SettingError, match="client_system_title has 3 bytes"):
        SecurityRole(keys=KEYS, client_system_title=b"abc")
    with pytest.raises(SettingError, match="asymmetric keys are of suite 1"):
        SecurityRole(keys=KEYS, asymmetric=curves()[0])
    with pytest.raises(SettingError, match="must be 0 to 3"):
        SecurityRole(keys=KEYS, policy=4)
    with pytest.raises(SettingError, match="roles has client 200"):
        make_meter(roles={200: ROLES[READING]})
