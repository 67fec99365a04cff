"""A small certificate authority made on the spot, and TLS contexts of both sides.

Keys are EC P-256. The authority may sign for the names it was made for and for nothing else (name constraints), so
that trusting it costs no more than these names. TLS 1.2 is the least that is spoken.
"""

from __future__ import annotations

import datetime as dt
import os
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from openami.model.errors import SettingError

DEMO_NAME = "openami.localhost"
AUTHORITY_DAYS = 3650
CERTIFICATE_DAYS = 397
"""Browsers refuse server certificates that live longer."""
_EARLIER = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Certificate:
    """Files of one certificate: the PEM chain, its private key (mode 600), and the authority's certificate."""

    certificate: Path
    key: Path
    authority: Path


def make_authority(
    folder: Path, now: dt.datetime, *, names: Sequence[str] = (DEMO_NAME,), title: str = "OpenAMI local authority"
) -> Certificate:
    """Make the authority `authority.pem` and `authority.key` in `folder`, or give the one that is there.

    It can sign for `names`, for all below them, and for loopback addresses.
    """
    made = Certificate(folder / "authority.pem", folder / "authority.key", folder / "authority.pem")
    if made.certificate.exists() and made.key.exists():
        return made
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, title)])
    permitted: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
    permitted += [x509.IPAddress(IPv4Network("127.0.0.0/8")), x509.IPAddress(IPv6Network("::1/128"))]
    builder = (
        _builder(subject, subject, key.public_key(), now, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.NameConstraints(permitted, None), critical=True)
        .add_extension(_usage(certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    folder.mkdir(parents=True, exist_ok=True)
    _write_key(made.key, key)
    made.certificate.write_bytes(_pem(builder.sign(key, hashes.SHA256())))
    return made


def issue(
    authority: Certificate, folder: Path, name: str, now: dt.datetime, *, server: bool, also: Sequence[str] = ()
) -> Certificate:
    """Issue `name.pem` and `name.key` in `folder`, replacing them: for a server, or for a client such as a zone.

    `name` and `also` become subject alternative names; loopback addresses are allowed among them. Raises
    `SettingError` if the authority's files cannot be read.
    """
    if "/" in name or name in {"", ".", ".."}:
        raise SettingError(f"a certificate's name must be a host name or an address, not {name!r}")
    signer, signing_key = _load(authority)
    key = ec.generate_private_key(ec.SECP256R1())
    usage = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        _builder(subject, signer.subject, key.public_key(), now, CERTIFICATE_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_general_name(each) for each in (name, *also)]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key()), critical=False)
    )
    folder.mkdir(parents=True, exist_ok=True)
    made = Certificate(folder / f"{name}.pem", folder / f"{name}.key", authority.certificate)
    _write_key(made.key, key)
    made.certificate.write_bytes(_pem(builder.sign(signing_key, hashes.SHA256())))
    return made


def fingerprint(certificate: Path) -> str:
    """SHA-256 of a certificate (PEM) as people compare it: hex in pairs with colons."""
    return x509.load_pem_x509_certificate(certificate.read_bytes()).fingerprint(hashes.SHA256()).hex(":").upper()


def server_context(own: Certificate, *, clients: bool = False) -> ssl.SSLContext:
    """What a server speaks. `clients`: only clients with a certificate of the same authority may connect."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _load_own(context, own)
    if clients:
        context.verify_mode = ssl.CERT_REQUIRED
        _trust(context, own.authority)
    return context


def client_context(authority: Path, own: Certificate | None = None) -> ssl.SSLContext:
    """What a client speaks: it trusts this authority alone and checks the server's name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _trust(context, authority)
    if own is not None:
        _load_own(context, own)
    return context


def _load_own(context: ssl.SSLContext, own: Certificate) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(own.certificate, own.key)
    except OSError as error:  # ssl.SSLError is one
        raise SettingError(f"TLS certificate {own.certificate} with key {own.key}: {error.strerror}") from error


def _trust(context: ssl.SSLContext, authority: Path) -> None:
    try:
        context.load_verify_locations(authority)
    except OSError as error:
        raise SettingError(f"TLS authority {authority}: {error.strerror}") from error


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


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _load(authority: Certificate) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    try:
        certificate = x509.load_pem_x509_certificate(authority.certificate.read_bytes())
        key = serialization.load_pem_private_key(authority.key.read_bytes(), None)
    except (OSError, ValueError) as error:
        raise SettingError(f"the authority {authority.certificate} cannot be read: {error}") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise SettingError(f"the authority's key {authority.key} is no elliptic curve key")
    return certificate, key


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    raw = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.unlink(missing_ok=True)
    with open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(raw)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
