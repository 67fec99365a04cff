"""Releases: made, checked, and what is changed in them is found. A wheel is the same whoever builds it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from packaging.requirements import Requirement

from openami.app.release.lock_file import check_hashed, read_lock
from openami.app.release.release import check_release, make_release
from openami.model.errors import SecurityError, SettingError

ROOT = Path(__file__).parents[4]
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
THIEF = Ed25519PrivateKey.from_private_bytes(bytes(31) + b"1")
LIBRARY = "lib-2.0-py3-none-any.whl"


def small_wheel(folder, name, version, text=""):
    """A wheel that pip installs, of one empty module."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{name}.py", text)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture
def release(tmp_path):
    folder = tmp_path / "release"
    (folder / "wheels").mkdir(parents=True)
    library = small_wheel(folder / "wheels", "lib", "2.0")
    lock = f"lib==2.0 --hash=sha256:{sha256(library.read_bytes()).hexdigest()}\n"
    make_release(folder, small_wheel(tmp_path, "openami", "1.1"), lock, "2026-11-23", KEY)
    return folder


def resign(folder, key):
    """Whatever lies there now is signed with `key`."""
    manifest = json.loads((folder / "release.json").read_text())
    for name in manifest["files"]:
        manifest["files"][name] = sha256((folder / name).read_bytes()).hexdigest()
    raw = json.dumps(manifest).encode()
    (folder / "release.json").write_bytes(raw)
    (folder / "release.sig").write_text(key.sign(raw).hex())


def test_a_release_is_what_was_signed(release):
    found = check_release(release, KEY.public_key(), "1.1")
    assert found.version == "1.1"
    assert set(found.files) == {
        "openami-1.1-py3-none-any.whl",
        "requirements.txt",
        "sbom.json",
        f"wheels/{LIBRARY}",
    }
    lock = read_lock((release / "requirements.txt").read_text())
    assert [one.name for one in lock] == ["lib", "openami"]


@pytest.mark.parametrize("name", ["openami-1.1-py3-none-any.whl", "requirements.txt", "sbom.json", f"wheels/{LIBRARY}"])
def test_every_file_is_covered(release, name):
    with (release / name).open("ab") as file:
        file.write(b" ")
    with pytest.raises(SecurityError, match=name):
        check_release(release, KEY.public_key(), "1.1")


def test_a_file_more_or_less_is_found(release):
    (release / "wheels" / "new.pth").write_text("import os")
    with pytest.raises(SecurityError, match=r"new\.pth"):
        check_release(release, KEY.public_key(), "1.1")
    (release / "wheels" / "new.pth").unlink()
    (release / "sbom.json").unlink()
    with pytest.raises(SecurityError, match=r"sbom\.json"):
        check_release(release, KEY.public_key(), "1.1")


def test_another_key_signs_nothing(release):
    resign(release, THIEF)
    with pytest.raises(SecurityError, match="not signed with the key that you trust"):
        check_release(release, KEY.public_key(), "1.1")


@pytest.mark.parametrize("text", ["", "no hex", "00" * 64, "é"])
def test_a_signature_that_is_none_is_refused(release, text):
    (release / "release.sig").write_text(text)
    with pytest.raises(SecurityError, match="not signed"):
        check_release(release, KEY.public_key(), "1.1")


@pytest.mark.parametrize("raw", [b"", b"[]", b'{"version": "?", "day": "", "files": {}}', b'{"version": "1"}'])
def test_a_manifest_that_is_none_is_refused(release, raw):
    (release / "release.json").write_bytes(raw)
    (release / "release.sig").write_text(KEY.sign(raw).hex())
    with pytest.raises(SecurityError, match=r"release\.json"):
        check_release(release, KEY.public_key(), "1.1")


def test_a_folder_without_a_manifest_is_no_release(tmp_path):
    with pytest.raises(SecurityError, match="this is no release"):
        check_release(tmp_path, KEY.public_key(), "1.1")


