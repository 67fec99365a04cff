"""`openami approve`: a passkey in a file approves what a person has asked for in the console."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from pathlib import Path

import pytest

from openami.app.passkey_file import PasskeyFile, write_passkey
from openami.app.two_seals import make_key
from openami.cli.commands import run
from openami.portal.serving import serve_portal
from openami.protocols.seal.verbs import CriticalVerb
from portal_certificate import make_certificate
from portal_world import PASSWORD, make_district, make_operations, make_two_seals, make_world_portal


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
async def world(tmp_path):
    district = make_district(tmp_path)
    operations = make_operations(district)
    certificate, key = make_certificate(tmp_path)
    port = free_port()
    seals = make_two_seals(district, operations, Path("seals"), f"https://openami.localhost:{port}")
    for name in ("operator", "colleague"):
        write_passkey(tmp_path / name, name, make_key(os.urandom), seals.party)
        for people in seals.people:
            people.add(PasskeyFile(tmp_path / name).authenticator.passkey)
    portal = make_world_portal(district, operations, seals.console, port=port, certificate=certificate, key=key)
    serving = await serve_portal(portal, portal.state.rooms.settings)
    yield seals, serving.url, tmp_path, certificate
    await serving.stop()


async def approve(world, login, *arguments):
    _, url, folder, certificate = world
    options = ["--login", login, "--password", PASSWORD, "--passkey", str(folder / login)]
    return await asyncio.to_thread(run, ["approve", url, *arguments, *options, "--authority", str(certificate)])


async def test_a_list_is_seen_and_approved_by_another_person_only(world, capsys):
    seals, _, folder, _ = world
    commands = await seals.console.draft(1, CriticalVerb.DISCONNECT)
    await seals.console.ask(
        commands, PasskeyFile(folder / "operator").consent(commands.request_challenge()), "operator"
    )
    name = commands.request.hex()
    assert await approve(world, "colleague", "--json") == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    assert json.loads(line) == {"order": name, "state": "waiting", "commands": "disconnect SN-1001"}
    assert await approve(world, "operator", name) == 1
    assert "another person" in capsys.readouterr().err
    assert await approve(world, "colleague", name) == 0
    assert "approved: disconnect SN-1001" in capsys.readouterr().out
    assert (await seals.console.orders())[0].state == "sent"
    assert await approve(world, "colleague", name) == 1
    assert "approved already" in capsys.readouterr().err


async def test_what_is_wrong_is_said(world, capsys, tmp_path):
    for arguments, words in ((["zz"], "no order's name"), (["00" * 16], "404")):
        assert await approve(world, "colleague", *arguments) == 1
        assert words in capsys.readouterr().err
    (tmp_path / "colleague").write_text("{}")
    assert await approve(world, "colleague", "00" * 16) == 1
    assert "no passkey file" in capsys.readouterr().err


def test_a_passkey_file_shows_no_key(tmp_path):
    from openami.protocols.seal.passkey import RelyingParty

    key = make_key(os.urandom)
    write_passkey(tmp_path / "p", "olga", key, RelyingParty("openami.localhost", ("https://openami.localhost",)))
    secret = f"{key.private_numbers().private_value:x}"
    made = PasskeyFile(tmp_path / "p")
    assert secret not in repr(made) + repr(vars(made)) + repr(made.authenticator)
    assert (tmp_path / "p").stat().st_mode & 0o077 == 0
    made.consent(bytes(32))
    assert PasskeyFile(tmp_path / "p").authenticator.signatures == 1
    assert (tmp_path / "p").stat().st_mode & 0o077 == 0
