"""`openami token`: made, shown without its secret, asked with, withdrawn."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from openami.app.installation import Installation
from openami.portal.api.tokens import Tokens


@pytest.fixture
def settings(openami, tmp_path):
    return openami("init", tmp_path / "installation", "--json").objects[0]["settings"]


def find(settings, secret):
    store = Installation.load(Path(settings)).open_store()
    try:
        return Tokens(store).find(secret, datetime.now(UTC))
    finally:
        store.close()


def test_a_token_is_made_shown_and_withdrawn(openami, settings):
    made = openami("token", "make", "report", "--scope", "readings", "--settings", settings, "--json").objects[0]
    found = find(settings, made["token"])
    assert found is not None
    assert (found.name, found.scopes, found.consumer) == ("report", {"readings"}, None)
    shown = openami("token", "show", "--settings", settings, "--json")
    assert [row["name"] for row in shown.objects] == ["report"]
    assert made["token"] not in shown.out
    assert openami("token", "withdraw", "report", "--settings", settings).status == 0
    assert find(settings, made["token"]) is None


def test_what_cannot_be_is_told(openami, settings):
    unknown = openami("token", "make", "mine", "--scope", "points", "--point", "P-0", "--settings", settings)
    assert unknown.status == 1
    assert "no such metering point" in unknown.err
    missing = openami("token", "withdraw", "nobody's", "--settings", settings)
    assert missing.status == 1
    assert "no token" in missing.err
    assert openami("token", "make", "mine", "--scope", "everything", "--settings", settings).status == 1