def test_an_older_release_is_refused(release):
    with pytest.raises(SecurityError, match=r"older than 1\.2"):
        check_release(release, KEY.public_key(), "1.2")


def test_a_signed_lock_without_hashes_or_with_another_library_is_refused(release):
    lock = release / "requirements.txt"
    text = lock.read_text()
    lock.write_text(text + "loose==1\n")
    resign(release, KEY)
    with pytest.raises(SecurityError, match="no hash for loose"):
        check_release(release, KEY.public_key(), "1.1")
    lock.write_text(text)
    small_wheel(release / "wheels", "lib", "2.0", "evil = True")
    resign(release, KEY)
    with pytest.raises(SecurityError, match="not the file that was locked"):
        check_release(release, KEY.public_key(), "1.1")


@pytest.mark.parametrize("name", ["other-1.0-py3-none-any.whl", "openami-1.0.tar.gz"])
def test_a_release_is_made_of_our_wheel(tmp_path, name):
    with pytest.raises(SettingError, match=name):
        make_release(tmp_path, tmp_path / name, "", "2026-11-23", KEY)


def install(release, into, *options):
    command = [sys.executable, "-m", "pip", "install", "--isolated", "--quiet", "--no-index", "--no-cache-dir"]
    places = ["--find-links", str(release / "wheels"), "--find-links", str(release), "--target", str(into)]
    return subprocess.run(
        [*command, *places, *options, "-r", str(release / "requirements.txt")],
        capture_output=True,
        text=True,
        check=False,
    )


def test_pip_installs_a_release_and_refuses_a_library_that_was_replaced(release, tmp_path):
    assert install(release, tmp_path / "good", "--require-hashes").returncode == 0
    assert {"openami.py", "lib.py"} <= {file.name for file in (tmp_path / "good").iterdir()}
    small_wheel(release / "wheels", "lib", "2.0", "evil = True")
    refused = install(release, tmp_path / "bad", "--require-hashes")
    assert refused.returncode
    assert "DO NOT MATCH THE HASHES" in refused.stderr
    assert not (tmp_path / "bad" / "lib.py").exists()


def build(folder, into):
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1700000000"}
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(into)]
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    (wheel,) = into.glob("*.whl")
    return wheel


def test_two_builds_of_one_source_have_the_same_bytes(tmp_path):
    """From another folder, with other times and other rights of files."""
    for name in ("pyproject.toml", "README.md", "LICENSE", "src/openami/model", "src/openami/__init__.py"):
        source, target = ROOT / name, tmp_path / "copy" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, target)
    first = build(tmp_path / "copy", tmp_path / "one").read_bytes()
    shutil.copytree(tmp_path / "copy", tmp_path / "again", copy_function=shutil.copyfile)
    for file in (tmp_path / "again").rglob("*.py"):
        os.utime(file, (1, 1))
        file.chmod(0o600)
    assert build(tmp_path / "again", tmp_path / "two").read_bytes() == first


LOCK = ROOT / "packaging" / "requirements.txt"


def test_the_lock_has_a_hash_for_everything_and_names_no_place():
    text = LOCK.read_text()
    check_hashed(read_lock(text))
    assert "://" not in text


def test_the_lock_holds_what_the_project_asks_for_as_the_constraints_pin_it():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    asked = [Requirement(one) for one in (*project["dependencies"], *extras["postgres"], *extras["dask"])]
    asked += [Requirement(one) for one in (*extras["hsm"], *extras["nats"])]
    lock = {one.name: one.version for one in read_lock(LOCK.read_text())}
    pins = {one.name: one.version for one in read_lock((ROOT / "constraints.txt").read_text())}
    missing = [one.name for one in asked if one.name.lower() not in lock]
    assert missing == [], "write the lock anew: make lock"
    for one in asked:
        assert one.specifier.contains(lock[one.name.lower()]), one
    assert {name: version for name, version in lock.items() if pins.get(name, version) != version} == {}
