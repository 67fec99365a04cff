"""Meter keys in one encrypted file: AES-256-GCM under a key that scrypt makes of a passphrase.

    magic and newline     15 bytes
    log2 of scrypt's n    1 byte
    scrypt's r, p         1 byte each
    salt                  16 bytes
    nonce                 12 bytes, new for every writing
    ciphertext and tag    MessagePack of {system title: keys}

All that stands before the ciphertext is authenticated with it. The file is replaced in one step.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from openami.io.disk import Disk, write_whole
from openami.io.keystore.meter_keys import MeterKeys, NoKeys
from openami.model.errors import SettingError, StoreError

MAGIC = b"OPENAMI-KEYS-1\n"
_HEAD = struct.Struct(">15sBBB16s")
_NONCE_BYTES = 12
SCRYPT_LOG2_N = 15
SCRYPT_R = 8
SCRYPT_P = 1
_SCRYPT_LOG2_N_MAX = 20
_SCRYPT_FACTOR_MAX = 16
_SYSTEM_TITLE_BYTES = 8

_Entry = list[bytes | None]


class KeystoreLocked(StoreError):
    """The passphrase does not open the keystore, or the file was changed."""


class FileKeystore:
    """Opens the keystore at `path`, or begins an empty one that is written by the first `put`.

    Raises `KeystoreLocked` if the passphrase is wrong or the file was tampered with, `StoreError` if it is no
    keystore. `scrypt_log2_n` counts for new files only.
    """

    def __init__(
        self,
        path: Path,
        passphrase: str,
        *,
        disk: Disk,
        random: Callable[[int], bytes],
        scrypt_log2_n: int = SCRYPT_LOG2_N,
    ) -> None:
        if not passphrase:
            raise SettingError(f"the passphrase of keystore {path} is empty")
        self._path = path
        self._disk = disk
        self._random = random
        self._keys: dict[bytes, MeterKeys] = {}
        if path.name in disk.names(path.parent):
            self._open(disk.read(path), passphrase)
        else:
            self._head = _HEAD.pack(MAGIC, scrypt_log2_n, SCRYPT_R, SCRYPT_P, random(16))
            self._cipher = _cipher(self._head, passphrase)

    def __repr__(self) -> str:
        return f"FileKeystore({str(self._path)!r}, keys of {len(self._keys)} meters)"

    def meter_keys(self, system_title: bytes) -> MeterKeys:
        """The keys of the meter; raise `NoKeys` if there are none."""
        try:
            return self._keys[system_title]
        except KeyError:
            raise NoKeys(
                f"keystore {self._path} has no keys for system title {system_title.hex()}; put them in first"
            ) from None

    def system_titles(self) -> list[bytes]:
        """Whose keys are here."""
        return sorted(self._keys)

    def put(self, system_title: bytes, keys: MeterKeys) -> None:
        """Keep the keys of one meter, durably; replaces older ones."""
        self.put_many({system_title: keys})

    def put_many(self, keys: Mapping[bytes, MeterKeys]) -> None:
        """Keep the keys of many meters in one writing."""
        for system_title in keys:
            if len(system_title) != _SYSTEM_TITLE_BYTES:
                raise SettingError(f"a system title has 8 bytes, not {len(system_title)}: {system_title.hex()}")
        self._write({**self._keys, **keys})

    def remove(self, system_title: bytes) -> None:
        """Forget the keys of one meter, durably; raise `NoKeys` if there are none."""
        self.meter_keys(system_title)
        self.remove_many((system_title,))

    def remove_many(self, system_titles: Iterable[bytes]) -> None:
        """Forget the keys of many meters in one writing; those that are not here are none."""
        gone = dict.fromkeys(system_titles)
        self._write({title: keys for title, keys in self._keys.items() if title not in gone})

    def _write(self, keys: dict[bytes, MeterKeys]) -> None:
        entries = {title: record.entry() for title, record in keys.items()}
        nonce = self._random(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, msgspec.msgpack.encode(entries), self._head)
        try:
            write_whole(self._disk, self._path, self._head + nonce + sealed)
        except OSError as error:
            raise StoreError(f"keystore {self._path}: {error.strerror or error}; nothing was changed") from error
        self._keys = keys

    def _open(self, data: bytes, passphrase: str) -> None:
        self._head = _checked_head(self._path, data)
        self._cipher = _cipher(self._head, passphrase)
        nonce, sealed = data[_HEAD.size : _HEAD.size + _NONCE_BYTES], data[_HEAD.size + _NONCE_BYTES :]
        try:
            plain = self._cipher.decrypt(nonce, sealed, self._head)
        except (InvalidTag, ValueError):
            raise KeystoreLocked(
                f"keystore {self._path} does not open: the passphrase is wrong or the file was changed"
            ) from None
        entries = msgspec.msgpack.decode(plain, type=dict[bytes, _Entry])
        self._keys = {title: MeterKeys.of_entry(entry) for title, entry in entries.items()}


def _checked_head(path: Path, data: bytes) -> bytes:
    """The head of the file; refuses parameters that would cost more memory than a keystore is worth."""
    head = data[: _HEAD.size]
    if len(head) < _HEAD.size or not head.startswith(MAGIC):
        raise StoreError(f"{path} is no OpenAMI keystore")
    _, log2_n, r, p, _ = _HEAD.unpack(head)
    if not (1 <= log2_n <= _SCRYPT_LOG2_N_MAX and 1 <= r <= _SCRYPT_FACTOR_MAX and 1 <= p <= _SCRYPT_FACTOR_MAX):
        raise StoreError(f"keystore {path} asks for scrypt n = 2^{log2_n}, r = {r}, p = {p}: out of bounds")
    return head


def _cipher(head: bytes, passphrase: str) -> AESGCM:
    _, log2_n, r, p, salt = _HEAD.unpack(head)
    return AESGCM(Scrypt(salt=salt, length=32, n=1 << log2_n, r=r, p=p).derive(passphrase.encode()))
