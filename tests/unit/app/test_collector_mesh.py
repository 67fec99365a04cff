"""The stations that a collector lets join: read again when the file changes; mistakes keep the stations of before."""

from __future__ import annotations

import os

import pytest

from openami.app.collector_mesh import Stations, _root
from openami.model.errors import SettingError

ONE, OTHER, KEY = "024f414d00000001", "024f414d00000002", "0f" * 16


def write(file, text, at):
    file.write_text(text)
    os.utime(file, ns=(at, at))


def test_stations_come_and_go_while_the_collector_runs(tmp_path, caplog):
    file = tmp_path / "stations"
    stations = Stations(file)
    assert stations(bytes.fromhex(ONE)) is None
    write(file, f"# Mill Lane\n{ONE} {KEY}\n\n", 1)
    assert stations(bytes.fromhex(ONE)) == bytes.fromhex(KEY)
    assert stations(bytes.fromhex(OTHER)) is None
    write(file, f"{OTHER} {KEY} # new\n", 2)
    assert stations(bytes.fromhex(OTHER)) == bytes.fromhex(KEY)
    assert stations(bytes.fromhex(ONE)) is None
    write(file, f"{OTHER} {KEY}\n{ONE} {KEY[2:]}\n", 3)
    assert stations(bytes.fromhex(OTHER)) == bytes.fromhex(KEY)
    assert "line 2" in caplog.text
    assert KEY[2:] not in caplog.text


def test_a_wrong_file_keeps_the_collector_from_starting(tmp_path):
    (tmp_path / "stations").write_text("hello")
    with pytest.raises(SettingError, match="stations line 1"):
        Stations(tmp_path / "stations")


def test_the_root_is_made_once(tmp_path):
    eui64, key = _root(tmp_path / "root")
    assert _root(tmp_path / "root") == (eui64, key)
    assert (len(eui64), len(key), eui64[0] & 3) == (8, 16, 2)
    assert (tmp_path / "root").stat().st_mode & 0o077 == 0
