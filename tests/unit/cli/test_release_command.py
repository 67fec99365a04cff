"""`openami release`: from a wheel to a signed folder and back."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime

import pytest

from openami.cli.commands import run

LIBRARY = "some-lib==1.0 --hash=sha256:" + "0" * 64


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with zipfile.ZipFile("openami-9.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("openami.py", "")
    (tmp_path / "lock.txt").write_text(LIBRARY + "\n")
    return tmp_path


def make():
    options = ["--lock", "lock.txt", "--out", "out", "--key", "k.key"]
    return run(["release", "make", "openami-9.0-py3-none-any.whl", *options])


def test_a_release_is_made_and_checked(place, capsys):
    assert make() == 0
    assert run(["collector", "public", "--key", "k.key"]) == 0
    key = capsys.readouterr().out.split()[-1]
    assert run(["release", "check", "out", "--key", key]) == 0
    assert "release 9.0" in capsys.readouterr().out
    (place / "out" / "sbom.json").write_text("{}")
    assert run(["release", "check", "out", "--key", key]) == 1
    assert "sbom.json" in capsys.readouterr().err


@pytest.mark.usefixtures("place")
def test_a_key_that_is_none_is_named(capsys):
    assert run(["release", "check", "out", "--key", "12"]) == 1
    assert "--key" in capsys.readouterr().err


@pytest.mark.usefixtures("place")
def test_differences_are_told_and_are_a_failure(capsys):
    assert run(["release", "installed", "lock.txt", "--json"]) == 1
    said = [json.loads(line)["difference"] for line in capsys.readouterr().out.splitlines()]
    assert "some-lib 1.0 is locked, and missing" in said


def test_a_known_hole_is_a_failure(place, capsys):
    folder = place / "advisories"
    folder.mkdir()
    affected = {"package": {"ecosystem": "PyPI", "name": "some_lib"}, "versions": ["1.0"]}
    today = datetime.now(UTC).isoformat()
    (folder / "a.json").write_text(json.dumps({"id": "X-1", "modified": today, "affected": [affected]}))
    assert run(["release", "advisories", "lock.txt", "advisories", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["advisory"] == "X-1"
    (place / "lock.txt").write_text(LIBRARY.replace("1.0", "1.1"))
    assert run(["release", "advisories", "lock.txt", "advisories"]) == 0
