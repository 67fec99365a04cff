"""`openami privacy`: somebody moves, is forgotten by right, and the log of commands says so by number."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

KEY = "00112233445566778899aabbccddeeff"


@pytest.fixture
def settings(openami, tmp_path):
    """An installation with Anna at P-1."""
    made = Path(openami("init", tmp_path / "plant", "--json").objects[0]["settings"])
    file = tmp_path / "meters.csv"
    file.write_text(
        "point,address,zone,serial,system_title,link,resolution_s,encryption_key,authentication_key,consumer,since\n"
        f"P-1,1 Mill Lane,UTC,M1,4f414d0000000001,tcp://127.0.0.1:1,900,{KEY},{KEY},Anna Example,2026-01-01\n"
    )
    assert openami("enrol", file, "--settings", made).status == 0
    return made


def test_a_person_moves_and_is_forgotten(openami, settings):
    last = ("--settings", settings)
    assert openami("privacy", "forget", "1", "--yes", *last).status == 1, "is supplied there"
    assert openami("privacy", "move", "P-1", "--at", "2026-02-01", *last).status == 1, "without a zone"
    moved = openami("privacy", "move", "P-1", "--at", "2026-02-01T00:00:00Z", "--name", "Bert", *last)
    assert moved.status == 0, moved.err
    (row,) = openami("privacy", "show", *last, "--json").objects
    assert (row["consumer"], row["supplied_until"], row["name_goes"]) == (1, "2026-02-01", "2029-01-31")
    assert openami("privacy", "due", *last, "--json").objects == [{"persons": 0, "points": 0}]
    assert openami("privacy", "forget", "1", *last).status == 1, "not without --yes"
    assert openami("privacy", "forget", "1", "--yes", *last).status == 0
    assert openami("privacy", "due", "--yes", *last, "--json").objects == [{"forgotten": 0, "rows_erased": 0}]
    with closing(sqlite3.connect(settings.parent / "openami.sqlite")) as store:
        assert store.execute("SELECT name FROM consumer ORDER BY id").fetchall() == [("forgotten",), ("Bert",)]
    entries = openami("audit", "show", "--commands", *last, "--json").objects
    assert entries[-1]["of_what"] == "consumer 1"
    assert "Anna" not in str(entries)
