"""The seal at its bounds: the greatest and least of everything, what is said where, and what is never shown."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from dataclasses import replace
from hashlib import sha256

import pytest

import seal_keys as bench
from openami.model.errors import DecodeError, LocalProtocolError, SecurityError, SettingError
from openami.protocols.dlms.apdu import decode_apdu, encode_apdu
from openami.protocols.dlms.counters import MemoryCounters
from openami.protocols.dlms.general import GeneralSigning, signed_octets
from openami.protocols.seal import opening, passkey
from openami.protocols.seal.approval import COMMANDS_MAX, ApprovalRecord, CommandList, Intent
from openami.protocols.seal.closing import seal_command
from openami.protocols.seal.command import TIME_TO_LIVE_MAX_S
from openami.protocols.seal.gate import CommandGate
from openami.protocols.seal.objects import CHALLENGE, SEALED_COMMAND
from openami.protocols.seal.opening import Check, CommandRefused, MeterMoment, open_command
from openami.protocols.seal.passkey import Assertion, RelyingParty, verify_assertion
from openami.protocols.seal.signed import read_signed
from openami.protocols.seal.software_authenticator import SoftwareAuthenticator
from openami.protocols.wire.declared import codec_of, decode_all, encode_all

PARTY = RelyingParty("openami.localhost", ("https://openami.localhost",))
INTENT = Intent(bench.METER, bench.DISCONNECT, 900)


def refusal(raw, *, seal=bench.METER_SEAL, moment=bench.MOMENT):
    with pytest.raises(CommandRefused) as refused:
        open_command(raw, seal, moment, bench.never)
    return str(refused.value)


def mandate(**changes):
    """A mandate in which nothing is wrong but what `changes` say."""
    parts = {
        "version": b"\x01",
        "flags": b"\x00",
        "ttl": (3600).to_bytes(4, "big"),
        "at": bytes(8),
        "approval": b"\x20" + bytes(range(32)),
        "challenge": b"\x00",
        "subject": b"\x00",
    }
    return b"".join((parts | changes).values())


def resigned(**changes):
    apdu = decode_apdu(bench.signed())
    header = replace(apdu.header, **changes)
    signed = GeneralSigning(header, apdu.content, bench.SIGNER.sign(signed_octets(header, apdu.content)))
    return seal_command(encode_apdu(signed), bench.GUARD_SEAL, bench.RECIPIENT, 1)


# What is refused for one fault alone, and with which words


def test_a_mandate_of_another_version_or_with_unknown_flags():
    assert open_command(resigned(other_information=mandate()), bench.METER_SEAL, bench.MOMENT, bench.never)
    for changes in ({"version": b"\x02"}, {"version": b"\x00"}, {"flags": b"\x02"}, {"flags": b"\x81"}):
        assert "is not known here" in refusal(resigned(other_information=mandate(**changes)))


@pytest.mark.parametrize("octets", [b"", b"\x05", bytes(7) + b"\x05\x00", bytes(8) + b"\x05"])
def test_a_counter_of_another_size(octets):
    assert f"counter has {len(octets)} bytes" in refusal(resigned(transaction_id=octets))


def test_the_envelope_says_which_of_its_parts_is_wrong():
    raw = bench.envelope()
    apdu = decode_apdu(raw)
    for changes in ({"originator_system_title": bench.OTHER}, {"recipient_system_title": bench.OTHER}):
        foreign = encode_apdu(replace(apdu, header=replace(apdu.header, **changes)))
        assert "does not go from the guard to this meter" in refusal(foreign)
    for other in (
        replace(apdu, header=replace(apdu.header, transaction_id=b"\1")),
        replace(apdu, ciphered_content=b"\x30" + apdu.ciphered_content[1:]),
        replace(apdu, ciphered_content=apdu.ciphered_content[:4] + b"\x01" + apdu.ciphered_content[5:]),
    ):
        assert "another transaction-id or security header" in refusal(encode_apdu(other))


def test_a_refusal_names_its_check_and_the_checks_have_an_order():
    assert refusal(b"\x00").startswith("outer mac: ")
    assert refusal(bench.envelope(signer=bench.STRANGER)).startswith("inner signature: ")
    assert list(Check) == [1, 2, 3, 4, 5, 6]


# Sizes


def test_an_envelope_may_be_so_long_and_no_longer(monkeypatch):
    raw = bench.envelope()
    assert opening.ENVELOPE_BYTES_MAX == 4096
    monkeypatch.setattr(opening, "ENVELOPE_BYTES_MAX", len(raw))
    assert open_command(raw, bench.METER_SEAL, bench.MOMENT, bench.never)
    monkeypatch.setattr(opening, "ENVELOPE_BYTES_MAX", len(raw) - 1)
    assert f"at most {len(raw) - 1} are taken" in refusal(raw)


def test_the_greatest_and_the_least_of_a_command():
    for changes in (
        {"time_to_live_s": 1},
        {"time_to_live_s": TIME_TO_LIVE_MAX_S},
        {"execute_at": bench.NOW},
        {"execute_at": bench.NOW + 3600},
    ):
        found = read_signed(bench.signed(2**64 - 1, **changes), bench.TRUSTED)
        assert (found.command, found.counter) == (replace(bench.COMMAND, **changes), 2**64 - 1)


@pytest.mark.parametrize("name", ["approval", "challenge", "subject"])
def test_what_has_a_wrong_size_is_named(name):
    with pytest.raises(SettingError, match=f"^{name} has 5 bytes"):
        replace(bench.COMMAND, **{name: bytes(5)})


def test_a_recipient_is_a_system_title():
    with pytest.raises(SecurityError, match="7 bytes"):
        replace(bench.COMMAND, recipient=bench.METER[:7])


def test_a_list_has_one_to_two_thousand_commands():
    assert COMMANDS_MAX == 2000
    CommandList(b"r", 1, "", (INTENT,) * COMMANDS_MAX).check()
    for count in (0, COMMANDS_MAX + 1):
        with pytest.raises(SettingError, match=f"not {count}"):
            CommandList(b"r", 1, "", (INTENT,) * count).check()


# What people sign


def test_what_is_signed_is_published():
    """These digests are what passkeys have signed: other octets would make every approval void."""
    commands = CommandList(b"r", 1, "winter", (INTENT,))
    octets = encode_all(codec_of(CommandList), commands)
    assert commands.request_challenge() == sha256(b"OpenAMI command request 1\n" + octets).digest()
    assert commands.approval_challenge() == sha256(b"OpenAMI command approval 1\n" + octets).digest()
    assert octets.hex() == (
        "0172" "01" "0677696e746572" "01" "084f414d100000002a" "0fc301c10046000060030aff01010f00"
        "00000384" "0000000000000000" "00" "00"
    )  # fmt: skip
    record = ApprovalRecord(b"c", "anna", "", "winter", 7)
    assert record.persons == ("anna",)
    assert record.digest() == sha256(bytes.fromhex("016304616e6e61000677696e746572" + "07".zfill(16))).digest()


def test_an_intent_becomes_its_command_and_nothing_more():
    assert INTENT.command(bench.NOW, bytes(32)) == replace(bench.COMMAND, time_to_live_s=900, approval=bytes(32))


def test_a_text_that_is_no_utf_8_is_told_where_it_begins():
    raw = encode_all(codec_of(ApprovalRecord), ApprovalRecord(b"c", "anna", "", "", 7))
    broken = raw.replace(b"anna", b"a\xffna")
    with pytest.raises(DecodeError, match="UTF-8") as error:
        decode_all(codec_of(ApprovalRecord), broken)
    assert error.value.offset == raw.index(b"\x04anna")


# Passkeys


def authenticator():
    return SoftwareAuthenticator("anna", bench.SIGNER._keys.signing, PARTY)


def consented(challenge=bytes(32), **changes):
    """Anna's assertion, with other fields in what her browser or authenticator says, and signed all the same."""
    one = authenticator()
    given = one.consent(challenge)
    return one, given._replace(**changes) if changes else given


