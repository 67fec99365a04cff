"""What is done from the command line stands in a log; changed metering data is named."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from openami.app.installation import Installation
from openami.app.records import open_audit
from openami.backoffice.mdm.roots import Roots
from openami.io.clock import SystemClock
from openami.io.disk import SystemDisk


@pytest.fixture
def settings(openami, tmp_path):
    return Path(openami("init", tmp_path / "plant", "--json").objects[0]["settings"])


def entered(openami, settings):
    rows = openami("audit", "show", "--commands", "--settings", settings, "--json").objects
    return [(row["kind"], row["of_what"], row["what"].partition(",")[0]) for row in rows]


def test_commands_are_entered(openami, settings):
    openami("account", "anna", "--settings", settings)
    openami("token", "make", "weather", "--scope", "points", "--settings", settings)
    openami("token", "withdraw", "weather", "--settings", settings)
    openami("pki", "key", "guard", "--settings", settings)
    openami("store", "retire", "2026-01-01", "--yes", "--settings", settings)
    assert entered(openami, settings) == [
        ("account", "anna", "made it"),
        ("consent", "token weather", "made"),
        ("consent", "token weather", "withdrawn"),
        ("key", "guard", "made a key"),
        ("blocks", "every metering point before day 20454", "dropped for good"),
    ]


def test_an_authority_keeps_a_log_of_what_it_signed(openami, tmp_path):
    request = tmp_path / "request.pem"
    request.write_text(openami("pki", "request", tmp_path / "own.pem", "--name", "collector-7").out)
    folder = tmp_path / "services"
    signed = openami("pki", "sign", request, "--name", "collector-7", "--folder", folder)
    assert signed.status == 0
    records = b"".join(file.read_bytes() for file in (folder / "records").glob("*.items"))
    assert b"signed a certificate" in records
    assert b"collector-7" in records


def test_the_keys_of_logs_are_printed_for_the_witness(openami, settings):
    openami("account", "anna", "--settings", settings)
    (line,) = openami("audit", "keys", "--settings", settings).out.split()
    origin, _, key = line.partition("=")
    assert origin == "openami.localhost/commands"
    assert len(bytes.fromhex(key)) == 32


def test_a_changed_row_is_named_and_the_exit_status_says_so(openami, settings):
    installation = Installation.load(settings)
    file = settings.parent / "openami.sqlite"
    values = "1, '1-0:1.8.0*255', 1767225600, 1, 1, 5, 1767225600000000, 1"
    with sqlite3.connect(file) as database:
        database.execute(f"INSERT INTO stamped_register VALUES ({values})")
    store = installation.open_store()
    with open_audit(installation, SystemClock()) as audit:
        Roots(store, audit, installation.path("known-rows"), SystemDisk()).enter(datetime.now(UTC))
    store.close()
    assert openami("audit", "check", "--settings", settings).status == 0
    with sqlite3.connect(file) as database:
        database.execute("UPDATE stamped_register SET register = 6")
    checked = openami("audit", "check", "--settings", settings, "--json")
    assert checked.status == 1
    assert checked.objects[0]["how"] == "changed"
    assert checked.objects[0]["row"].startswith("stamped_register/1/20454/")
