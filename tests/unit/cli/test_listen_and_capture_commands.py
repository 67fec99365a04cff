"""`openami listen` and `openami capture`: what passes is explained, and kept as others read it."""

from __future__ import annotations

import re
import shutil
import signal
import socket
import subprocess

import pytest

from command_line import SEALED, SECRETS, Process
from openami.protocols.dlms.wrapper import encode_wrapper

PUSH = bytes.fromhex("0f00000001000203090600002a0000ff0906ffffffffffff1202d0")
KEYS = [word for key in SECRETS.values() for word in ("--key", key)]


def port_of(line):
    return int(re.search(r":(\d+)", line.split("127.0.0.1", 1)[1])[1])


def send(port, *parts, udp=False):
    with socket.socket(type=socket.SOCK_DGRAM if udp else socket.SOCK_STREAM) as link:
        link.connect(("127.0.0.1", port))
        for part in parts:
            link.sendall(part)


@pytest.mark.parametrize("udp", [False, True])
def test_a_push_is_explained(tmp_path, udp):
    with Process(tmp_path, "listen", "127.0.0.1:0", "--count", 1, "--json") as listening:
        port = port_of(listening.line("listening on", on_errors=True))
        send(port, encode_wrapper(PUSH, 1, 103), udp=udp)
        ran = listening.wait()
    assert ran.status == 0
    (said,) = ran.objects
    assert (said["protocol"], said["source"], said["destination"]) == ("wrapper", 1, 103)
    body = said["content"]["notification_body"]["value"]
    assert body[2] == {"type": "long-unsigned", "value": 720}


def test_garbage_is_shown_and_the_next_push_still_heard(tmp_path):
    with Process(tmp_path, "listen", "127.0.0.1:0", "--count", 2, "--json") as listening:
        port = port_of(listening.line("listening on", on_errors=True))
        send(port, b"\xff garbage")
        send(port, encode_wrapper(PUSH, 1, 103))
        said = listening.wait().objects
    garbage, push = sorted(said, key=lambda one: one["protocol"] == "wrapper")
    assert garbage["bytes"] == b"\xff garbage".hex()
    assert garbage["problem"]
    assert push["content"]["kind"] == "data-notification"


def test_ctrl_c_ends_listening(tmp_path):
    with Process(tmp_path, "listen", "127.0.0.1:0") as listening:
        listening.line("listening on", on_errors=True)
        ran = listening.stop(signal.SIGINT)
    assert ran.status == 0
    assert "Traceback" not in ran.err


@pytest.mark.usefixtures("secrets")
def test_a_session_passes_unchanged_and_is_explained(tmp_path, openami, meter):
    kept = tmp_path / "session.pcapng"
    between = ["--listen", "127.0.0.1:0", "--count", 1, "--out", kept, "--json", *KEYS]
    with Process(tmp_path, "capture", meter.wrapper, *between) as capturing:
        port = port_of(capturing.line("connect to", on_errors=True))
        ran = openami("read", f"tcp://127.0.0.1:{port}", "1-0:1.8.0", *SEALED, "--json")
        captured = capturing.wait()
    assert ran.status == 0, ran.err
    assert ran.objects[1]["value"] == 48_000
    assert captured.status == 0
    services = [one["content"]["kind"] for one in captured.objects]
    assert services[:2] == ["AARQ", "AARE"]
    opened = [one["content"].get("content", {}).get("kind") for one in captured.objects]
    assert "get-response-normal" in opened
    assert "double-long-unsigned" in captured.out
    assert kept.read_bytes()[:4] == bytes.fromhex("0a0d0d0a")


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed: apt-get install tshark")
def test_wireshark_reads_what_was_captured(tmp_path, openami, meter):
    kept = tmp_path / "session.pcapng"
    between = ["--listen", "127.0.0.1:0", "--count", 1, "--out", kept, "--quiet"]
    with Process(tmp_path, "capture", meter.wrapper, *between) as capturing:
        port = port_of(capturing.line("connect to", on_errors=True))
        openami("read", f"tcp://127.0.0.1:{port}", "1-0:1.8.0")
        assert capturing.wait().out == ""
    fields = ["-T", "fields", "-e", "tcp.payload", "-e", "_ws.expert.message"]
    shown = subprocess.run(["tshark", "-r", kept, *fields], capture_output=True, text=True, timeout=120, check=True)
    payloads = [bytes.fromhex(line.split("\t")[0]) for line in shown.stdout.splitlines() if line.split("\t")[0]]
    assert len(payloads) >= 4
    assert all(payload.startswith(b"\0\1") for payload in payloads)
    assert "checksum" not in shown.stdout.lower()
    assert "malformed" not in shown.stdout.lower()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["listen", "nope"], "host:port"),
        (["listen", "192.0.2.1:4059"], "192.0.2.1:4059"),
        (["listen", "127.0.0.1:0", "--key", "xyz"], "--key"),
        (["capture", "nope"], "tcp://"),
        (["capture", "tcp://127.0.0.1:1", "--listen", "nope"], "--listen"),
        (["capture", "tcp://127.0.0.1:1", "--out", "/dev/null/x"], "/dev/null/x"),
        (["capture", "tcp://openami.invalid:1"], "openami.invalid:1"),
    ],
)
def test_what_is_wrong_is_said(openami, arguments, message):
    ran = openami(*arguments)
    assert ran.status == 1
    assert message in ran.err
