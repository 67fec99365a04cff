"""Certificate authorities: an offline root, and under it (or by themselves) authorities that sign and call back.

Whoever wants a certificate makes the key, which never leaves him, and a request (PKCS #10). The authority checks that
the request is signed with that key and that the name is the one that a person gives; whatever else stands in the
request is not copied. An authority for services says: this key is NAME (common name) of UNIT (a collector's
neighbourhood), a TLS client or a TLS server. One for devices says: this key is that of the meter NAME with this system
title. Keys are EC P-256. The list of those called back is an X.509 CRL, signed, so that its place needs no trust.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from openami.io.keystore.certificates import (
    AUTHORITY_DAYS,
    NAME,
    Purpose,
    builder_of,
    common_name,
    for_authority,
    for_service,
    key_pem,
    load_authority,
    names,
    read_certificate,
    read_request,
    usage,
    write_private,
)
from openami.model.errors import SecurityError, SettingError

DENY_LIST_DAYS = 30


@dataclass(frozen=True, slots=True)
class CertificateAuthority:
    """The files `authority.pem`, `authority.key` (mode 600) and `denied.crl` in one folder."""

    folder: Path
    purpose: Purpose = Purpose.SERVICE

    @property
    def certificate(self) -> Path:
        """What those trust who talk with the ones it signed for."""
        return self.folder / "authority.pem"

    @property
    def deny_list(self) -> Path:
        """What was called back."""
        return self.folder / "denied.crl"

    def make(self, now: dt.datetime) -> None:
        """Make an authority that stands by itself, if none is there, with an empty deny list."""
        if self.certificate.exists():
            return
        key = self._make_key()
        name = names(f"OpenAMI {self.purpose.value}s")
        builder = for_authority(
            builder_of(name, name, key.public_key(), now, AUTHORITY_DAYS), key.public_key(), below=0
        )
        self.certificate.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        self._write_deny_list({}, now)

    def request(self) -> bytes:
        """Make the key of an authority under a root, and give the request (PEM) that is carried to the root."""
        if self.certificate.exists():
            raise SettingError(f"{self.certificate} is there already: nothing was changed")
        name = names(f"OpenAMI {self.purpose.value}s")
        builder = x509.CertificateSigningRequestBuilder().subject_name(name)
        return builder.sign(self._make_key(), hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def install(self, certificate: bytes, root: bytes, now: dt.datetime) -> None:
        """Use what the root has signed, with an empty deny list. Raises `SecurityError` if `root` (PEM) has not."""
        signed, above = read_certificate(certificate), read_certificate(root)
        try:
            signed.verify_directly_issued_by(above)
        except (ValueError, TypeError, InvalidSignature) as error:
            raise SecurityError(f"the root has not signed this certificate: {error}") from error
        key = serialization.load_pem_private_key((self.folder / "authority.key").read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        if signed.public_key() != key.public_key():
            raise SecurityError(f"the certificate is not for the key in {self.folder}: make a new request")
        self.certificate.write_bytes(certificate)
        self._write_deny_list({}, now)

    def sign(
        self,
        request: bytes,
        name: str,
        unit: str,
        now: dt.datetime,
        *,
        server: bool = False,
        system_title: bytes = b"",
        days: int = 0,
    ) -> bytes:
        """The certificate (PEM) for a request (PEM). `name`, `unit` and `system_title` are what a person has checked.

        `server`: for a service that listens under the host name `name`. Raises `SettingError` for a name that is none
        or days beyond the purpose's, `SecurityError` for a request that its key did not sign or that asks for another
        name.
        """
        for text in (name, unit):
            if text and not NAME.fullmatch(text):
                raise SettingError(f"{text!r}: 1 to 64 letters, digits, dots, dashes and underscores are a name")
        days = days or self.purpose.days_max
        if days > self.purpose.days_max:
            raise SettingError(f"a {self.purpose.value} certificate lives {self.purpose.days_max} days at most")
        asked = read_request(request)
        if common_name(asked.subject) != name:
            raise SecurityError(f"the request is for {common_name(asked.subject)!r}, not for {name!r}")
        public = asked.public_key()
        assert isinstance(public, ec.EllipticCurvePublicKey)
        own, key = self._load()
        builder = (
            builder_of(names(name, unit, system_title), own.subject, public, now, days)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage(certificates=False), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        )
        if self.purpose is Purpose.SERVICE:
            builder = for_service(builder, name, server=server)
        return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def deny(self, certificate: bytes, now: dt.datetime) -> int:
        """Call a certificate (PEM) back: write the deny list anew; the serial number. Raises `SecurityError`."""
        serial = read_certificate(certificate).serial_number
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

    def _make_key(self) -> ec.EllipticCurvePrivateKey:
        key = ec.generate_private_key(ec.SECP256R1())
        self.folder.mkdir(parents=True, exist_ok=True)
        write_private(self.folder / "authority.key", key_pem(key))
        return key

    def _load(self) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        return load_authority(self.certificate, self.folder / "authority.key", None)
