"""The published envelopes, made twice: by `openami` and by an implementation that shares no line with it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

import seal_second as second
from openami.protocols.seal.closing import GuardSeal, Recipient, seal_command, sign_command
from openami.protocols.seal.command import Command
from openami.protocols.seal.keys import Authority, SoftwareAgreement, SoftwareSigner
from openami.protocols.seal.opening import CommandRefused, MeterMoment, MeterSeal, open_command
from openami.protocols.seal.roles import Role

FILE = json.loads((Path(__file__).parent / "seal_envelopes.json").read_text())
KEYS = {name: bytes.fromhex(text) for name, text in FILE["keys"].items()}


def private(name):
    return ec.derive_private_key(int.from_bytes(KEYS[name], "big"), ec.SECP256R1())


AUTHORITY, GUARD, METER = (private(name) for name in ("authority", "guard", "meter"))
TITLES = {name: bytes.fromhex(text) for name, text in FILE["system_titles"].items()}
SEAL = MeterSeal(
    TITLES["meter"],
    SoftwareAgreement(METER),
    KEYS["authentication_key"],
    TITLES["guard"],
    GUARD.public_key(),
    {TITLES["authority"]: Authority(TITLES["authority"], Role.NETWORK_OPERATOR, AUTHORITY.public_key())},
)


def command_of(vector):
    names = ("issued_at", "time_to_live_s", "execute_at", "emergency")
    octets = {name: bytes.fromhex(vector[name]) for name in ("recipient", "apdu", "approval", "challenge", "subject")}
    return Command(**octets, **{name: vector[name] for name in names})


@pytest.mark.parametrize("vector", FILE["envelopes"], ids=lambda vector: vector["name"])
def test_both_implementations_make_these_octets(vector):
    signed, envelope = bytes.fromhex(vector["signed"]), bytes.fromhex(vector["envelope"])
    ours = sign_command(command_of(vector), TITLES["authority"], vector["counter"], SoftwareSigner(AUTHORITY))
    theirs = second.sign(vector, TITLES["authority"], AUTHORITY)
    assert ours == theirs == signed
    second.verify(ours, AUTHORITY.public_key())
    recipient = Recipient(TITLES["meter"], METER.public_key(), KEYS["authentication_key"])
    sealed = seal_command(ours, GuardSeal(TITLES["guard"], SoftwareAgreement(GUARD)), recipient, vector["transaction"])
    z = METER.exchange(ec.ECDH(), GUARD.public_key())
    again = second.seal(signed, z, TITLES["guard"], TITLES["meter"], vector["transaction"], KEYS["authentication_key"])
    assert sealed == again == envelope
    moment = MeterMoment(vector["issued_at"], True, bytes.fromhex(vector["challenge"]))
    found = open_command(envelope, SEAL, moment, lambda _: 0)
    assert (found.command, found.counter, found.verb.text) == (command_of(vector), vector["counter"], vector["verb"])


@pytest.mark.parametrize("vector", FILE["refused"], ids=lambda vector: vector["name"])
def test_these_are_refused_at_the_check_that_is_named(vector):
    moment = MeterMoment(vector["clock"], vector["clock_valid"], bytes.fromhex(vector["live_challenge"]))
    with pytest.raises(CommandRefused) as refusal:
        open_command(bytes.fromhex(vector["envelope"]), SEAL, moment, lambda _: vector["last_counter"])
    assert refusal.value.check.name.lower() == vector["check"]
