"""Advisories: which versions they name."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from openami.app.release.advisories import check_fresh, known_holes, read_advisories
from openami.app.release.lock_file import read_lock
from openami.model.errors import SettingError

LOCK = read_lock("some-lib==1.5\n")
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def advisory(tmp_path, *events, versions=(), name="Some.Lib", ecosystem="PyPI", kind="ECOSYSTEM", **more):
    span = {"type": kind, "events": list(events)}
    affected = {"package": {"ecosystem": ecosystem, "name": name}, "ranges": [span], "versions": list(versions)}
    content = {"id": "X-1", "modified": "2026-11-23T00:00:00Z", "affected": [affected], **more}
    (tmp_path / "X-1.json").write_text(json.dumps(content))
    return read_advisories(tmp_path)


@pytest.mark.parametrize(
    ("events", "hit"),
    [
        ([{"introduced": "0"}], True),
        ([{"introduced": "1.5"}], True),
        ([{"introduced": "1.5.1"}], False),
        ([{"introduced": "0"}, {"fixed": "1.5"}], False),
        ([{"introduced": "0"}, {"fixed": "1.10"}], True),
        ([{"introduced": "0"}, {"last_affected": "1.5"}], True),
        ([{"introduced": "0"}, {"last_affected": "1.4"}], False),
        ([{"introduced": "0"}, {"fixed": "1.1"}, {"introduced": "1.4"}, {"fixed": "1.6"}], True),
        ([{"introduced": "0"}, {"fixed": "what?"}], True),
        ([{"introduced": "0"}, {"limit": "1"}], True),
        ([], False),
    ],
)
def test_a_range_names_a_version(tmp_path, events, hit):
    assert bool(known_holes(LOCK, advisory(tmp_path, *events))) is hit


def test_a_version_may_be_named_by_itself(tmp_path):
    ((locked, found),) = known_holes(LOCK, advisory(tmp_path, versions=["1.5"]))
    assert (locked.name, found.id) == ("some-lib", "X-1")


@pytest.mark.parametrize(
    "other",
    [
        {"ecosystem": "npm"},
        {"name": "another"},
        {"kind": "GIT"},
        {"withdrawn": "2026-11-23T00:00:00Z"},
    ],
)
def test_others_withdrawn_ones_and_other_ranges_are_no_hole(tmp_path, other):
    assert not known_holes(LOCK, advisory(tmp_path, {"introduced": "0"}, **other))


def test_advisories_older_than_a_day_prove_nothing(tmp_path):
    known = advisory(tmp_path, {"introduced": "0"})
    check_fresh(known, NOW)
    with pytest.raises(SettingError, match="fetch them anew"):
        check_fresh(known, NOW + timedelta(hours=12, seconds=1))


def test_no_advisories_are_no_proof(tmp_path):
    with pytest.raises(SettingError, match="holds no advisories"):
        read_advisories(tmp_path)


def test_a_file_that_is_none_is_named(tmp_path):
    (tmp_path / "x.json").write_text('{"id": 5}')
    with pytest.raises(SettingError, match=r"x\.json is no advisory"):
        read_advisories(tmp_path)