def test_a_count_is_read_and_must_rise():
    one, first = consented()
    second = one.consent(bytes(32))
    keys = {one.passkey.credential_id: one.passkey}
    assert (first.sign_count, second.sign_count) == (1, 2)
    assert Assertion(b"", bytes(33) + b"\x01\x02\x03\x04" + b"\xff" * 4, b"", b"").sign_count == 0x01020304
    assert verify_assertion(PARTY, keys, second, bytes(32), 1) is one.passkey
    with pytest.raises(SecurityError):
        verify_assertion(PARTY, keys, second, bytes(32), 2)


def test_an_assertion_may_be_so_long_and_no_longer(monkeypatch):
    one, given = consented()
    size = sum(map(len, given))
    assert passkey.ASSERTION_BYTES_MAX == 4096
    monkeypatch.setattr(passkey, "ASSERTION_BYTES_MAX", size)
    assert verify_assertion(PARTY, {one.passkey.credential_id: one.passkey}, given, bytes(32))
    monkeypatch.setattr(passkey, "ASSERTION_BYTES_MAX", size - 1)
    with pytest.raises(SecurityError, match="more than"):
        verify_assertion(PARTY, {one.passkey.credential_id: one.passkey}, given, bytes(32))


def test_a_person_who_was_only_seen_has_not_consented(monkeypatch):
    monkeypatch.setattr("openami.protocols.seal.software_authenticator._PRESENT_AND_VERIFIED", 0x01)
    one, given = consented()
    with pytest.raises(SecurityError, match="anna does not hold"):
        verify_assertion(PARTY, {one.passkey.credential_id: one.passkey}, given, bytes(32))


