"""The envelope opens when everything is right, and the first check that fails says so, in the fixed order."""

from __future__ import annotations

from dataclasses import replace

import pytest

import seal_keys as bench
from openami.model.errors import LocalProtocolError, SecurityError, SettingError
from openami.protocols.dlms.apdu import decode_apdu, encode_apdu
from openami.protocols.dlms.asymmetric import AsymmetricKeys
from openami.protocols.dlms.counters import MemoryCounters, Persist, ReceiveWindow, SendCounter, apply
from openami.protocols.dlms.general import GeneralSigning, signed_octets
from openami.protocols.dlms.secure_channel import SecureChannel
from openami.protocols.dlms.security import SecurityKeys, SecuritySuite
from openami.protocols.seal import closing
from openami.protocols.seal.closing import Recipient, seal_command, sign_command
from openami.protocols.seal.gate import CommandAccepted, CommandGate
from openami.protocols.seal.opening import ENVELOPE_BYTES_MAX, Check, CommandRefused, MeterMoment, open_command
from openami.protocols.seal.roles import ROLE_VERBS, Role
from openami.protocols.seal.signed import read_signed
from openami.protocols.seal.verbs import CriticalVerb


def opened(raw, *, seal=bench.METER_SEAL, moment=bench.MOMENT, last=bench.never):
    return open_command(raw, seal, moment, last)


def refused_at(check, raw, **how):
    with pytest.raises(CommandRefused) as refusal:
        opened(raw, **how)
    assert refusal.value.check is check
    return str(refusal.value)


def resigned(raw, **changes):
    """The authority's layer with another header, signed again by the authority itself."""
    apdu = decode_apdu(raw)
    header = replace(apdu.header, **changes)
    content = apdu.content
    return encode_apdu(GeneralSigning(header, content, bench.SIGNER.sign(signed_octets(header, content))))


def sealed(signed):
    return seal_command(signed, bench.GUARD_SEAL, bench.RECIPIENT, 1)


def test_what_was_closed_opens():
    changes = {"execute_at": bench.NOW + 600, "emergency": True, "challenge": bytes(16)}
    found = opened(bench.envelope(7, **changes), moment=MeterMoment(bench.NOW, True, bytes(16)))
    assert found.command == replace(bench.COMMAND, **changes)
    assert (found.counter, found.verb, found.authority.role) == (7, CriticalVerb.DISCONNECT, Role.NETWORK_OPERATOR)
    assert found.command.planned_at == bench.NOW + 600


def test_every_dlms_peer_with_the_keys_opens_the_guards_layer():
    """The outer layer is plain general-ciphering C(0e, 2s): the channel of any association reads it."""
    keys = SecurityKeys(bytes(16), bench.AUTHENTICATION_KEY, suite=SecuritySuite.SUITE_1)
    pair = AsymmetricKeys(
        SecuritySuite.SUITE_1,
        peer_signing=bench.SIGNER.public_key,
        agreement=bench.METER_AGREEMENT._key,
        peer_agreement=bench.GUARD_AGREEMENT.public_key,
    )
    channel = SecureChannel(
        keys, bench.METER, bench.GUARD, SendCounter("s"), ReceiveWindow(), control=0x30, required=0x30, asymmetric=pair
    )
    inner = channel._open_general(decode_apdu(bench.envelope()))[0]
    assert inner == bench.signed()


def test_outer_mac():
    raw = bench.envelope()
    stranger = closing.GuardSeal(bench.GUARD, bench.STRANGER_AGREEMENT)
    refused_at(Check.OUTER_MAC, seal_command(bench.signed(), stranger, bench.RECIPIENT, 1))
    refused_at(Check.OUTER_MAC, bench.signed())
    refused_at(Check.OUTER_MAC, raw + b"\0")
    refused_at(Check.OUTER_MAC, raw[:-1])
    refused_at(Check.OUTER_MAC, bytes(ENVELOPE_BYTES_MAX + 1))
    apdu = decode_apdu(raw)
    for header in (
        replace(apdu.header, originator_system_title=bench.OTHER),
        replace(apdu.header, recipient_system_title=bench.OTHER),
        replace(apdu.header, transaction_id=b"\1"),
    ):
        refused_at(Check.OUTER_MAC, encode_apdu(replace(apdu, header=header)))
    refused_at(Check.OUTER_MAC, encode_apdu(replace(apdu, key_info=None)))
    other_key = Recipient(bench.METER, bench.METER_AGREEMENT.public_key, bytes(16))
    refused_at(Check.OUTER_MAC, seal_command(bench.signed(), bench.GUARD_SEAL, other_key, 1))


def test_lengths_in_another_form_are_refused():
    raw = bench.envelope()
    assert raw[1] == 8
    refused_at(Check.OUTER_MAC, raw[:1] + b"\x81\x08" + raw[2:])


def test_inner_signature():
    refused_at(Check.INNER_SIGNATURE, bench.envelope(signer=bench.STRANGER))
    unknown = sign_command(bench.COMMAND, bench.OTHER, 1, bench.SIGNER)
    assert "no authority" in refused_at(Check.INNER_SIGNATURE, sealed(unknown))
    refused_at(Check.INNER_SIGNATURE, sealed(bench.DISCONNECT))
    refused_at(Check.INNER_SIGNATURE, sealed(b"\xdf"))


@pytest.mark.parametrize("role", Role)
def test_a_role_has_its_verbs_and_no_others(role):
    raw = bench.envelope()
    if CriticalVerb.DISCONNECT in ROLE_VERBS[role]:
        assert opened(raw, seal=bench.trusting(role)).authority.role is role
    else:
        assert "may not disconnect" in refused_at(Check.ROLE_AND_VERB, raw, seal=bench.trusting(role))
    assert CriticalVerb.DETOUR not in ROLE_VERBS[role]


