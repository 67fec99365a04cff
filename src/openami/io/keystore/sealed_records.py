"""Records of a device, each in a file that only the holder of a secret can read: AES-256-GCM, replaced in one step.

    magic and newline     17 bytes
    nonce                 12 bytes, new for every writing
    ciphertext and tag    the record

The key is derived from the secret by HKDF; the record's name is authenticated with it.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from openami.io.disk import Disk, write_whole
from openami.model.errors import StoreError

MAGIC = b"OPENAMI-RECORD-1\n"
_NONCE_BYTES = 12


class SealedRecords:
    """The records in `folder`, made if it does not exist. `secret` must be as strong as a key."""

    def __init__(self, folder: Path, secret: bytes, *, disk: Disk, random: Callable[[int], bytes]) -> None:
        disk.make_folder(folder)
        self._folder = folder
        self._disk = disk
        self._random = random
        self._cipher = AESGCM(HKDF(SHA256(), 32, None, MAGIC).derive(secret))

    def load(self, name: str) -> bytes | None:
        """The record `name`, `None` if there is none; raises `StoreError` if it was sealed by another secret."""
        path = self._path(name)
        if path.name not in self._disk.names(self._folder):
            return None
        data = self._disk.read(path)
        nonce, sealed = data[len(MAGIC) : len(MAGIC) + _NONCE_BYTES], data[len(MAGIC) + _NONCE_BYTES :]
        try:
            if not data.startswith(MAGIC):
                raise InvalidTag
            return self._cipher.decrypt(nonce, sealed, name.encode())
        except (InvalidTag, ValueError):
            raise StoreError(f"record {path} ({name}) does not open: not the keys it began with, or altered") from None

    def save(self, name: str, octets: bytes) -> None:
        """Keep a record; it is on the disk when this returns. Raises `StoreError`; then the older one stays."""
        nonce = self._random(_NONCE_BYTES)
        path = self._path(name)
        try:
            write_whole(self._disk, path, MAGIC + nonce + self._cipher.encrypt(nonce, octets, name.encode()))
        except OSError as error:
            raise StoreError(f"record {path}: {error.strerror or error}; nothing was changed") from error

    def _path(self, name: str) -> Path:
        return self._folder / f"{sha256(name.encode()).hexdigest()[:32]}.record"
