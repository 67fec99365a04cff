"""`openami store` on both kinds of database."""

from __future__ import annotations

from pathlib import Path

import pytest

import postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request, openami, tmp_path):
    file = Path(openami("init", tmp_path / "installation", "--json").objects[0]["settings"])
    if request.param == "sqlite":
        yield file
        return
    with postgres.database(empty=True) as url:
        text = file.read_text()
        file.write_text(text.replace('url = "sqlite:///openami.sqlite"', f'url = "{url}"'))
        assert url in file.read_text()
        yield file


def test_a_store_is_made_checked_and_kept_short(openami, settings):
    if "postgresql" in settings.read_text():
        ran = openami("store", "check", "-s", settings)
        assert ran.status == 1
        assert "run `openami store upgrade`" in ran.err
    assert openami("store", "upgrade", "-s", settings).status == 0
    assert "this program's" in openami("store", "check", "-s", settings).out
    assert "parts made: none" in openami("store", "upgrade", "-s", settings).out
    assert "--yes" in openami("store", "retire", "2020-01-01", "-s", settings).err
    assert "not a day" in openami("store", "retire", "yesterday", "-s", settings).err
    assert "0 rows" in openami("store", "retire", "2020-01-01", "--yes", "-s", settings).out
    assert "`citus` is not created" in openami("store", "distribute", "-s", settings).err
