"""Pieces of certificates that all authorities make alike."""

from __future__ import annotations

import datetime as dt
import os
import re
from enum import StrEnum
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from openami.model.errors import SecurityError, SettingError

AUTHORITY_DAYS = 3650
CERTIFICATE_DAYS = 90
DEVICE_DAYS = 3650
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
EARLIER = dt.timedelta(hours=1)


class Purpose(StrEnum):
    """What an authority signs, and for how long at most (days)."""

    SERVICE = "service"
    DEVICE = "device"

    @property
    def days_max(self) -> int:
        """Services are renewed each quarter, devices live in walls."""
        return CERTIFICATE_DAYS if self is Purpose.SERVICE else DEVICE_DAYS


def read_request(raw: bytes) -> x509.CertificateSigningRequest:
    """The request (PEM), signed by the P-256 key that it is for; raises `SecurityError`."""
    try:
        asked = x509.load_pem_x509_csr(raw)
        sound = asked.is_signature_valid
    except (ValueError, InvalidSignature) as error:
        raise SecurityError(f"this is no certificate request: {error}") from error
    key = asked.public_key()
    if not sound or not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise SecurityError("the request is not signed by its own P-256 key")
    return asked


def read_certificate(raw: bytes) -> x509.Certificate:
    """The certificate (PEM); raises `SecurityError`."""
    try:
        return x509.load_pem_x509_certificate(raw)
    except ValueError as error:
        raise SecurityError(f"this is no certificate in PEM: {error}") from error


def common_name(name: x509.Name) -> str:
    """The one common name; empty if there is none or more than one."""
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if len(found) == 1 else ""


def names(common: str, unit: str = "", system_title: bytes = b"") -> x509.Name:
    """A subject."""
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, common)]
    if system_title:
        parts.append(x509.NameAttribute(NameOID.SERIAL_NUMBER, system_title.hex()))
    if unit:
        parts.append(x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit))
    return x509.Name(parts)


def load_authority(
    certificate: Path, key_file: Path, passphrase: str | None
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    try:
        own = x509.load_pem_x509_certificate(certificate.read_bytes())
        key = serialization.load_pem_private_key(key_file.read_bytes(), passphrase.encode() if passphrase else None)
    except (OSError, ValueError, TypeError) as error:
        raise SettingError(f"the authority {certificate} cannot be read: {error}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise SettingError(f"the authority's key {key_file} is no elliptic curve key")
    return own, key


def for_authority(
    builder: x509.CertificateBuilder, key: ec.EllipticCurvePublicKey, *, below: int
) -> x509.CertificateBuilder:
    """An authority with so many levels of authorities below it."""
    return (
        builder.add_extension(x509.BasicConstraints(ca=True, path_length=below), critical=True)
        .add_extension(usage(certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def for_service(builder: x509.CertificateBuilder, name: str, *, server: bool) -> x509.CertificateBuilder:
    usage = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
    builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    if server:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    return builder


def builder_of(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: dt.datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - EARLIER)
        .not_valid_after(now + dt.timedelta(days=days))
    )


def usage(*, certificates: bool) -> x509.KeyUsage:
    """What the key is for: signing certificates and deny lists, or itself."""
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


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A private key, PEM, not ciphered."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def write_private(path: Path, data: bytes) -> None:
    """Write a file that its owner alone can read, and sync it."""
    path.unlink(missing_ok=True)
    with open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
