"""`openami init`, `enrol`, `account` and `readings` on one installation."""

from __future__ import annotations

import csv
import io
import stat

import pyarrow.parquet as pq
import pytest

HEADER = "point,address,zone,serial,system_title,link,resolution_s,encryption_key,authentication_key,consumer,since"
KEY = "00112233445566778899aabbccddeeff"
GOOD = f"P-1,1 Mill Lane,Europe/Berlin,10000001,4f414d0000000001,tcp://127.0.0.1:4059,900,{KEY},{KEY},Anna,2026-01-01"


def line(**changes):
    row = dict(zip(HEADER.split(","), GOOD.split(","), strict=True))
    return ",".join((row | changes).values())


@pytest.fixture
def installed(openami, tmp_path):
    made = openami("init", tmp_path / "installation", "--json").objects[0]
    return made["settings"]


def enrol(openami, installed, tmp_path, *lines):
    file = tmp_path / "meters.csv"
    file.write_text("\n".join([HEADER, *lines]) + "\n")
    return openami("enrol", file, "--settings", installed, "--json")


@pytest.mark.usefixtures("installed")
def test_an_installation_keeps_its_secrets_to_its_owner(openami, tmp_path):
    folder = tmp_path / "installation"
    private = [path for path in folder.rglob("*") if path.suffix in {".key", ".passphrase"}]
    assert len(private) == 5
    assert {stat.S_IMODE(path.stat().st_mode) for path in private} == {0o600}
    again = openami("init", folder)
    assert again.status == 1
    assert "nothing was changed" in again.err


def test_lines_are_taken_whole_or_told(openami, installed, tmp_path):
    ran = enrol(
        openami,
        installed,
        tmp_path,
        GOOD,
        GOOD,
        line(point="P-2", serial="2", system_title="4f414d0000000002", zone="Mars/Berlin"),
        line(point="P-3", serial="3", system_title="4f414d0000000003", encryption_key="secret"),
        line(point="P-4", serial="4", system_title="4f414d0000000004", link="nowhere"),
        line(point="P-5", serial="5", system_title="4f414d0000000005", resolution_s="901"),
        line(point="P-6", serial="6", system_title="4f414d0000000006", since="lately"),
        "P-7,too,few",
        line(point="P-8", serial="8", system_title="4f414d0000000008", consumer="", since=""),
    )
    assert ran.status == 1
    *rejected, last = ran.objects
    assert last == {"taken": 2, "rejected": 7}
    assert [one["line"] for one in rejected] == [3, 4, 5, 6, 7, 8, 9]
    said = [one["error"] for one in rejected]
    for message, word in zip(
        said, ("P-1", "Mars/Berlin", "encryption_key", "nowhere", "901", "lately", "fields"), strict=True
    ):
        assert word in message
    assert "secret" not in ran.out + ran.err
    assert (
        enrol(openami, installed, tmp_path, line(point="P-9", serial="9", system_title="4f414d0000000009")).status == 0
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x00\x96\xff\x00", "no CSV text"),
        (b"", "missing: point"),
        (b"point,colour\n", "unknown: colour"),
        (HEADER.encode() + b"\nP-\xff\n", "UTF-8"),
    ],
)
def test_a_file_that_is_no_enrolment(openami, installed, tmp_path, content, message):
    file = tmp_path / "meters.csv"
    file.write_bytes(content)
    ran = openami("enrol", file, "--settings", installed)
    assert ran.status == 1
    assert message.lower() in ran.err.lower()
    assert "Traceback" not in ran.err


def test_accounts(openami, installed, tmp_path):
    enrol(
        openami, installed, tmp_path, GOOD, line(point="P-2", serial="2", system_title="4f414d0000000002", consumer="")
    )
    first = openami("account", "anna", "--point", "P-1", "--settings", installed, "--json").objects[0]
    again = openami("account", "anna", "--settings", installed, "--json").objects[0]
    assert first["login"] == again["login"] == "anna"
    assert first["password"] != again["password"]
    assert "password" in openami("account", "olga", "--settings", installed).out
    for code, message in (("P-9", "no such metering point"), ("P-2", "nobody is supplied")):
        ran = openami("account", "carl", "--point", code, "--settings", installed)
        assert ran.status == 1
        assert message in ran.err


def test_readings_of_a_point_that_has_none_yet(openami, installed, tmp_path):
    enrol(openami, installed, tmp_path, GOOD)
    period = ["--from", "2026-03-28", "--to", "2026-03-31", "--settings", installed]
    days = openami("readings", "P-1", *period, "--json").objects
    assert [(one["from"], one["intervals"], one["missing"]) for one in days] == [
        ("2026-03-28T00:00+01:00", 96, 96),
        ("2026-03-29T00:00+01:00", 92, 92),
        ("2026-03-30T00:00+02:00", 96, 96),
    ]
    rows = list(csv.reader(io.StringIO(openami("readings", *period, "--format", "csv").out)))
    assert rows[0][0] == "metering_point"
    out = tmp_path / "readings.parquet"
    assert openami("readings", *period, "--format", "parquet", "--out", out).status == 0
    assert pq.read_table(out).num_rows == len(rows) - 1
    assert "Consumption" in openami("readings", *period).out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["readings", "P-9"], "no metering point 'P-9'"),
        (["readings", "--from", "lately"], "--from is 'lately'"),
        (["readings", "--from", "2026-02-01", "--to", "2026-01-01"], "lies before"),
        (["readings", "--obis", "energy"], "not an OBIS code"),
        (["readings", "--by", "fortnight"], "--by"),
        (["readings", "--format", "parquet"], "--out"),
        (["readings", "--format", "csv", "--json"], "--json"),
        (["readings", "--format", "csv", "--out", "/dev/null/x"], "/dev/null/x"),
        (["enrol", "/dev/null/absent"], "/dev/null/absent"),
    ],
)
def test_what_is_wrong_is_said(openami, installed, tmp_path, arguments, message):
    enrol(openami, installed, tmp_path, GOOD)
    ran = openami(*arguments, "--settings", installed)
    assert ran.status == 1
    assert message in " ".join(ran.err.split())


@pytest.mark.parametrize("command", [["enrol", "/dev/null"], ["account", "x"], ["readings"], ["up"]])
def test_without_an_installation_they_tell_how_to_begin(openami, tmp_path, command):
    ran = openami(*command, "--settings", tmp_path / "absent.toml")
    assert ran.status == 1
    assert "openami init" in ran.err
