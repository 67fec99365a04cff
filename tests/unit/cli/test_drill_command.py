"""`openami drill` as a user meets it."""

from __future__ import annotations

import json

import pytest

from openami.app.drills.drill import DRILLS, Drill
from openami.cli.commands import run


def test_json_is_an_object_a_line(capsys):
    assert run(["drill", "A057", "a058", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(one["id"], one["result"], one["twin"]) for one in lines] == [
        ("A057", "green", "red"),
        ("A058", "green", "red"),
    ]
    assert set(lines[0]) == {"id", "position", "result", "twin", "seconds"}


def test_a_position_plays_its_attacks_only(capsys):
    assert run(["drill", "--position", "collector", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {one["position"] for one in lines} == {"collector"}


def test_the_table_counts(capsys):
    assert run(["drill", "A057"]) == 0
    assert "1 of 1 attacks fail, and succeed without their guard" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"), [(["A999"], "A999: not in the catalogue"), (["--position", "moon"], "moon")]
)
def test_what_is_not_there_is_said(capsys, arguments, words):
    assert run(["drill", *arguments]) == 1
    assert words in capsys.readouterr().err


def test_missing_drills_are_listed_with_their_reason(capsys):
    assert run(["drill", "--missing", "--json"]) == 0
    for line in capsys.readouterr().out.splitlines():
        assert set(json.loads(line)) == {"id", "reason"}


def test_a_guard_that_nobody_misses_is_told_and_fails(capsys, monkeypatch):
    idle = Drill("A057", "HES DMZ host", "nothing happens", lambda: None, ())
    monkeypatch.setattr("openami.app.drills.play.all_drills", lambda: [idle])
    assert run(["drill", "A057"]) == 1
    assert "nobody misses the guard of: nothing happens" in capsys.readouterr().out
    assert idle not in DRILLS
