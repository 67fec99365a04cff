"""Private P-256 keys in a folder, each in a file (PKCS #8, PEM) that a passphrase opens: for those without a token."""

from __future__ import annotations

import re
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from openami.io.keystore.certificates import write_private
from openami.io.keystore.file_keystore import KeystoreLocked
from openami.model.errors import SettingError, StoreError
from openami.protocols.dlms.asymmetric import PublicKey
from openami.protocols.seal.keys import SoftwareAgreement, SoftwareSigner

_LABEL = re.compile(r"[a-z][a-z0-9 -]{0,40}")


class KeyFolder:
    """The keys in `folder`; the same verbs as a token (`openami.io.keystore.hsm.Hsm`)."""

    def __init__(self, folder: Path, passphrase: str) -> None:
        if not passphrase:
            raise SettingError(f"the passphrase of the keys in {folder} is empty")
        self._folder = folder
        self._passphrase = passphrase.encode()

    def __repr__(self) -> str:
        return f"KeyFolder({str(self._folder)!r})"

    def make_key(self, label: str) -> PublicKey:
        """Make a key pair; the public half. Raises `SettingError` if there is one."""
        path = self._path(label)
        if path.exists():
            raise SettingError(f"{path} is there already: nothing was changed")
        key = ec.generate_private_key(ec.SECP256R1())
        ciphered = serialization.BestAvailableEncryption(self._passphrase)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        raw = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, ciphered)
        write_private(path, raw)
        return key.public_key()

    def signer(self, label: str) -> SoftwareSigner:
        """The signing key `label`; raises `KeystoreLocked` or `StoreError`."""
        return SoftwareSigner(self._load(label))

    def agreement(self, label: str) -> SoftwareAgreement:
        """The agreement key `label`; raises `KeystoreLocked` or `StoreError`."""
        return SoftwareAgreement(self._load(label))

    def _load(self, label: str) -> ec.EllipticCurvePrivateKey:
        path = self._path(label)
        try:
            key = serialization.load_pem_private_key(path.read_bytes(), self._passphrase)
        except OSError as error:
            raise StoreError(f"key {path}: {error.strerror}; make it with: openami pki key") from error
        except (ValueError, TypeError) as error:
            raise KeystoreLocked(f"key {path} does not open: wrong passphrase, or the file was changed") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
            raise StoreError(f"key {path} is no P-256 key")
        return key

    def _path(self, label: str) -> Path:
        if not _LABEL.fullmatch(label):
            raise SettingError(f"{label!r} is no label: small letters, digits, spaces and dashes")
        return self._folder / f"{label.replace(' ', '-')}.key"
