"""`openami read` with every way to authenticate, every suite and general-ciphering, keys from files and environment."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from command_line import meter_on_loopback
from dlms_authority import AGREEMENT, Authority
from dlms_curves import curves
from meter_bench import CONFIG, START, seeded
from openami.field.meter.access import READING_RIGHTS, Client
from openami.field.meter.curve import SteadyCurve
from openami.field.meter.electricity import ElectricityMeter
from openami.protocols.dlms.association import AssociationSettings
from openami.protocols.dlms.authentication import Authentication
from openami.protocols.dlms.hls_proof import aes_function
from openami.protocols.dlms.policy import policy_version_1
from openami.protocols.dlms.security import Secret, SecurityControl, SecurityKeys, SecuritySuite

SECRET = "a secret of HLS"
LONG_SECRET = "a secret that is longer than a block of AES"
FULL = SecurityControl.AUTHENTICATED_ENCRYPTION
SERIAL = "0-0:96.1.0"
SUITES = {suite: SecurityKeys(*(seeded(n)(suite.key_size) for n in (1, 2)), suite=suite) for suite in SecuritySuite}
MASTERED = {suite: replace(keys, master_key=seeded(3)(suite.key_size)) for suite, keys in SUITES.items()}
SIGNED = policy_version_1(0xFC)


def associations():
    """By client: 32 to 37 are HLS 2 to 7 in suite 1, from 40 on HLS 5 by suite, from 50 on signed by suite."""
    made = {}
    server = curves()[1]
    for number in range(2, 8):
        authentication = Authentication(number)
        made[30 + number] = AssociationSettings(
            authentication,
            keys=MASTERED[SecuritySuite.SUITE_1],
            protection=FULL,
            hls_secret=Secret(SECRET.encode()),
            hls_function=aes_function(Secret(SECRET.encode())),
            asymmetric=server,
            weak_hashes_allowed=True,
        )
    made[39] = AssociationSettings(Authentication.HLS6, hls_secret=Secret(LONG_SECRET.encode()))
    for suite, keys in MASTERED.items():
        made[40 + suite] = AssociationSettings(Authentication.HLS5, keys=keys, protection=FULL)
        if suite:
            pair = curves(suite)[1]
            made[50 + suite] = AssociationSettings(Authentication.HLS7, keys=keys, policy=SIGNED, asymmetric=pair)
    return made


class EveryMeter(ElectricityMeter):
    """It takes every client that `associations` has."""

    known_clients: ClassVar = {sap: Client(READING_RIGHTS, one.authentication) for sap, one in associations().items()}

    def server_settings(self):
        return replace(super().server_settings(), associations=associations())


@pytest.fixture(scope="module")
def everything():
    with meter_on_loopback(EveryMeter(CONFIG, SteadyCurve(1000), START)) as faces:
        yield faces.wrapper


@pytest.fixture
def keys(monkeypatch, tmp_path):
    """Puts the keys of a suite into the environment and into files; gives the options."""

    def put(suite, *, certificates=True):
        keys, (client, _) = MASTERED[suite], curves(suite or SecuritySuite.SUITE_1)
        monkeypatch.setenv("OPENAMI_ENCRYPTION_KEY", keys.global_unicast_encryption_key.hex())
        file = tmp_path / "authentication.hex"
        file.write_text(keys.authentication_key.hex() + "\n")
        monkeypatch.setenv("OPENAMI_MASTER_KEY", keys.master_key.hex())
        monkeypatch.setenv("OPENAMI_HLS_SECRET", SECRET)
        options = ["--authentication-key", f"@{file}", "--suite", int(suite)]
        if suite == 0:
            return options
        authority = Authority(int(suite))
        for name, private, public, use in (
            ("signing", client.signing, client.peer_signing, "signing"),
            ("agreement", client.agreement, client.peer_agreement, AGREEMENT),
        ):
            own, theirs = tmp_path / f"{name}.pem", tmp_path / f"meter-{name}"
            own.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
            if certificates:
                theirs.write_bytes(authority.certify(public, b"OAM\0\0\0\0\1", use))
            else:
                theirs.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
            options += [f"--{name}-key", own, f"--meter-{name}-certificate", theirs]
        return options

    return put


@pytest.mark.parametrize(("number", "certificates"), [*((number, True) for number in range(2, 8)), (7, False)])
def test_every_high_level_mechanism(openami, everything, keys, number, certificates):
    options = keys(SecuritySuite.SUITE_1, certificates=certificates)
    weak = ["--allow-weak"] if number in {3, 4} else []
    named = ["--client", 30 + number, "--authentication", f"hls{number}"]
    ran = openami("read", everything, SERIAL, *named, *weak, *options, "--json")
    assert ran.status == 0, ran.err
    assert any("3730303030303031" in str(one["value"]) for one in ran.objects)


def test_without_ciphering(openami, everything, monkeypatch):
    monkeypatch.setenv("OPENAMI_HLS_SECRET", LONG_SECRET)
    assert openami("read", everything, SERIAL, "--client", 39, "--authentication", "hls6").status == 0


@pytest.mark.parametrize("suite", SecuritySuite)
def test_every_suite(openami, everything, keys, suite):
    ran = openami("read", everything, SERIAL, "--client", 40 + suite, "--authentication", "hls5", *keys(suite))
    assert ran.status == 0, ran.err


@pytest.mark.parametrize("suite", [1, 2])
@pytest.mark.parametrize("choice", [None, "identified", "wrapped", "one-pass", "static"])
def test_signed_and_in_general_ciphering(openami, everything, keys, suite, choice):
    general = [] if choice is None else ["--general-ciphering", choice]
    insisted = ["--meter-system-title", CONFIG.system_title.hex(), "--sign", "--authentication", "hls7"]
    ran = openami("read", everything, SERIAL, "--client", 50 + suite, *keys(SecuritySuite(suite)), *insisted, *general)
    assert ran.status == 0, ran.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--authentication", "hls2"], "hls2 needs --hls-secret"),
        (["--authentication", "hls3", "--hls-secret", "x"], "--allow-weak takes it nevertheless"),
        (["--authentication", "hls6"], "hls6 needs --hls-secret"),
        (["--authentication", "hls7"], "hls7 needs --signing-key and --meter-signing-certificate"),
        (["--authentication", "hls6", "--hls-secret", "x", "--sign"], "--sign need --encryption-key"),
        (["--authentication", "hls2", "--hls-secret", "x" * 17], "at most 16 fit"),
        (["--authentication", "hls7", "--suite", "1", "--signing-key", "nowhere.pem"], "nowhere.pem: No such file"),
        (["--authentication", "hls7", "--suite", "1", "--signing-key", __file__], "holds no private key"),
        (["--authentication", "hls7", "--suite", "1", "--meter-signing-certificate", __file__], "neither a certif"),
        (["--authentication", "hls7", "--signing-key", __file__], "need --suite 1 or 2"),
        (
            ["--authentication", "hls5", "--suite", "2", "--encryption-key", "00" * 16],
            "not 32 as suite 2",
        ),
        (["--authentication", "hls5", "--encryption-key", "@nowhere"], "nowhere: No such file"),
    ],
)
def test_what_is_missing_is_said(openami, everything, arguments, message):
    ran = openami("read", everything, *arguments)
    assert ran.status == 1
    assert message in " ".join(ran.err.split())
    assert ran.out == ""