def test_what_a_browser_would_say():
    one, given = consented(b"\xfb" * 32)
    said = json.loads(given.client_data)
    assert said == {
        "type": "webauthn.get",
        "challenge": said["challenge"],
        "origin": "https://openami.localhost",
        "crossOrigin": False,
    }
    assert "=" not in said["challenge"]
    assert urlsafe_b64decode(said["challenge"] + "=") == b"\xfb" * 32
    assert len(one.passkey.credential_id) == 16


# Names and secrets


def test_where_a_meter_takes_envelopes():
    assert str(SEALED_COMMAND) == "0-0:128.0.0*255"
    assert str(CHALLENGE) == "0-0:128.0.1*255"


def test_counters_are_kept_by_meter_and_authority():
    """The name of a counter on the disk: under another one every old envelope would be good again."""
    asked = []
    gate = CommandGate(bench.METER_SEAL, lambda name: asked.append(name) or 0)
    gate.receive(bench.envelope(9), bench.MOMENT)
    assert asked == [f"seal/{bench.METER.hex()}/{bench.AUTHORITY.hex()}/accepted"]
    assert gate.next_event().name == asked[0]
    with pytest.raises(LocalProtocolError):
        gate.receive(bench.envelope(10), bench.MOMENT)
    assert MemoryCounters().load(asked[0]) == 0


def test_no_repr_shows_a_key():
    one = authenticator()
    for holder in (bench.METER_SEAL, bench.GUARD_SEAL, bench.RECIPIENT, *bench.TRUSTED.values(), one.passkey):
        shown = repr(holder)
        assert "_key=" not in shown
        assert "agreement=" not in shown
        assert bench.AUTHENTICATION_KEY.hex() not in shown
        assert repr(bench.AUTHENTICATION_KEY) not in shown


def test_a_meter_that_names_no_challenge_has_none():
    assert MeterMoment(0.0) == (0.0, True, b"")
    assert "challenge" in refusal(bench.envelope(challenge=b"x" + bytes(15)), moment=MeterMoment(bench.NOW))
