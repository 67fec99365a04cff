"""A small certificate authority made on the spot, and TLS contexts of both sides.

Keys are EC P-256. The authority may sign for the names it was made for and for nothing else (name constraints), so
that trusting it costs no more than these names. TLS 1.2 is the least that is spoken.
"""

from __future__ import annotations

import datetime as dt
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from openami.io.keystore.certificates import (
    AUTHORITY_DAYS,
    builder_of,
    for_authority,
    key_pem,
    load_authority,
    write_private,
)
from openami.io.keystore.certificates import names as names_of
from openami.io.keystore.certificates import usage as usage_of
from openami.model.errors import SettingError

DEMO_NAME = "openami.localhost"
CERTIFICATE_DAYS = 90
"""As services of an authority of `openami pki` have it; browsers refuse what lives longer than 398 days."""


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
    subject = names_of(title)
    permitted: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
    permitted += [x509.IPAddress(IPv4Network("127.0.0.0/8")), x509.IPAddress(IPv6Network("::1/128"))]
    builder = for_authority(
        builder_of(subject, subject, key.public_key(), now, AUTHORITY_DAYS), key.public_key(), below=0
    ).add_extension(x509.NameConstraints(permitted, None), critical=True)
    folder.mkdir(parents=True, exist_ok=True)
    write_private(made.key, key_pem(key))
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
    signer, signing_key = load_authority(authority.certificate, authority.key, None)
    key = ec.generate_private_key(ec.SECP256R1())
    usage = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
    builder = (
        builder_of(names_of(name), signer.subject, key.public_key(), now, CERTIFICATE_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage_of(certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_general_name(each) for each in (name, *also)]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key()), critical=False)
    )
    folder.mkdir(parents=True, exist_ok=True)
    made = Certificate(folder / f"{name}.pem", folder / f"{name}.key", authority.certificate)
    write_private(made.key, key_pem(key))
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


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