def test_what_the_closed_list_lacks_is_refused_even_signed():
    with pytest.raises(SecurityError, match="closed list"):
        bench.signed(apdu=bytes.fromhex("c101c100010000600101ff020009021234"))
    for apdu in (bench.READ_IMPORT, bytes.fromhex("c101c100010000600101ff020009021234"), b"\xff"):
        header = bench.COMMAND.header(bench.AUTHORITY, 1)
        signature = bench.SIGNER.sign(signed_octets(header, apdu))
        refused_at(Check.ROLE_AND_VERB, sealed(encode_apdu(GeneralSigning(header, apdu, signature))))


def test_a_set_that_selects_is_no_verb():
    selecting = bytes.fromhex("c101c100470000110000ff0301010300" + "0600000000")
    with pytest.raises(SecurityError, match="closed list"):
        bench.signed(apdu=selecting)
    plain = bytes.fromhex("c101c100470000110000ff0300" + "0600000000")
    assert read_signed(bench.signed(apdu=plain), bench.TRUSTED).verb is CriticalVerb.LOAD_LIMIT


@pytest.mark.parametrize(
    ("field", "octets"),
    [
        ("other_information", b""),
        ("other_information", b"\x02\x00" + bytes(4) + bytes(8) + b"\x20" + bytes(32) + b"\0\0"),
        ("other_information", b"\x01\x02" + bytes(4) + bytes(8) + b"\x20" + bytes(32) + b"\0\0"),
        ("other_information", b"\x01\x00" + bytes(4) + bytes(8) + b"\x20" + bytes(32) + b"\0\0"),
        ("other_information", b"\x01\x00\0\0\x0e\x10" + bytes(8) + b"\x81\x20" + bytes(range(32)) + b"\0\0"),
        ("transaction_id", b"\x01"),
        ("date_time", b"\xff" * 12),
        ("date_time", b""),
    ],
)
def test_mandates_that_cannot_be(field, octets):
    refused_at(Check.ROLE_AND_VERB, sealed(resigned(bench.signed(), **{field: octets})))


def test_a_firmware_activation_names_its_image_and_nothing_else_does():
    found = opened(bench.envelope(apdu=bench.ACTIVATE, subject=bytes(32)))
    assert found.verb is CriticalVerb.FIRMWARE_ACTIVATION
    refused_at(Check.ROLE_AND_VERB, bench.envelope(apdu=bench.ACTIVATE))
    refused_at(Check.ROLE_AND_VERB, bench.envelope(subject=bytes(32)))


def test_recipient():
    assert bench.OTHER.hex() in refused_at(Check.RECIPIENT, sealed(bench.signed(recipient=bench.OTHER)))


def test_freshness_by_the_clock():
    raw = bench.envelope()
    assert opened(raw, moment=MeterMoment(bench.NOW + 3600))
    refused_at(Check.FRESHNESS, raw, moment=MeterMoment(bench.NOW + 3601))
    assert opened(raw, moment=MeterMoment(bench.NOW - 300))
    refused_at(Check.FRESHNESS, raw, moment=MeterMoment(bench.NOW - 301))


def test_freshness_by_a_live_challenge_when_the_clock_is_invalid():
    raw, live = bench.envelope(), bytes(range(16))
    refused_at(Check.FRESHNESS, raw, moment=MeterMoment(bench.NOW, False))
    challenged = bench.envelope(challenge=live)
    assert opened(challenged, moment=MeterMoment(0, False, live))
    refused_at(Check.FRESHNESS, challenged, moment=MeterMoment(0, False, bytes(16)))
    refused_at(Check.FRESHNESS, challenged, moment=MeterMoment(0, False))
    refused_at(Check.FRESHNESS, challenged, moment=MeterMoment(bench.NOW))


def test_counter():
    raw = bench.envelope(5)
    assert opened(raw, last=lambda _: 4)
    refused_at(Check.COUNTER, raw, last=lambda _: 5)


def test_commands_that_cannot_be_are_not_made():
    for changes in (
        {"time_to_live_s": 0},
        {"time_to_live_s": 86_401},
        {"execute_at": bench.NOW - 1},
        {"execute_at": bench.NOW + 3601},
        {"approval": b""},
        {"challenge": b"\0"},
        {"subject": b"\0"},
    ):
        with pytest.raises(SettingError):
            replace(bench.COMMAND, **changes)
    for counter in (0, 2**64):
        with pytest.raises(SettingError):
            bench.signed(counter)


def test_the_gate_lets_through_what_is_durable():
    counters = MemoryCounters()
    gate = CommandGate(bench.METER_SEAL, counters.load)
    gate.receive(bench.envelope(9), bench.MOMENT)
    event = gate.next_event()
    assert isinstance(event, Persist)
    assert event.value == 9
    assert gate.next_event() is None
    with pytest.raises(LocalProtocolError):
        gate.receive(bench.envelope(10), bench.MOMENT)
    with pytest.raises(LocalProtocolError):
        gate.persisted(replace(event, value=8))
    gate.persisted(apply(counters, event))
    accepted = gate.next_event()
    assert isinstance(accepted, CommandAccepted)
    assert accepted.signed.counter == 9
    with pytest.raises(LocalProtocolError):
        gate.persisted(event)
    with pytest.raises(CommandRefused):
        gate.receive(bench.envelope(9), bench.MOMENT)
    assert gate.next_event() is None
