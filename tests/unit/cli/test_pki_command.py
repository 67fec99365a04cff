"""`openami pki` as a user meets it: keys made and shown, a maker's shipment received once, certificates signed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import seal_keys as keys
from meter_bench import seeded
from openami.app.installation import Installation, install
from openami.app.settings import Settings
from openami.cli.commands import run
from openami.io.keystore.shipment import ShippedMeter, seal_shipment
from openami.protocols.dlms.asymmetric import decode_point
from openami.protocols.dlms.security import SecuritySuite

TITLE = b"OAM\x10\x00\x00\x00\x07"


@pytest.fixture
def site(tmp_path, monkeypatch):
    install(tmp_path, Settings())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(capsys, *arguments):
    assert run(list(arguments)) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("holder", ["authority", "guard", "operations"])
def test_a_key_is_made_once_and_its_public_half_is_shown(site, capsys, holder):
    made = said(capsys, "pki", "key", holder)
    assert said(capsys, "pki", "public", holder) == made
    assert len(made.strip()) == 128
    assert run(["pki", "key", holder]) == 1
    assert "already" in capsys.readouterr().err.replace("\n", " ")
    assert site.is_dir()


def test_a_shipment_is_received_once(site, capsys):
    recipient = decode_point(bytes.fromhex(said(capsys, "pki", "key", "operations")), SecuritySuite.SUITE_1)
    octets = seeded()
    meter = ShippedMeter("OAM7", TITLE, octets(16), octets(16), octets(16))
    Path("shipment.bin").write_bytes(seal_shipment([meter], keys.SIGNER, recipient, seeded()))
    public = keys.SIGNER.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    Path("maker.pem").write_bytes(public)
    assert "1 meters" in said(capsys, "pki", "receive", "shipment.bin", "--maker", "maker.pem")
    stored = Installation.load(site / "openami.toml").open_keystore().meter_keys(TITLE)
    assert stored.authentication_key == meter.authentication_key
    assert run(["pki", "receive", "shipment.bin", "--maker", "maker.pem"]) == 1
    assert "nothing was changed" in capsys.readouterr().err.replace("\n", " ")


def test_the_ends_of_certificates_are_shown_and_they_are_renewed(site, capsys):
    shown = said(capsys, "pki", "expiring", "--json").splitlines()
    assert [json.loads(line)["days_left"] for line in shown[:-1]] == [89] * 8
    before = Path("tls/headend.pem").read_bytes()
    said(capsys, "pki", "renew")
    assert Path("tls/headend.pem").read_bytes() != before
    Path("tls/authority.key").unlink()
    assert run(["pki", "renew"]) == 1
    assert site.is_dir()


def test_from_the_root_to_a_certificate_in_use(site, capsys):
    Path("root.passphrase").write_text("offline\n")
    said(capsys, "pki", "root")
    Path("s.csr").write_text(said(capsys, "pki", "subordinate"))
    Path("s.pem").write_text(said(capsys, "pki", "certify", "s.csr"))
    said(capsys, "pki", "adopt", "s.pem", "root/root.pem")
    Path("g.csr").write_text(said(capsys, "pki", "request", "g.pem", "--name", "guard.example"))
    Path("g.crt").write_text(said(capsys, "pki", "sign", "g.csr", "--name", "guard.example", "--server"))
    said(capsys, "pki", "install", "g.pem", "g.crt")
    certificate = x509.load_pem_x509_certificate(Path("g.pem").read_bytes())
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(Path("services/authority.pem").read_bytes()))
    said(capsys, "pki", "deny", "g.crt")
    listed = x509.load_pem_x509_crl(Path("services/denied.crl").read_bytes())
    assert [entry.serial_number for entry in listed] == [certificate.serial_number]
    assert site.is_dir()
