"""Keys that a command takes from files: of elliptic curves (PEM or DER), certificates, symmetric keys in hex."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
    load_der_public_key,
    load_pem_private_key,
    load_pem_public_key,
)

from openami.io.disk import SystemDisk, write_whole
from openami.model.errors import SettingError
from openami.protocols.dlms.asymmetric import AsymmetricKeys, PrivateKey, PublicKey
from openami.protocols.dlms.security import Secret, SecuritySuite

_PEM = b"-----BEGIN"
_CERTIFICATE = b"-----BEGIN CERTIFICATE"


@dataclass(frozen=True, slots=True)
class KeyFiles:
    """Our private keys, and the meter's certificates or public keys; each may be absent."""

    signing_key: Path | None = None
    meter_signing: Path | None = None
    agreement_key: Path | None = None
    meter_agreement: Path | None = None

    def load(self, suite: SecuritySuite) -> AsymmetricKeys | None:
        """The keys in the files, `None` if no file was named; raises `SettingError` that names the file."""
        if self == KeyFiles():
            return None
        if suite is SecuritySuite.SUITE_0:
            raise SettingError("keys from --signing-key or --agreement-key need --suite 1 or 2: suite 0 has no curve")
        return AsymmetricKeys(
            suite,
            _private(self.signing_key),
            _public(self.meter_signing),
            _private(self.agreement_key),
            _public(self.meter_agreement),
        )


def symmetric_key(option: str, text: str, suite: SecuritySuite) -> Secret:
    """A key of the suite's size in hexadecimal, or `@FILE` that holds it; errors name the option, not the value."""
    if text.startswith("@"):
        text = _read(Path(text[1:])).decode("ascii", "replace").strip()
    try:
        value = bytes.fromhex(text)
    except ValueError:
        raise SettingError(f"{option} is not hexadecimal") from None
    if len(value) != suite.key_size:
        raise SettingError(f"{option} has {len(value)} bytes, not {suite.key_size} as suite {int(suite)} needs")
    return Secret(value)


def ed25519_key(file: Path) -> Ed25519PrivateKey:
    """The Ed25519 key in `file` (PEM), made if there is no such file; raises `SettingError` for another kind."""
    if not file.exists():
        made = Ed25519PrivateKey.generate()
        write_whole(SystemDisk(), file, made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    key = load_pem_private_key(_read(file), None)
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingError(f"{file} holds no Ed25519 key")
    return key


def _private(file: Path | None) -> PrivateKey | None:
    if file is None:
        return None
    data = _read(file)
    try:
        key = load_pem_private_key(data, None) if data.startswith(_PEM) else load_der_private_key(data, None)
    except (ValueError, TypeError) as error:
        raise SettingError(f"{file} holds no private key that can be read without a passphrase") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise SettingError(f"{file} holds a private key that is none of an elliptic curve")
    return key


def _public(file: Path | None) -> PublicKey | None:
    if file is None:
        return None
    data = _read(file)
    try:
        key = _parsed(data)
    except ValueError as error:
        raise SettingError(f"{file} holds neither a certificate nor a public key") from error
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise SettingError(f"{file} holds a key that is none of an elliptic curve")
    return key


def _parsed(data: bytes) -> object:
    if data.startswith(_CERTIFICATE):
        return x509.load_pem_x509_certificate(data).public_key()
    if data.startswith(_PEM):
        return load_pem_public_key(data)
    try:
        return x509.load_der_x509_certificate(data).public_key()
    except ValueError:
        return load_der_public_key(data)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise SettingError(f"{file}: {error.strerror or error}") from error
