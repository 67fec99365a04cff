"""`openami demo`: what it shows is what the meters counted, and nothing is left behind."""

from __future__ import annotations

import json
import logging
import signal
import socket
import ssl
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from command_line import Process
from openami.cli import demo
from openami.io.keystore.tls import make_authority


def test_a_week_agrees_with_the_meters(tmp_path):
    with Process(tmp_path, "demo", "--once", "--meters", 6, "--json") as playing:
        ran = playing.wait()
    assert ran.status == 0, ran.err
    nights = [one for one in ran.objects if "campaign" in one]
    houses = [one for one in ran.objects if "register_wh" in one]
    media = [one for one in ran.objects if "medium" in one]
    assert [night["missed"] for night in nights] == [0, 0, 0, 0, 1, 0, 0]
    assert sum(nights[4]["causes"].values()) == 1
    assert len(houses) == 6
    assert all(house["register_wh"] == house["counted_wh"] > 0 for house in houses)
    for house in houses:
        assert house["intervals_wh"] <= house["register_wh"]
        assert (house["intervals_wh"] == house["register_wh"]) == (house["missing"] == 0)
    assert {house["events"] > 0 for house in houses} == {True, False}
    assert [(one["medium"], one["guarantee"]) for one in media[:4]] == [
        ("water", "unauthenticated"),
        ("heat", "unauthenticated"),
        ("water", "unauthenticated"),
        ("gas", "shared_keys"),
    ]
    assert len(media) == 12
    for one in media:  # a telegram's values are those of its second, the stamp that of its arrival
        late = float(one["counted"].split()[0]) - float(one["register"].split()[0])
        assert 0 <= late <= (1_000 if one["medium"] == "heat" else 0.1)
        assert one["readings"] == 7
    assert list(playing.temporary.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_pages_answer_until_it_is_stopped(tmp_path, number):
    with Process(tmp_path, "demo", "--meters", 2, "--port", 0, "--json") as running:
        facts = json.loads(running.line("url"))
        status, headers = _page(facts["url"], facts["authority"])
        ended = running.stop(number)
    assert status in {"200", "302", "303"}
    assert "strict-transport-security" in headers
    assert facts["operator"]["login"] == "operator"
    assert len(facts["meters"]) == 2
    assert (ended.status, "Traceback" in ended.err) == (0, False)
    assert list(running.temporary.iterdir()) == []


def test_nothing_that_is_to_be_copied_is_cut_or_folded(tmp_path, capsys, monkeypatch):
    file = tmp_path / ("a" * 100) / "authority.pem"
    file.parent.mkdir()
    make_authority(file.parent, datetime.now(UTC))
    people = SimpleNamespace(passkeys={"olga": tmp_path / "olga.passkey"}, password="p", invitations={"olga": "word"})
    zones = SimpleNamespace(zones=SimpleNamespace(authority=str(file)))
    installation = SimpleNamespace(path=Path, settings=zones)
    district = SimpleNamespace(
        houses=[SimpleNamespace(login="alder")], people=people, installation=installation, meters={}
    )
    district.operator_password, district.consumer_password = "o" * 90, "c"
    monkeypatch.setattr(demo.console, "width", 40)
    demo._introduce(district, "https://openami.localhost:8443", as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert any(
        "approve https://openami.localhost:8443" in line and line.endswith(f"--authority {file}") for line in lines
    )
    assert any(line.endswith("o" * 90) for line in lines)


def _page(url, authority):
    """Status and header names of the first page, by the name that the certificate carries."""
    name, port = url.removeprefix("https://").split(":")
    context = ssl.create_default_context(cafile=authority)
    plain = socket.create_connection(("127.0.0.1", int(port)))
    with context.wrap_socket(plain, server_hostname=name) as link:
        link.sendall(f"GET / HTTP/1.1\r\nHost: {name}:{port}\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: link.recv(65_536), b""))
    head = answer.split(b"\r\n\r\n")[0].decode().splitlines()
    return head[0].split()[1], {line.split(":")[0].lower() for line in head[1:]}


def test_a_taken_port_is_said_at_once(openami):
    with closing(socket.create_server(("127.0.0.1", 0))) as held:
        port = held.getsockname()[1]
        ran = openami("demo", "--port", port)
    assert ran.status == 1
    assert f"--port {port}" in ran.err


def test_the_log_is_as_it_was_when_the_demo_is_over(openami, caplog):
    caplog.set_level(logging.INFO, "openami")
    with closing(socket.create_server(("127.0.0.1", 0))) as held:
        assert openami("demo", "--port", held.getsockname()[1]).status == 1
    assert logging.getLogger("openami").level == logging.INFO
