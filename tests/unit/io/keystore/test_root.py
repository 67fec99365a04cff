"""An offline root, an authority for services and one for devices under it, and what each of them may not."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from openami.io.keystore.authority import CertificateAuthority
from openami.io.keystore.certificate_request import install_certificate, make_request
from openami.io.keystore.certificates import Purpose
from openami.io.keystore.root_authority import RootAuthority
from openami.model.errors import SecurityError, SettingError

NOW = datetime.now(UTC).replace(microsecond=0)
TITLE = b"OAM\x10\x00\x00\x00\x01"


@pytest.fixture
def root(tmp_path):
    made = RootAuthority(tmp_path / "root")
    made.make("passphrase", NOW)
    return made


def under(root, folder, purpose):
    authority = CertificateAuthority(folder, purpose)
    signed = root.sign_authority(authority.request(), purpose, "passphrase", NOW)
    authority.install(signed, root.certificate.read_bytes(), NOW)
    return authority


def test_the_root_signs_authorities_and_they_sign_the_rest(root, tmp_path):
    services = under(root, tmp_path / "services", Purpose.SERVICE)
    devices = under(root, tmp_path / "devices", Purpose.DEVICE)
    guard = services.sign(make_request(tmp_path / "g.pem", "guard.example"), "guard.example", "", NOW, server=True)
    certificate = x509.load_pem_x509_certificate(guard)
    assert certificate.not_valid_after_utc == NOW + timedelta(days=90)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["guard.example"]
    meter = devices.sign(make_request(tmp_path / "m.pem", "OAM1"), "OAM1", "", NOW, system_title=TITLE)
    certificate = x509.load_pem_x509_certificate(meter)
    assert certificate.subject.rfc4514_string() == f"2.5.4.5={TITLE.hex()},CN=OAM1"
    assert certificate.not_valid_after_utc == NOW + timedelta(days=3650)
    for authority in (services, devices):
        own = x509.load_pem_x509_certificate(authority.certificate.read_bytes())
        own.verify_directly_issued_by(x509.load_pem_x509_certificate(root.certificate.read_bytes()))
        assert own.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 0


def test_a_service_lives_90_days_at_most(root, tmp_path):
    services = under(root, tmp_path / "services", Purpose.SERVICE)
    with pytest.raises(SettingError, match="90 days"):
        services.sign(make_request(tmp_path / "g.pem", "guard"), "guard", "", NOW, days=91)


def test_the_root_opens_with_its_passphrase_only(root, tmp_path):
    request = CertificateAuthority(tmp_path / "services").request()
    with pytest.raises(SettingError, match="cannot be read"):
        root.sign_authority(request, Purpose.SERVICE, "another", NOW)
    with pytest.raises(SettingError, match="nothing was changed"):
        root.make("passphrase", NOW)
    assert b"ENCRYPTED" in (root.folder / "root.key").read_bytes()


def test_another_root_or_another_key_is_not_adopted(root, tmp_path):
    other = RootAuthority(tmp_path / "other")
    other.make("passphrase", NOW)
    services = CertificateAuthority(tmp_path / "services")
    signed = root.sign_authority(services.request(), Purpose.SERVICE, "passphrase", NOW)
    with pytest.raises(SecurityError, match="has not signed"):
        services.install(signed, other.certificate.read_bytes(), NOW)
    services.request()
    with pytest.raises(SecurityError, match="not for the key"):
        services.install(signed, root.certificate.read_bytes(), NOW)
    assert not services.certificate.exists()
    services.install(
        root.sign_authority(services.request(), Purpose.SERVICE, "passphrase", NOW), root.certificate.read_bytes(), NOW
    )
    with pytest.raises(SettingError, match="nothing was changed"):
        services.request()


def shakes_hands(trusted, client_file, server_file, server_trust):
    """Whether client and server take each other's certificates, over memory."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(server_file)
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_verify_locations(trusted)
    server.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.load_verify_locations(server_trust)
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    client.load_cert_chain(client_file)
    a, b = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [server.wrap_bio(a, b, server_side=True), client.wrap_bio(b, a, server_hostname="guard.example")]
    for _ in range(6):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError:
                return False
    return True


def test_a_device_is_no_service(root, tmp_path):
    """Whoever trusts the authority for services takes no certificate of the one for devices, though the root is one."""
    services = under(root, tmp_path / "services", Purpose.SERVICE)
    devices = under(root, tmp_path / "devices", Purpose.DEVICE)
    files = {}
    for name, authority, server in (("guard.example", services, True), ("ops", services, False), ("m", devices, False)):
        files[name] = tmp_path / f"{name}.pem"
        signed = authority.sign(make_request(files[name], name), name, "", NOW, server=server)
        install_certificate(files[name], signed)
    trusted = services.certificate
    assert shakes_hands(trusted, files["ops"], files["guard.example"], trusted)
    assert not shakes_hands(trusted, files["m"], files["guard.example"], trusted)
    assert not shakes_hands(trusted, files["guard.example"], files["guard.example"], trusted)
