"""`openami read` against a meter that draws 1 kW and feeds in 100 W since 2026-01-01 and lives on 2026-01-03."""

from __future__ import annotations

import csv
import io
import socket
from contextlib import closing
from datetime import UTC, datetime

import pytest

from command_line import SEALED, meter_on_loopback
from openami.io.keystore.tls import issue, make_authority, server_context

ENERGY = "1-0:1.8.0*255"


def test_without_a_code_the_objects_are_listed(openami, meter):
    ran = openami("read", meter.wrapper, "--json")
    assert ran.status == 0
    names = {one["logical_name"]: one for one in ran.objects}
    assert names[ENERGY] == {
        "logical_name": ENERGY,
        "interface_class": "Register",
        "class_id": 3,
        "version": 0,
        "meaning": "active energy +A",
    }


@pytest.mark.parametrize("face", ["wrapper", "hdlc", "pty"])
@pytest.mark.usefixtures("secrets")
def test_a_register_over_every_face(openami, meter, face):
    framing = ["--framing", "hdlc"] if face == "hdlc" else []
    ran = openami("read", getattr(meter, face), "1-0:1.8.0", *framing, *SEALED, "--json")
    value = ran.objects[1]
    assert (value["name"], value["value"], value["unit"]) == ("value", 48_000, "Wh")
    assert ran.status == 0


def test_with_a_password(openami, meter):
    ran = openami("read", meter.wrapper, ENERGY, "--client", 3, "--authentication", "lls", "--password", "12345678")
    assert "48000" in ran.out
    assert "Wh" in ran.out


@pytest.mark.usefixtures("secrets")
def test_general_glo_and_the_title_that_was_insisted_on(openami, meter):
    insisted = ["--meter-system-title", "4f414d0000000001"]
    assert openami("read", meter.wrapper, ENERGY, *SEALED, "--general-glo", *insisted).status == 0
    other = openami("read", meter.wrapper, ENERGY, *SEALED, "--meter-system-title", "4f414d0000000002")
    assert other.status == 1
    assert "4f414d0000000001" in other.err.replace(" ", "")


def test_a_profile_by_range(openami, meter):
    period = ["--from", "2026-01-02T10:00", "--to", "2026-01-02T12:00+01:00"]
    rows = openami("read", meter.wrapper, "1-0:99.1.0", *period, "--json").objects
    assert [row["values"]["0-0:1.0.0*255"] for row in rows] == [
        f"2026-01-02T{moment}:00+00:00" for moment in ("10:00", "10:15", "10:30", "10:45", "11:00")
    ]
    assert [row["values"][ENERGY] for row in rows] == [34_000, 34_250, 34_500, 34_750, 35_000]
    assert rows[0]["units"][ENERGY] == "Wh"


def test_a_profile_s_last_entries_as_csv(openami, meter):
    ran = openami("read", meter.wrapper, "1-0:99.1.0", "--last", 2, "--csv")
    assert list(csv.reader(io.StringIO(ran.out))) == [
        ["clock", "status word 1", "active energy +A [Wh]", "active energy −A [Wh]"],
        ["2026-01-02T23:45:00+00:00", "0", "47750", "4775"],
        ["2026-01-03T00:00:00+00:00", "0", "48000", "4800"],
    ]


def test_a_whole_profile_as_a_table(openami, meter):
    ran = openami("read", meter.wrapper, "1-0:98.2.0")
    assert "2026-01-02T00:00:00+00:00" in ran.out
    assert "2026-01-03T00:00:00+00:00" in ran.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["1-0:9.9.9"], "shows client 16 no object 1-0:9.9.9"),
        (["nonsense"], "not an OBIS code"),
        (["1-0:99.1.0", "--from", "yesterday"], "--from is 'yesterday'"),
        (["1-0:99.1.0", "--from", "2026-01-02", "--to", "2026-01-01"], "lies before --from"),
        (["1-0:99.1.0", "--last", "1", "--to", "2026-01-01"], "leave --from and --to out"),
        (["--csv", "--json"], "not both"),
        (["--client", "99"], "does the meter know client 99"),
        (["--client", "3", "--authentication", "lls", "--password", "wrong"], "is the password that of client 3"),
        (["--client", "3", "--authentication", "lls"], "needs --password"),
        (SEALED, "needs --encryption-key"),
        ([*SEALED, "--encryption-key", "00" * 16], "belong together"),
        ([*SEALED, "--encryption-key", "00" * 15, "--authentication-key", "00" * 16], "has 15 bytes, not 16"),
        ([*SEALED, "--encryption-key", "zz", "--authentication-key", "00" * 16], "--encryption-key is not hexadec"),
        ([*SEALED, "--encryption-key", "00" * 16, "--authentication-key", "00" * 16], "are the keys those of client 2"),
        (["--system-title", "00", *SEALED, "--encryption-key", "00" * 16, "--authentication-key", "00" * 16], "title"),
        (["--framing", "hdlc", "--timeout", "0.5"], "are --framing hdlc and --server 1 right"),
        (["--framing", "morse"], "--framing"),
        (["--last", "0"], "--last"),
    ],
)
def test_what_is_wrong_is_said(openami, meter, arguments, message):
    ran = openami("read", meter.wrapper, *arguments)
    assert ran.status == 1
    assert message in " ".join(ran.err.split())
    assert "Traceback" not in ran.err
    assert ran.out == ""


def test_errors_never_show_a_key(openami, meter):
    key = "c0ffee" * 5 + "00"
    ran = openami("read", meter.wrapper, *SEALED, "--encryption-key", key, "--authentication-key", key)
    assert ran.status == 1
    assert "c0ffee" not in ran.err.lower()


@pytest.mark.parametrize(
    ("link", "message"),
    [
        ("http://127.0.0.1:1", "must begin with one of tcp://"),
        ("tcp://127.0.0.1:99999", "tcp://127.0.0.1:99999"),
        ("serial:///dev/absent", "/dev/absent"),
        ("tcp://openami.invalid:4059", "openami.invalid:4059"),
    ],
)
def test_a_link_that_cannot_be(openami, link, message):
    ran = openami("read", link)
    assert ran.status == 1
    assert message in ran.err


def test_a_closed_port(openami):
    with closing(socket.create_server(("127.0.0.1", 0))) as held:
        port = held.getsockname()[1]
    ran = openami("read", f"tcp://127.0.0.1:{port}")
    assert ran.status == 1
    assert f"127.0.0.1:{port}" in ran.err


@pytest.mark.usefixtures("secrets")
def test_over_tls_the_meter_is_known_by_its_authority(openami, tmp_path):
    now = datetime.now(UTC)
    authority = make_authority(tmp_path / "ours", now)
    other = make_authority(tmp_path / "other", now)
    own = issue(authority, tmp_path / "meter", "openami.localhost", now, server=True, also=["127.0.0.1"])
    with meter_on_loopback(tls=server_context(own)) as meter:
        ran = openami("read", meter.wrapper, ENERGY, *SEALED, "--authority", authority.certificate, "--json")
        assert ran.status == 0
        assert ran.objects[1]["value"] == 48_000
        for wrong in ([], ["--authority", other.certificate], ["--authority", tmp_path / "absent.pem"]):
            ran = openami("read", meter.wrapper, ENERGY, *SEALED, *wrong)
            assert ran.status == 1
            assert "authority" in ran.err or "certificate" in ran.err
