"""`openami check`: a meter beside a profile that comes with the program, and beside profiles of one's own."""

from __future__ import annotations

import pytest

from command_line import SEALED
from openami.cli.check import find_profile

ENERGY = "1-0:1.8.0*255"
OWN = """
name = "own"
description = "what we ordered"
[clients.2]
authentication = "lls"
[[objects]]
logical_name = "1-0:1.8.0*255"
class_id = 4
[[objects]]
logical_name = "1-0:99.1.0*255"
class_id = 7
version = 0
attributes = { 4 = "rw" }
[[objects]]
logical_name = "7-0:3.0.0*255"
class_id = 3
"""


@pytest.fixture
def own(tmp_path):
    file = tmp_path / "own.toml"
    file.write_text(OWN)
    return file


@pytest.mark.parametrize("client", [[], SEALED, ["--client", "1", "--authentication", "hls5"]])
@pytest.mark.usefixtures("secrets")
def test_our_meter_is_a_plain_one(openami, meter, client):
    ran = openami("check", meter.wrapper, "--profile", "plain", *client)
    assert ran.status == 0, ran.out
    assert "0 deviations from a plain electricity meter" in ran.out


@pytest.mark.usefixtures("secrets")
def test_deviations_are_listed_one_by_one(openami, meter, own):
    ran = openami("check", meter.wrapper, "--profile", own, *SEALED, "--json")
    assert ran.status == 1
    found = [(one["deviation"], one["logical_name"], one["profile"], one["meter"]) for one in ran.objects]
    assert found == [
        ("authentication", "", "lls", "hls5"),
        ("class", ENERGY, "4 Extended register", "3 Register"),
        ("version", "1-0:99.1.0*255", "0", "1"),
        ("access", "1-0:99.1.0*255", "rw", "r"),
        ("missing object", "7-0:3.0.0*255", "3 Register", ""),
    ]
    assert ran.objects[1]["meaning"] == "active energy +A"
    assert ran.objects[3]["member"] == "4 capture_period"
    table = openami("check", meter.wrapper, "--profile", own, *SEALED)
    assert "Deviations from own" in table.out
    assert "5 deviations from what we ordered" in table.out


@pytest.mark.usefixtures("secrets")
def test_our_meter_beside_an_idis_like_one(openami, meter):
    """Many objects are there, some are not: the checker tells which."""
    ran = openami("check", meter.wrapper, "--profile", "idis-2", "--client", 1, "--authentication", "hls5", "--json")
    assert ran.status == 1
    missing = {one["logical_name"] for one in ran.objects if one["deviation"] == "missing object"}
    assert "1-0:99.2.0*255" in missing
    assert not missing & {"0-0:1.0.0*255", ENERGY, "1-0:99.1.0*255", "0-0:96.3.10*255"}


@pytest.mark.parametrize(
    ("profile", "message"),
    [
        ("bogus", "'bogus' is no file, and not one of dsmr-5, idis-2, plain"),
        ("idis-2", "has no client 2; it has 1 management, 16 public, 102 pre-established"),
    ],
)
@pytest.mark.usefixtures("secrets")
def test_a_profile_that_cannot_be_used(openami, meter, profile, message):
    ran = openami("check", meter.wrapper, "--profile", profile, *SEALED)
    assert ran.status == 1
    assert message in " ".join(ran.err.split())


@pytest.mark.parametrize(("raw", "message"), [(b"name = ", "is not TOML"), (b"\xff", "is no text")])
def test_a_broken_file_is_named(openami, meter, tmp_path, raw, message):
    file = tmp_path / "broken.toml"
    file.write_bytes(raw)
    ran = openami("check", meter.wrapper, "--profile", file)
    assert ran.status == 1
    assert message in ran.err
    assert "broken.toml" in ran.err


@pytest.mark.parametrize("name", ["plain", "idis-2", "dsmr-5"])
def test_profiles_that_come_with_the_program(name):
    assert find_profile(name).name == name
