"""A release is a folder that one signature covers: the wheel, the lock, the bill of materials, the libraries' wheels.

    release.json       version, day, and the SHA-256 of every other file
    release.sig        Ed25519 signature over the bytes of release.json, in hexadecimal
    openami-….whl      built from a commit; the same commit gives the same bytes
    requirements.txt   what `pip install --require-hashes` takes: all libraries, and the wheel itself
    sbom.json          the bill of materials (CycloneDX)
    wheels/            the libraries themselves, for machines without a network (may be absent)

Whoever checks needs the public key from another place than the folder.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Annotated

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Meta, Struct
from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from openami.app.release.bill_of_materials import bill_of_materials, installed
from openami.app.release.lock_file import Locked, check_hashed, check_wheels, read_lock
from openami.io.disk import SystemDisk, write_whole
from openami.model.errors import SecurityError, SettingError

MANIFEST, SIGNATURE, LOCK, BILL, WHEELS = "release.json", "release.sig", "requirements.txt", "sbom.json", "wheels"
_Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]


class Manifest(Struct, frozen=True, forbid_unknown_fields=True):
    """What the signature covers; `files` are paths below the folder."""

    version: str
    day: str
    files: dict[str, _Digest]


def make_release(folder: Path, wheel: Path, lock: str, day: str, key: Ed25519PrivateKey) -> Manifest:
    """Fill `folder` from a built wheel and the lock of its libraries; wheels of these may lie in `wheels/` already."""
    version = _version_of(wheel)
    libraries = read_lock(lock)
    check_hashed(libraries)
    disk = SystemDisk()
    disk.make_folder(folder)
    content = wheel.read_bytes()
    ours = Locked("openami", version, frozenset({sha256(content).hexdigest()}))
    write_whole(disk, folder / wheel.name, content)
    write_whole(disk, folder / LOCK, f"{lock.rstrip()}\n{ours.line()}\n".encode())
    write_whole(disk, folder / BILL, bill_of_materials(version, libraries, installed()))
    check_wheels((*libraries, ours), _wheels(folder))
    manifest = Manifest(version, day, _digests(folder))
    raw = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
    write_whole(disk, folder / MANIFEST, raw)
    write_whole(disk, folder / SIGNATURE, key.sign(raw).hex().encode())
    return manifest


def check_release(folder: Path, signer: Ed25519PublicKey, newer_than: str) -> Manifest:
    """What `folder` holds if it is a release of `signer`, whole and unchanged, and not older than `newer_than`.

    Raises `SecurityError` that names what is wrong.
    """
    manifest = _signed(folder, signer)
    _check_files(folder, manifest)
    _check_age(manifest, newer_than)
    lock = read_lock((folder / LOCK).read_text())
    check_hashed(lock)
    check_wheels(lock, _wheels(folder))
    return manifest


def _signed(folder: Path, signer: Ed25519PublicKey) -> Manifest:
    try:
        raw, signature = (folder / MANIFEST).read_bytes(), (folder / SIGNATURE).read_text()
        _verify(signer, signature, raw)
        manifest = msgspec.json.decode(raw, type=Manifest)
        Version(manifest.version)
    except OSError as error:
        raise SecurityError(f"{error.filename}: {error.strerror}, so this is no release") from error
    except (msgspec.DecodeError, InvalidVersion) as error:
        raise SecurityError(f"{folder / MANIFEST}: {error}") from error
    except (InvalidSignature, ValueError):
        raise SecurityError(f"{folder} is not signed with the key that you trust") from None
    return manifest


def _verify(signer: Ed25519PublicKey, signature: str, raw: bytes) -> None:
    signer.verify(bytes.fromhex(signature), raw)


def _check_files(folder: Path, manifest: Manifest) -> None:
    if (found := _digests(folder)) != manifest.files:
        wrong = sorted(set(found.items()) ^ set(manifest.files.items()))
        raise SecurityError(f"not as it was signed: {', '.join(dict(wrong))}")


def _check_age(manifest: Manifest, newer_than: str) -> None:
    if Version(manifest.version) < Version(newer_than):
        raise SecurityError(f"release {manifest.version} is older than {newer_than}, which is installed")


def _digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file below `folder` but of manifest and signature."""
    files = sorted(file for file in folder.rglob("*") if not file.is_dir() or file.is_symlink())
    names = {file.relative_to(folder).as_posix(): file for file in files}
    return {name: sha256(names[name].read_bytes()).hexdigest() for name in names if name not in {MANIFEST, SIGNATURE}}


def _wheels(folder: Path) -> list[Path]:
    return sorted([*folder.glob("*.whl"), *(folder / WHEELS).glob("*")])


def _version_of(wheel: Path) -> str:
    try:
        name, version, *_ = parse_wheel_filename(wheel.name)
    except InvalidWheelFilename as error:
        raise SettingError(f"{wheel} is no wheel: {error}") from error
    if name != "openami":
        raise SettingError(f"{wheel} is a wheel of {name}, not of openami")
    return str(version)
