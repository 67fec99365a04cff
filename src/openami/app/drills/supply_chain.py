"""Whoever stands between us and those who install: libraries, wheels and whole releases that were replaced."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from openami.app.drills.drill import Removal, drill, ignored, stands
from openami.app.drills.world import octets_of
from openami.app.release import advisories, bill_of_materials, release
from openami.app.release.advisories import check_fresh, known_holes, read_advisories
from openami.app.release.lock_file import read_lock
from openami.app.release.release import BILL, LOCK, MANIFEST, SIGNATURE, WHEELS, check_release, make_release
from openami.model.errors import OpenAmiError

SUPPLY_CHAIN = "supply chain"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
_KEY = Ed25519PrivateKey.from_private_bytes(octets_of("releases", 32))
_THIEF = Ed25519PrivateKey.from_private_bytes(octets_of("thief of releases", 32))
_OURS = "openami-1.1-py3-none-any.whl"
_LIBRARY = "lib-2.0-py3-none-any.whl"


@contextmanager
def _release() -> Iterator[Path]:
    """A genuine release with a library beside it, where the adversary may write."""
    with TemporaryDirectory() as place:
        folder, wheel = Path(place, "release"), Path(place, _OURS)
        (folder / WHEELS).mkdir(parents=True)
        wheel.write_bytes(b"what was built")
        (folder / WHEELS / _LIBRARY).write_bytes(b"a library")
        lock = f"lib==2.0 --hash=sha256:{sha256(b'a library').hexdigest()}\n"
        make_release(folder, wheel, lock, "2026-01-01", _KEY)
        stands(_taken(folder), "the genuine release is not taken: the drill proves nothing")
        yield folder


def _taken(folder: Path, installed: str = "1.0") -> bool:
    try:
        check_release(folder, _KEY.public_key(), installed)
    except OpenAmiError:
        return False
    return True


def _sign_anew(folder: Path, key: Ed25519PrivateKey) -> None:
    """What lies in the folder now is signed with the key."""
    manifest = json.loads((folder / MANIFEST).read_bytes())
    manifest["files"] = {name: sha256((folder / name).read_bytes()).hexdigest() for name in manifest["files"]}
    raw = json.dumps(manifest).encode()
    (folder / MANIFEST).write_bytes(raw)
    (folder / SIGNATURE).write_text(key.sign(raw).hex())


@drill("A098", SUPPLY_CHAIN, Removal(release, "check_wheels", ignored))
def a_library_was_replaced_before_the_release_was_signed() -> None:
    """The thief sits at the index of libraries. Whoever signs sees nothing, but the lock is older than the theft."""
    for name in (_LIBRARY, _LIBRARY.replace("i", "1")):
        with _release() as folder:
            (folder / WHEELS / name).write_bytes(b"a library with a back door")
            _sign_anew(folder, _KEY)
            stands(not _taken(folder), f"{name} is installed, and is not what was locked")


@drill("A098", SUPPLY_CHAIN, Removal(release, "check_hashed", ignored))
def a_lock_names_a_library_without_its_hash() -> None:
    with _release() as folder:
        (folder / LOCK).write_text((folder / LOCK).read_text() + "helper==1.0\n")
        _sign_anew(folder, _KEY)
        stands(not _taken(folder), "whatever is called helper would be installed")


@drill("A098", SUPPLY_CHAIN, Removal(release, "_check_files", ignored))
def a_file_of_a_signed_release_was_replaced() -> None:
    for name in (BILL, "install.sh"):
        with _release() as folder:
            (folder / name).write_bytes(b"")
            stands(not _taken(folder), f"{name} is not what was signed, and is believed")


@drill("A098", SUPPLY_CHAIN, Removal(release, "_verify", ignored))
def the_wheel_was_replaced_and_everything_signed_anew() -> None:
    """The thief owns the place that releases are fetched from, but not the key."""
    with _release() as folder:
        (folder / _OURS).write_bytes(b"what nobody has built")
        digests = (sha256(b"what was built").hexdigest(), sha256(b"what nobody has built").hexdigest())
        (folder / LOCK).write_text((folder / LOCK).read_text().replace(*digests))
        _sign_anew(folder, _THIEF)
        stands(not _taken(folder), "a wheel is installed that we have not built")


@drill("A098", SUPPLY_CHAIN, Removal(release, "_check_age", ignored))
def an_old_release_with_its_old_holes_is_offered() -> None:
    with _release() as folder:
        stands(not _taken(folder, installed="1.2"), "a genuine release that is older was taken for an upgrade")


@drill("A098", SUPPLY_CHAIN, Removal(bill_of_materials, "_strange", lambda *_: []))
def a_library_is_installed_that_nobody_has_locked() -> None:
    found = bill_of_materials.installed()
    lock = read_lock("\n".join(f"{name}=={one.version}" for name, one in found.items() if name != "numpy"))
    told = bill_of_materials.differences(lock, found)
    stands(len(told) == 1 and told[0].startswith("numpy"), "a library that nobody has locked runs unnoticed")


def _advised(modified: datetime) -> bool:
    """Whether a check of the lock is green, with a hole known in one of its libraries or advisories that are old."""
    affected = {"package": {"ecosystem": "PyPI", "name": "Lib"}, "ranges": [_RANGE]}
    with TemporaryDirectory() as place:
        content = {"id": "EXAMPLE-1", "modified": modified.isoformat(), "affected": [affected]}
        Path(place, "EXAMPLE-1.json").write_text(json.dumps(content))
        known = read_advisories(Path(place))
    try:
        check_fresh(known, NOW)
    except OpenAmiError:
        return False
    return not known_holes(read_lock("lib==2.0\nother==1.0\n"), known)


_RANGE = {"type": "ECOSYSTEM", "events": [{"introduced": "1.9"}, {"fixed": "2.0.1"}]}


@drill("A100", SUPPLY_CHAIN, Removal(advisories, "_names", lambda *_: False))
def a_locked_library_has_a_known_hole() -> None:
    stands(not _advised(NOW), "a library with a known hole is delivered")


@drill("A100", SUPPLY_CHAIN, Removal(advisories, "AGE_MAX", timedelta.max), Removal(advisories, "_names", ignored))
def advisories_are_kept_from_us() -> None:
    """Whoever keeps new advisories away keeps the check green for ever, unless old ones count as a fault."""
    stands(not _advised(NOW - timedelta(days=2)), "holes that were published yesterday are not asked for")
