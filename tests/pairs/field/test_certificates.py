"""Certificates on the meter: pairs made there, requests answered by an authority, certificates brought and used."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dlms_authority import AGREEMENT, SIGNING, Authority
from dlms_authority import START as ISSUED
from dlms_curves import key
from meter_bench import CLIENT_TITLE, CONFIG, METER_TITLE, START, seeded
from openami.field.meter import codes
from openami.field.meter.curve import SteadyCurve
from openami.field.meter.electricity import ElectricityMeter
from openami.protocols.dlms.access_result import ActionResult
from openami.protocols.dlms.asymmetric import AsymmetricKeys
from openami.protocols.dlms.certificate import read_certificate
from openami.protocols.dlms.cosem.security_setup import (
    CertificateEntity,
    CertificateIdentification,
    CertificateType,
    KeyId,
    SecuritySetup1,
)
from openami.protocols.dlms.data import Data, DataType
from openami.protocols.dlms.key_exchange import (
    AgreementPlan,
    KeyExchangeFailed,
    agree_keys,
    export_certificate,
    import_certificate,
    remove_certificate,
    request_certificate,
    strengthen_policy,
)
from openami.protocols.dlms.policy import policy_version_1
from openami.protocols.dlms.security import SecurityKeys, SecuritySuite
from procedure_pair import MeterPair

SETUP = codes.SECURITY_SETUP
SIGN, AGREE = CertificateType.DIGITAL_SIGNATURE, CertificateType.KEY_AGREEMENT
SERVER, CLIENT, CA = CertificateEntity.SERVER, CertificateEntity.CLIENT, CertificateEntity.CERTIFICATION_AUTHORITY
SUITES = (SecuritySuite.SUITE_1, SecuritySuite.SUITE_2)


def keys_of(suite: SecuritySuite) -> SecurityKeys:
    size = suite.key_size
    return SecurityKeys(seeded(1)(size), seeded(2)(size), suite=suite)


def trusting_meter(authority: Authority, **changes: Any) -> ElectricityMeter:
    config = replace(CONFIG, keys=keys_of(SecuritySuite(authority.suite)), authorities=(authority.der,), **changes)
    return ElectricityMeter(config, SteadyCurve(1), START, None, seeded(3))


def manager(meter: ElectricityMeter, **changes: Any) -> MeterPair:
    return MeterPair(meter, keys=meter.config.keys, **changes)


def certified(pair: MeterPair, authority: Authority, kind: CertificateType = SIGN) -> bytes:
    """The meter makes a pair, the authority certifies it, the meter takes the certificate."""
    der = authority.answer(pair.perform(request_certificate(kind)), SIGNING if kind is SIGN else AGREEMENT)
    pair.perform(import_certificate(der))
    return der


@pytest.mark.parametrize("suite", SUITES)
def test_from_a_bare_meter_to_signed_requests_and_agreed_keys(suite: SecuritySuite) -> None:
    authority = Authority(suite)
    meter, own = trusting_meter(authority), key(1, suite)
    pair = manager(meter)
    server = read_certificate(certified(pair, authority))
    assert server.system_title == METER_TITLE
    pair.perform(import_certificate(authority.certify(own.public_key(), CLIENT_TITLE)))
    asymmetric = AsymmetricKeys(suite, own, server.public_key)
    plan = AgreementPlan(meter.config.keys, asymmetric, CLIENT_TITLE, METER_TITLE, seeded(4))
    new = pair.perform(agree_keys(plan, (KeyId.GLOBAL_UNICAST_ENCRYPTION_KEY, KeyId.AUTHENTICATION_KEY)))
    again = MeterPair(meter, keys=new, asymmetric=asymmetric)
    again.perform(strengthen_policy(0xFC))
    signing = MeterPair(meter, keys=new, asymmetric=asymmetric, policy=policy_version_1(0xFC))
    assert signing.read(SecuritySetup1.security_policy, SETUP) == 0xFC


def test_a_new_pair_is_used_when_its_certificate_is_there_and_not_before() -> None:
    authority = Authority()
    meter = trusting_meter(authority)
    pair, state = manager(meter), meter.security.shared
    certified(pair, authority)
    first = state.record.private_keys[SIGN]
    request = pair.perform(request_certificate(SIGN))
    assert state.record.private_keys[SIGN] == first
    pair.perform(import_certificate(authority.answer(request)))
    assert state.record.private_keys[SIGN] != first
    assert [one.type for one in state.certificates() if not one.authority] == [SIGN], "it took the place of the old"


def test_what_is_held_is_listed_exported_and_removed() -> None:
    authority = Authority()
    meter = trusting_meter(authority)
    pair = manager(meter)
    signing, agreeing = certified(pair, authority), certified(pair, authority, AGREE)
    infos = pair.read(SecuritySetup1.certificates, SETUP)
    assert [(one.certificate_entity, one.certificate_type) for one in infos] == [
        (CA, CertificateType.OTHER),
        (SERVER, SIGN),
        (SERVER, AGREE),
    ]
    assert pair.perform(export_certificate(SERVER, SIGN, METER_TITLE)) == signing
    info = infos[2]
    options = (Data(DataType.OCTET_STRING, info.serial_number), Data(DataType.OCTET_STRING, info.issuer))
    by_number = CertificateIdentification(1, Data(DataType.STRUCTURE, options))
    _, exported = pair.invoke(SecuritySetup1.export_certificate, SETUP, by_number)
    assert exported is not None
    assert exported.value == agreeing
    pair.perform(remove_certificate(SERVER, AGREE, METER_TITLE))
    with pytest.raises(KeyExchangeFailed, match="does it hold that one"):
        pair.perform(export_certificate(SERVER, AGREE, METER_TITLE))
    with pytest.raises(KeyExchangeFailed, match="can it do without"):
        pair.perform(remove_certificate(CA, CertificateType.OTHER, b""))


def test_an_authority_below_a_trusted_one_may_issue_once_it_was_brought() -> None:
    root = Authority()
    below = Authority(number=78, name="Below", above=root)
    meter, own = trusting_meter(root), key(1, SecuritySuite.SUITE_1).public_key()
    pair = manager(meter)
    der = below.certify(own, CLIENT_TITLE)
    with pytest.raises(KeyExchangeFailed):
        pair.perform(import_certificate(der))
    pair.perform(import_certificate(below.der))
    pair.perform(import_certificate(der))
    assert pair.perform(export_certificate(CLIENT, SIGN, CLIENT_TITLE)) == der


def refused(case: str, authority: Authority) -> bytes:
    own = key(1, SecuritySuite.SUITE_1).public_key()
    good = authority.certify(own, CLIENT_TITLE)
    return {
        "nobody knows the authority": Authority(number=99).certify(own, CLIENT_TITLE),
        "another with the authority's name": Authority(number=99, name="Test Authority").certify(own, CLIENT_TITLE),
        "not valid any more": authority.certify(own, CLIENT_TITLE, days=1),
        "not valid yet": authority.certify(own, CLIENT_TITLE, start=ISSUED + timedelta(days=3000)),
        "of another suite": authority.certify(key(1, SecuritySuite.SUITE_2).public_key(), CLIENT_TITLE),
        "the meter's own title and a key of a stranger": authority.certify(own, METER_TITLE),
        "altered": good[:-1] + bytes((good[-1] ^ 1,)),
        "cut short": good[:-5],
        "nothing": b"",
        "far too long": good + bytes(5000),
    }[case]


CASES = (
    "nobody knows the authority", "another with the authority's name", "not valid any more", "not valid yet",
    "of another suite", "the meter's own title and a key of a stranger", "altered", "cut short", "nothing",
    "far too long",
)  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_is_refused_changes_nothing(case: str) -> None:
    authority = Authority()
    meter = trusting_meter(authority)
    before = meter.security.shared.record
    with pytest.raises(KeyExchangeFailed, match="issued by an authority that the meter trusts"):
        manager(meter).perform(import_certificate(refused(case, authority)))
    assert meter.security.shared.record == before


def test_a_certificate_that_the_policy_needs_stays() -> None:
    authority, own = Authority(), key(1, SecuritySuite.SUITE_1)
    meter = trusting_meter(authority)
    pair = manager(meter)
    server = read_certificate(certified(pair, authority))
    pair.perform(import_certificate(authority.certify(own.public_key(), CLIENT_TITLE)))
    pair.perform(strengthen_policy(0x7C))
    asymmetric = AsymmetricKeys(SecuritySuite.SUITE_1, own, server.public_key)
    signing = manager(meter, asymmetric=asymmetric, policy=policy_version_1(0x7C))
    for entity, title in ((SERVER, METER_TITLE), (CLIENT, CLIENT_TITLE)):
        with pytest.raises(KeyExchangeFailed, match="can it do without"):
            signing.perform(remove_certificate(entity, SIGN, title))


def test_the_store_is_bounded() -> None:
    authority, own = Authority(), key(1, SecuritySuite.SUITE_1).public_key()
    meter = trusting_meter(authority)
    pair = manager(meter)
    for number in range(15):
        pair.perform(import_certificate(authority.certify(own, b"OAC\0\0\0\1" + bytes((number,)))))
    with pytest.raises(KeyExchangeFailed):
        pair.perform(import_certificate(authority.certify(own, CLIENT_TITLE)))
    assert len(meter.security.shared.record.certificates) == 16


def test_suite_0_and_kinds_that_are_none_make_no_pairs() -> None:
    meter = trusting_meter(Authority())
    with pytest.raises(KeyExchangeFailed):
        manager(meter).perform(request_certificate(CertificateType.OTHER))
    plain = ElectricityMeter(CONFIG, SteadyCurve(1), START, None, seeded(3))
    result, _ = MeterPair(plain).invoke(SecuritySetup1.generate_key_pair, SETUP, SIGN)
    assert result == ActionResult.OBJECT_UNDEFINED
