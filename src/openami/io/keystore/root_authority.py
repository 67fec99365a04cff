"""The root of all certificates: it signs two authorities and is kept off all networks, its key under a passphrase."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from openami.io.keystore.certificates import (
    AUTHORITY_DAYS,
    Purpose,
    builder_of,
    for_authority,
    load_authority,
    names,
    read_request,
    write_private,
)
from openami.model.errors import SettingError

ROOT_DAYS = 7300


@dataclass(frozen=True, slots=True)
class RootAuthority:
    """The files `root.pem` and `root.key` (ciphered by a passphrase) in one folder, kept off all networks."""

    folder: Path

    @property
    def certificate(self) -> Path:
        """What whoever wants to check an authority trusts."""
        return self.folder / "root.pem"

    def make(self, passphrase: str, now: dt.datetime) -> None:
        """Make the root; raises `SettingError` if it is there or the passphrase is empty."""
        if self.certificate.exists() or not passphrase:
            raise SettingError(f"{self.certificate} is there already, or the passphrase is empty: nothing was changed")
        key = ec.generate_private_key(ec.SECP256R1())
        name = names("OpenAMI root")
        builder = for_authority(builder_of(name, name, key.public_key(), now, ROOT_DAYS), key.public_key(), below=1)
        self.folder.mkdir(parents=True, exist_ok=True)
        ciphered = serialization.BestAvailableEncryption(passphrase.encode())
        raw = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, ciphered)
        write_private(self.folder / "root.key", raw)
        self.certificate.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def sign_authority(self, request: bytes, purpose: Purpose, passphrase: str, now: dt.datetime) -> bytes:
        """The certificate (PEM) of an authority for `purpose`, for its request (PEM).

        Raises `SettingError` for a wrong passphrase, `SecurityError` for a request that its key did not sign.
        """
        asked = read_request(request)
        own, key = load_authority(self.certificate, self.folder / "root.key", passphrase)
        public = asked.public_key()
        assert isinstance(public, ec.EllipticCurvePublicKey)
        name = names(f"OpenAMI {purpose.value}s")
        builder = for_authority(builder_of(name, own.subject, public, now, AUTHORITY_DAYS), public, below=0)
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False
        )
        return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
