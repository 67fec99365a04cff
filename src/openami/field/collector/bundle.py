"""A collector's own configuration and firmware as signed bundles: verified, swapped in one step, rolled back.

    NUMBER/…          the files of one bundle
    current           a link to the bundle in use, replaced in one step
    state             number in use, the one before, the highest ever taken, starts since the swap, confirmed or not

A bundle that was swapped in is on probation: if it is started `STARTS_MAX` times without `confirm`, or a person asks,
the one before comes back. An older bundle is never taken again: its number is not above the highest.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Meta, Struct

from openami.io.disk import SystemDisk, write_whole
from openami.model.errors import SecurityError, StoreError

STARTS_MAX = 3
BUNDLE_BYTES_MAX = 64 << 20
FILES_MAX = 64
_FileName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$")]


class Manifest(Struct, frozen=True, forbid_unknown_fields=True):
    """What the signature covers: for whom, which number, and the SHA-256 of each file."""

    collector: Annotated[str, Meta(min_length=1, max_length=64)]
    number: Annotated[int, Meta(ge=1, lt=1 << 53)]
    files: Annotated[dict[_FileName, bytes], Meta(min_length=1, max_length=FILES_MAX)]


class _Bundle(Struct, frozen=True, forbid_unknown_fields=True):
    manifest: bytes
    signature: bytes
    contents: dict[str, bytes]


class _State(Struct, forbid_unknown_fields=True):
    current: int = 0
    previous: int = 0
    highest: int = 0
    starts: int = 0
    confirmed: bool = True


def make_bundle(collector: str, number: int, files: dict[str, bytes], key: Ed25519PrivateKey) -> bytes:
    """The bundle for `collector` (`*` for all of them)."""
    manifest = msgspec.msgpack.encode(
        Manifest(collector, number, {name: hashlib.sha256(content).digest() for name, content in files.items()})
    )
    return msgspec.msgpack.encode(_Bundle(manifest, key.sign(manifest), files))


def open_bundle(raw: bytes, collector: str, signer: Ed25519PublicKey) -> tuple[Manifest, dict[str, bytes]]:
    """What is in a bundle, all of it verified; raises `SecurityError`."""
    if len(raw) > BUNDLE_BYTES_MAX:
        raise SecurityError(f"a bundle of {len(raw)} bytes, limit {BUNDLE_BYTES_MAX}")
    try:
        bundle = msgspec.msgpack.decode(raw, type=_Bundle)
        signer.verify(bundle.signature, bundle.manifest)
        manifest = msgspec.msgpack.decode(bundle.manifest, type=Manifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SecurityError(f"this is no bundle: {error}") from error
    except InvalidSignature:
        raise SecurityError("the bundle is not signed by the key of this installation") from None
    if manifest.collector not in {"*", collector}:
        raise SecurityError(f"the bundle is for {manifest.collector}, not for {collector}")
    if manifest.files != {name: hashlib.sha256(data).digest() for name, data in bundle.contents.items()}:
        raise SecurityError("the bundle's files are not those that were signed")
    return manifest, bundle.contents


class Bundles:
    """The bundles of one collector in `folder`."""

    def __init__(self, folder: Path, collector: str, signer: Ed25519PublicKey) -> None:
        self._folder = folder
        self._collector = collector
        self._signer = signer
        self._disk = SystemDisk()
        self._disk.make_folder(folder)
        file = folder / "state"
        self._state = msgspec.json.decode(file.read_bytes(), type=_State) if file.exists() else _State()

    @property
    def current(self) -> int:
        """The number of the bundle in use; 0 if there is none."""
        return self._state.current

    def install(self, raw: bytes) -> int:
        """Verify a bundle and swap it in; its number. Raises `SecurityError`; then nothing has changed."""
        manifest, contents = open_bundle(raw, self._collector, self._signer)
        if manifest.number <= self._state.highest:
            raise SecurityError(f"bundle {manifest.number} is not newer than {self._state.highest}")
        target = self._folder / str(manifest.number)
        self._disk.make_folder(target)
        for name, content in contents.items():
            write_whole(self._disk, target / name, content)
        self._disk.sync_folder(self._folder)
        self._state = _State(manifest.number, self._state.current, manifest.number, 0, confirmed=False)
        self._swap()
        return manifest.number

    def started(self) -> int:
        """Call this first at each start; the number to run: another than `current` was if it was rolled back."""
        state = self._state
        link = self._folder / "current"
        if state.current and (not link.is_symlink() or str(link.readlink()) != str(state.current)):
            self._swap()  # a swap that a power cut interrupted
        if not state.confirmed:
            state.starts += 1
            if state.starts > STARTS_MAX:
                return self.roll_back()
            self._save()
        return state.current

    def confirm(self) -> None:
        """The bundle in use works: it has reached the head-end."""
        if not self._state.confirmed:
            self._state.confirmed = True
            self._save()

    def roll_back(self) -> int:
        """The bundle before comes back; its number. Raises `StoreError` if there is none."""
        if not self._state.previous:
            raise StoreError(f"{self._folder} holds no bundle from before")
        self._state = _State(self._state.previous, 0, self._state.highest)
        self._swap()
        return self._state.current

    def _swap(self) -> None:
        """The state first: if the link does not follow, the next start sees to it."""
        self._save()
        new = self._folder / "current.new"
        new.unlink(missing_ok=True)
        new.symlink_to(str(self._state.current))
        new.replace(self._folder / "current")
        self._disk.sync_folder(self._folder)

    def _save(self) -> None:
        write_whole(self._disk, self._folder / "state", msgspec.json.encode(self._state))
