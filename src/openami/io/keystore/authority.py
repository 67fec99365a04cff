"""A minimal certificate authority for collectors: it signs their requests, and calls certificates back.

A collector makes its own key, which never leaves it, and a request (PKCS #10). The authority checks that the request is
signed with that key and that the name is the one that a person gives; whatever else stands in the request is not
copied. The certificate says: this key is collector NAME (common name) of NEIGHBOURHOOD (organizational unit), a TLS
client. Keys are EC P-256. The list of those called back is an X.509 CRL, signed, so that its place needs no trust.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from openami.model.errors import SecurityError, SettingError

AUTHORITY_DAYS = 3650
CERTIFICATE_DAYS = 90
DENY_LIST_DAYS = 30
_EARLIER = dt.timedelta(hours=1)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class CollectorAuthority:
    """The files `collectors.pem`, `collectors.key` (mode 600) and `denied.crl` in one folder."""

    folder: Path

    @property
    def certificate(self) -> Path:
        """What the head-end trusts."""
        return self.folder / "collectors.pem"

    @property
    def deny_list(self) -> Path:
        """What was called back."""
        return self.folder / "denied.crl"

    def make(self, now: dt.datetime) -> None:
        """Make the authority if it is not there, with an empty deny list."""
        if self.certificate.exists():
            return
        key = ec.generate_private_key(ec.SECP256R1())
        name = _names("OpenAMI collectors")
        builder = (
            _builder(name, name, key.public_key(), now, AUTHORITY_DAYS)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )
        self.folder.mkdir(parents=True, exist_ok=True)
        _write_private(self.folder / "collectors.key", _key_pem(key))
        self.certificate.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        self._write_deny_list({}, now)

    def sign(
        self, request: bytes, name: str, neighbourhood: str, now: dt.datetime, *, days: int = CERTIFICATE_DAYS
    ) -> bytes:
        """The certificate (PEM) for a request (PEM). `name` and `neighbourhood` are what a person has checked.

        Raises `SettingError` for a name that is none, `SecurityError` for a request that its key did not sign or that
        asks for another name.
        """
        for text in (name, neighbourhood):
            if text and not _NAME.fullmatch(text):
                raise SettingError(f"{text!r}: 1 to 64 letters, digits, dots, dashes and underscores are a name")
        asked = _request(request)
        if _common_name(asked.subject) != name:
            raise SecurityError(f"the request is for {_common_name(asked.subject)!r}, not for {name!r}")
        public = asked.public_key()
        assert isinstance(public, ec.EllipticCurvePublicKey)
        own, key = self._load()
        builder = (
            _builder(_names(name, neighbourhood), own.subject, public, now, days)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        )
        return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def deny(self, certificate: bytes, now: dt.datetime) -> int:
        """Call a certificate (PEM) back: write the deny list anew; the serial number."""
        serial = x509.load_pem_x509_certificate(certificate).serial_number
        listed = x509.load_pem_x509_crl(self.deny_list.read_bytes())
        denied = {entry.serial_number: entry.revocation_date_utc for entry in listed}
        denied.setdefault(serial, now)
        self._write_deny_list(denied, now)
        return serial

    def _write_deny_list(self, denied: dict[int, dt.datetime], now: dt.datetime) -> None:
        own, key = self._load()
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(own.subject)
            .last_update(now)
            .next_update(now + dt.timedelta(days=DENY_LIST_DAYS))
        )
        for serial, since in denied.items():
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(since).build()
            builder = builder.add_revoked_certificate(entry)
        new = self.deny_list.with_suffix(".new")
        new.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        new.replace(self.deny_list)

    def _load(self) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        try:
            own = x509.load_pem_x509_certificate(self.certificate.read_bytes())
            key = serialization.load_pem_private_key((self.folder / "collectors.key").read_bytes(), None)
        except (OSError, ValueError) as error:
            raise SettingError(f"the authority in {self.folder} cannot be read: {error}") from error
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return own, key


class DenyList:
    """The serial numbers that were called back, read again when the file changes.

    A file that the authority did not sign, or that is older than the one known, changes nothing: `error` says why.
    """

    def __init__(self, file: Path, authority: Path) -> None:
        self._file = file
        self._authority = x509.load_pem_x509_certificate(authority.read_bytes())
        self._seen: tuple[int, int] | None = None
        self._since: dt.datetime | None = None
        self._serials: dict[int, None] = {}
        self.error = ""
        self.refresh()

    def denied(self, serial: int) -> bool:
        """Whether the certificate with this serial number was called back."""
        return serial in self._serials

    def refresh(self) -> None:
        """Read the file if it changed."""
        try:
            status = self._file.stat()
            if (seen := (status.st_mtime_ns, status.st_size)) == self._seen:
                return
            self._take(self._file.read_bytes())
            self._seen, self.error = seen, ""
        except (OSError, ValueError, SecurityError) as error:
            self.error = f"deny list {self._file}: {error}; {len(self._serials)} entries stay in force"

    def _take(self, raw: bytes) -> None:
        listed = x509.load_pem_x509_crl(raw)
        key = self._authority.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        if not listed.is_signature_valid(key):
            raise SecurityError("the authority has not signed it")
        if self._since is not None and listed.last_update_utc < self._since:
            raise SecurityError("it is older than the one that was read before")
        self._since = listed.last_update_utc
        self._serials = dict.fromkeys(entry.serial_number for entry in listed)


def make_request(file: Path, name: str) -> bytes:
    """Make a new key beside `file` (`….key.new`, mode 600) and give the request for its certificate (PEM)."""
    if not _NAME.fullmatch(name):
        raise SettingError(f"{name!r}: 1 to 64 letters, digits, dots, dashes and underscores are a name")
    key = ec.generate_private_key(ec.SECP256R1())
    file.parent.mkdir(parents=True, exist_ok=True)
    _write_private(_new_key(file), _key_pem(key))
    request = x509.CertificateSigningRequestBuilder().subject_name(_names(name)).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM)


def install_certificate(file: Path, certificate: bytes) -> None:
    """Put the certificate (PEM) and the key that was made for it into `file`, in one step: roll-over needs no pause.

    Raises `SecurityError` if the certificate is for another key; then nothing is changed.
    """
    key_pem = _new_key(file).read_bytes()
    key = serialization.load_pem_private_key(key_pem, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    if x509.load_pem_x509_certificate(certificate).public_key() != key.public_key():
        raise SecurityError(f"the certificate is not for the key in {_new_key(file)}: make a new request")
    new = file.with_name(file.name + ".new")
    _write_private(new, key_pem + certificate)
    new.replace(file)
    _new_key(file).unlink()


def _new_key(file: Path) -> Path:
    return file.with_name(file.name + ".key.new")


def _request(raw: bytes) -> x509.CertificateSigningRequest:
    try:
        asked = x509.load_pem_x509_csr(raw)
        sound = asked.is_signature_valid
    except (ValueError, InvalidSignature) as error:
        raise SecurityError(f"this is no certificate request: {error}") from error
    key = asked.public_key()
    if not sound or not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise SecurityError("the request is not signed by its own P-256 key")
    return asked


def _common_name(name: x509.Name) -> str:
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if len(found) == 1 else ""


def _names(common: str, unit: str = "") -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, common)]
    if unit:
        parts.append(x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit))
    return x509.Name(parts)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: dt.datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + dt.timedelta(days=days))
    )


def _usage(*, certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certificates,
        crl_sign=certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write_private(path: Path, data: bytes) -> None:
    path.unlink(missing_ok=True)
    with open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
