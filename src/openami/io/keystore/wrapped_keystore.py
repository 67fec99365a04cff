"""Meter keys in one file, each record wrapped by itself under a key that the file does not hold: a token's, as a rule.

Opening the file unwraps nothing; whoever asks for one meter's keys gets one meter's keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Protocol

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from openami.io.disk import Disk, write_whole
from openami.io.keystore.file_keystore import KeystoreLocked
from openami.io.keystore.meter_keys import MeterKeys, NoKeys
from openami.model.errors import SettingError, StoreError

MAGIC = b"OPENAMI-WRAPPED-1\n"
_SYSTEM_TITLE_BYTES = 8
_NONCE_BYTES = 12


class Wrapping(Protocol):
    """A key that ciphers other keys for storage."""

    def wrap(self, octets: bytes, name: bytes) -> bytes:
        """`octets` ciphered, bound to `name`."""
        ...

    def unwrap(self, wrapped: bytes, name: bytes) -> bytes:
        """What was wrapped under `name`; raises `KeystoreLocked`."""
        ...


class SoftwareWrapping:
    """A wrapping key in memory: AES-GCM with a key of 16 or 32 bytes."""

    def __init__(self, key: bytes, *, random: Callable[[int], bytes]) -> None:
        self._cipher = AESGCM(key)
        self._random = random

    def wrap(self, octets: bytes, name: bytes) -> bytes:
        """See `Wrapping`."""
        nonce = self._random(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, octets, name)

    def unwrap(self, wrapped: bytes, name: bytes) -> bytes:
        """See `Wrapping`."""
        try:
            return self._cipher.decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], name)
        except (InvalidTag, ValueError):
            raise KeystoreLocked("the wrapping key does not unwrap this: another key, or altered octets") from None


class WrappedKeystore:
    """The wrapped keys at `path`, or an empty keystore that is written by the first `put`. Raises `StoreError`."""

    def __init__(self, path: Path, wrapping: Wrapping, *, disk: Disk) -> None:
        self._path = path
        self._wrapping = wrapping
        self._disk = disk
        self._wrapped: dict[bytes, bytes] = {}
        if path.name in disk.names(path.parent):
            self._wrapped = self._decoded(disk.read(path))

    def __repr__(self) -> str:
        return f"WrappedKeystore({str(self._path)!r}, keys of {len(self._wrapped)} meters)"

    def meter_keys(self, system_title: bytes) -> MeterKeys:
        """The keys of the meter; raises `NoKeys` if there are none, `KeystoreLocked` if they do not unwrap."""
        wrapped = self._wrapped.get(system_title)
        if wrapped is None:
            raise NoKeys(f"keystore {self._path} has no keys for system title {system_title.hex()}; put them in first")
        raw = self._wrapping.unwrap(wrapped, system_title)
        return MeterKeys.of_entry(msgspec.msgpack.decode(raw, type=list[bytes | None]))

    def system_titles(self) -> list[bytes]:
        """Whose keys are here."""
        return sorted(self._wrapped)

    def put(self, system_title: bytes, keys: MeterKeys) -> None:
        """Keep the keys of one meter, durably; replaces older ones."""
        self.put_many({system_title: keys})

    def put_many(self, keys: Mapping[bytes, MeterKeys]) -> None:
        """Keep the keys of many meters in one writing."""
        for title in keys:
            if len(title) != _SYSTEM_TITLE_BYTES:
                raise SettingError(f"a system title has 8 bytes, not {len(title)}: {title.hex()}")
        self._write({**self._wrapped, **{title: self._wrap(title, one) for title, one in keys.items()}})

    def remove(self, system_title: bytes) -> None:
        """Forget the keys of one meter, durably; raise `NoKeys` if there are none."""
        if system_title not in self._wrapped:
            raise NoKeys(f"keystore {self._path} has no keys for system title {system_title.hex()}")
        self.remove_many((system_title,))

    def remove_many(self, system_titles: Iterable[bytes]) -> None:
        """Forget the keys of many meters in one writing; those that are not here are none."""
        gone = dict.fromkeys(system_titles)
        self._write({title: wrapped for title, wrapped in self._wrapped.items() if title not in gone})

    def _wrap(self, title: bytes, keys: MeterKeys) -> bytes:
        return self._wrapping.wrap(msgspec.msgpack.encode(keys.entry()), title)

    def _write(self, wrapped: dict[bytes, bytes]) -> None:
        try:
            write_whole(self._disk, self._path, MAGIC + msgspec.msgpack.encode(wrapped))
        except OSError as error:
            raise StoreError(f"keystore {self._path}: {error.strerror or error}; nothing was changed") from error
        self._wrapped = wrapped

    def _decoded(self, raw: bytes) -> dict[bytes, bytes]:
        try:
            if not raw.startswith(MAGIC):
                raise StoreError(f"{self._path} is no keystore of wrapped keys")
            return msgspec.msgpack.decode(raw[len(MAGIC) :], type=dict[bytes, bytes])
        except msgspec.DecodeError as error:
            raise StoreError(f"keystore {self._path} is damaged: {error}") from error
