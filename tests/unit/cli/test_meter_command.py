"""`openami meter`: one meter on the desk, read from another process."""

from __future__ import annotations

import asyncio
import json
import signal

import pytest

from command_line import SEALED, Process
from meter_bench import BenchClock, make_client
from openami.io.clock import SystemClock
from openami.io.links.procedure import perform
from openami.io.links.tcp import connect_tcp
from openami.protocols.dlms.cosem.security_setup import KeyId
from openami.protocols.dlms.key_exchange import transfer_keys, with_key
from openami.protocols.dlms.security import SecurityKeys

LABORATORY = ["--laboratory", "--password", "12345678"]


@pytest.mark.parametrize(
    ("face", "framing"),
    [
        (["--listen", "127.0.0.1:0"], []),
        (["--listen", "127.0.0.1:0", "--framing", "hdlc"], ["--framing", "hdlc"]),
        (["--listen", "udp://127.0.0.1:0"], []),
        (["--pty"], []),
    ],
)
def test_it_is_read_with_the_keys_that_it_shows(tmp_path, openami, monkeypatch, face, framing):
    with Process(tmp_path, "meter", *face, "--days", 1, "--json") as running:
        facts = json.loads(running.line("link"))
        monkeypatch.setenv("OPENAMI_ENCRYPTION_KEY", facts["encryption_key"])
        monkeypatch.setenv("OPENAMI_AUTHENTICATION_KEY", facts["authentication_key"])
        ran = openami("read", facts["link"], "0-0:96.1.0", "1-0:99.1.0", "--last", 4, *framing, *SEALED, "--json")
        ended = running.stop(signal.SIGINT)
    assert ran.status == 0
    assert bytes.fromhex(ran.objects[1]["value"]).decode() == facts["serial"]
    energies = [one["values"]["1-0:1.8.0*255"] for one in ran.objects if "profile" in one]
    assert len(energies) == 4
    assert energies == sorted(energies)
    assert ended.status == 0
    assert "Traceback" not in ended.err


def test_datagrams_carry_the_wrapper_alone(openami):
    ran = openami("meter", "--listen", "udp://127.0.0.1:0", "--framing", "hdlc")
    assert ran.status == 1
    assert "datagrams carry the wrapper" in ran.err


def test_a_pty_takes_a_sign_on_in_mode_e(tmp_path, openami):
    with Process(tmp_path, "meter", "--pty", "--days", 0, "--json") as running:
        link = json.loads(running.line("link"))["link"]
        ran = openami("read", f"{link}?mode=E", "0-0:96.1.0", "--client", 16, "--json")
        plain = openami("read", link, "0-0:96.1.0", "--client", 16, "--json")
    assert (ran.status, plain.status) == (0, 0)
    assert ran.objects == plain.objects


def test_the_lines_that_it_shows_to_people_work(tmp_path, openami, monkeypatch):
    with Process(tmp_path, "meter", "--listen", "127.0.0.1:0") as running:
        assert "replayed" in running.line("values")
        for _ in range(2):
            name, _, value = running.line("export ").strip().removeprefix("export ").partition("=")
            monkeypatch.setenv(name, value)
        words = running.line("openami read").split()
        assert openami(*words[1:]).status == 0


@pytest.mark.usefixtures("secrets")
def test_keys_of_one_s_own_and_a_journal(tmp_path, openami):
    journal = tmp_path / "meter.journal"
    keys = ["--encryption-key", bytes(range(16)).hex(), "--authentication-key", bytes(range(16, 32)).hex()]
    face = ["meter", "--listen", "127.0.0.1:0", *keys, "--counters", journal, "--system-title", "4f414d0000000077"]
    for _ in range(2):
        with Process(tmp_path, *face, "--json") as running:
            link = json.loads(running.line("link"))["link"]
            reading = ["read", link, "0-0:42.0.0", *SEALED, "--system-title", "4f41490000000077"]
            assert openami(*reading, "--invocation-counter", 1).status == 0
            running.stop(signal.SIGTERM)
    assert journal.stat().st_size > 0


def test_a_job_in_the_background_of_a_script_ends_when_told(tmp_path):
    """Shells start such jobs with SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        running = Process(tmp_path, "meter", "--listen", "127.0.0.1:0", "--json")
    finally:
        signal.signal(signal.SIGINT, before)
    with running:
        running.line("link")
        assert running.stop(signal.SIGTERM).status == 0


def test_a_wrong_push_destination_is_said_before_anything_runs(tmp_path):
    with Process(tmp_path, "meter", "--listen", "127.0.0.1:0", "--push", "nowhere") as running:
        ended = running.wait()
    assert ended.status == 1
    assert "'nowhere' must be host:port" in ended.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--listen", "127.0.0.1:99999"], "--listen"),
        (["--listen", "192.0.2.1:4059"], "192.0.2.1:4059"),
        (["--serial", "12345678901234"], "serial '12345678901234'"),
        (["--system-title", "00"], "--system-title has 1 bytes"),
        (["--curve", "mine"], "uk-2"),
        (["--capture-period", "7"], "capture_period_s is 7"),
        (["--days", "61"], "--days"),
        (["--speed", "0"], "--speed"),
        (["--laboratory"], "needs --password"),
        (["--encryption-key", "00" * 16], "belong together"),
        (["--encryption-key", "00" * 16, "--authentication-key", "00" * 16], "--counters"),
    ],
)
def test_what_is_wrong_is_said(openami, arguments, message):
    ran = openami("meter", *arguments)
    assert ran.status == 1
    assert message in " ".join(ran.err.split())


@pytest.mark.usefixtures("secrets")
def test_keys_that_a_client_changed_are_there_after_a_restart(tmp_path, openami, monkeypatch):
    master, new = bytes(range(64, 80)), bytes(range(80, 96))
    keys = ["--encryption-key", bytes(range(16)).hex(), "--authentication-key", bytes(range(16, 32)).hex()]
    kept = ["--counters", tmp_path / "journal", "--records", tmp_path / "records", "--master-key", master.hex()]
    face = ["meter", "--listen", "127.0.0.1:0", *keys, *kept, "--days", 0, "--json"]
    old = SecurityKeys(bytes(range(16)), bytes(range(16, 32)), master_key=master)

    async def change(port):
        clock, wanted = SystemClock(), with_key(old, KeyId.GLOBAL_UNICAST_ENCRYPTION_KEY, new)
        link = await connect_tcp("127.0.0.1", port, timeout_s=10)
        async with make_client(link, BenchClock(), keys=old) as client:
            assert await perform(client, transfer_keys(old, wanted), clock, keep=lambda _keys: None) == wanted

    with Process(tmp_path, *face) as running:
        link = json.loads(running.line("link"))["link"]
        asyncio.run(change(int(link.rpartition(":")[2])))
        running.stop(signal.SIGTERM)
    monkeypatch.setenv("OPENAMI_ENCRYPTION_KEY", new.hex())
    with Process(tmp_path, *face) as running:
        link = json.loads(running.line("link"))["link"]
        assert openami("read", link, "0-0:42.0.0", *SEALED).status == 0
        monkeypatch.setenv("OPENAMI_ENCRYPTION_KEY", bytes(range(16)).hex())
        assert openami("read", link, "0-0:42.0.0", *SEALED, "--invocation-counter", 5000).status == 1
        running.stop(signal.SIGTERM)


def test_a_meter_that_calls_in_needs_to_know_who_may_wake_it(openami):
    ran = openami("meter", "--listen", "127.0.0.1:0", "--call-in", "127.0.0.1:1", "--wake-key", "ab")
    assert ran.status == 1
    assert "--wake-key" in ran.err
