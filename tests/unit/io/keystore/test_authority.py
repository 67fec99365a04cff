"""The collectors' authority: whom it signs for, what it calls back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from openami.io.keystore.authority import CertificateAuthority
from openami.io.keystore.certificate_request import install_certificate, make_request
from openami.io.keystore.deny_list import DenyList
from openami.model.errors import SecurityError, SettingError

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def authority(tmp_path):
    made = CertificateAuthority(tmp_path / "authority")
    made.make(NOW)
    return made


def test_the_certificate_says_what_a_person_checked(authority, tmp_path):
    raw = authority.sign(make_request(tmp_path / "c.pem", "c1"), "c1", "hill", NOW)
    certificate = x509.load_pem_x509_certificate(raw)
    assert certificate.subject.rfc4514_string() == "OU=hill,CN=c1"
    assert certificate.not_valid_after_utc == NOW + timedelta(days=90)
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.certificate.read_bytes()))


def test_another_name_or_no_request_is_refused(authority, tmp_path):
    request = make_request(tmp_path / "c.pem", "c1")
    with pytest.raises(SecurityError, match="is for 'c1'"):
        authority.sign(request, "c2", "hill", NOW)
    with pytest.raises(SecurityError, match="no certificate request"):
        authority.sign(b"rubbish", "c1", "hill", NOW)
    with pytest.raises(SettingError):
        authority.sign(request, "c1", "a/b", NOW)


def test_a_certificate_for_another_key_is_not_installed(authority, tmp_path):
    file = tmp_path / "c.pem"
    first = authority.sign(make_request(file, "c1"), "c1", "", NOW)
    install_certificate(file, first)
    before = file.read_bytes()
    make_request(file, "c1")
    with pytest.raises(SecurityError, match="not for the key"):
        install_certificate(file, first)
    assert file.read_bytes() == before
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_deny_list_counts_only_if_it_is_signed_and_not_older(authority, tmp_path):
    raw = authority.sign(make_request(tmp_path / "c.pem", "c1"), "c1", "", NOW)
    serial = x509.load_pem_x509_certificate(raw).serial_number
    listed = DenyList(authority.deny_list, authority.certificate)
    empty = authority.deny_list.read_bytes()
    assert not listed.denied(serial)
    authority.deny(raw, NOW + timedelta(days=1))
    listed.refresh()
    assert listed.denied(serial)
    authority.deny_list.write_bytes(empty)
    listed.refresh()
    assert listed.denied(serial)
    assert "older" in listed.error
    stranger = CertificateAuthority(tmp_path / "stranger")
    stranger.make(NOW + timedelta(days=9))
    authority.deny_list.write_bytes(stranger.deny_list.read_bytes())
    listed.refresh()
    assert listed.denied(serial)
    assert "not signed" in listed.error
    authority.deny_list.unlink()
    listed.refresh()
    assert listed.denied(serial)
