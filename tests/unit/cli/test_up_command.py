"""`openami up`: an installation that reads a meter, in one process and in two with mutual TLS between them."""

from __future__ import annotations

import json
import re
import signal
import socket
import ssl
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from command_line import STEPS_MAX, Process, meter_on_loopback
from meter_bench import DAY_S, KEYS, make_meter
from openami.io.clock import SystemClock

STEP_S = 0.1
KEY, AUTHENTICATION_KEY = KEYS.global_unicast_encryption_key.hex(), KEYS.authentication_key.hex()


@pytest.fixture
def living_meter():
    """A meter of two days, living now: 1 kW since midnight (UTC) before yesterday."""
    clock = SystemClock()
    start = clock.time() // DAY_S * DAY_S - 2 * DAY_S
    with meter_on_loopback(make_meter(start=start), clock) as faces:
        yield faces.wrapper


@pytest.fixture
def installation(openami, tmp_path, living_meter):
    """Free ports, one enrolled meter."""
    settings = Path(openami("init", tmp_path / "installation", "--json").objects[0]["settings"])
    settings.write_text(re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:0", settings.read_text()))
    since = (datetime.now(UTC) - timedelta(days=3)).date().isoformat()
    file = tmp_path / "meters.csv"
    file.write_text(
        "point,address,zone,serial,system_title,link,resolution_s,encryption_key,authentication_key,since\n"
        f"P-1,1 Mill Lane,Etc/UTC,70000001,4f414d0000000001,{living_meter},900,{KEY},{AUTHENTICATION_KEY},{since}\n"
    )
    assert openami("enrol", file, "--settings", settings).status == 0
    return settings


def until_read(openami, settings):
    """Consumption of yesterday, once all of it is there."""
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    period = ["--from", yesterday.isoformat(), "--to", (yesterday + timedelta(days=1)).isoformat()]
    for _ in range(STEPS_MAX):
        (day,) = openami("readings", "P-1", *period, "--settings", settings, "--json").objects
        if not day["missing"]:
            return day
        time.sleep(STEP_S)
    raise AssertionError(f"not read within {STEPS_MAX} steps: {day}")


def test_all_parts_in_one_process(openami, installation, tmp_path):
    with Process(tmp_path, "up", "--settings", installation, "--json") as running:
        pages = json.loads(running.line("backoffice"))["where"]
        assert pages.startswith("https://openami.localhost:")
        day = until_read(openami, installation)
        busy = openami("up", "--settings", installation)
        ended = running.stop(signal.SIGTERM)
    assert (day["wh"], day["intervals"]) == (24_000, 96)
    assert busy.status == 1
    assert "in use by another process" in busy.err
    assert ended.status == 0
    assert "Traceback" not in ended.err


def test_head_end_and_back_office_apart(openami, installation, tmp_path):
    with Process(tmp_path, "up", "headend", "--settings", installation, "--json") as headend:
        port = int(re.search(r"port (\d+)", json.loads(headend.line("headend"))["where"])[1])
        text = installation.read_text()
        installation.write_text(text.replace('\nheadend = "127.0.0.1:0"', f'\nheadend = "127.0.0.1:{port}"'))
        with Process(tmp_path, "up", "backoffice", "--settings", installation, "--json") as backoffice:
            backoffice.line("backoffice")
            assert until_read(openami, installation)["wh"] == 24_000
            assert backoffice.stop(signal.SIGINT).status == 0
        assert _refuses_strangers(port, installation.parent / "tls" / "authority.pem")
        assert headend.stop(signal.SIGINT).status == 0


def _refuses_strangers(port, authority):
    """Whoever shows no certificate of the authority gets not one byte."""
    context = ssl.create_default_context(cafile=authority)
    with socket.create_connection(("127.0.0.1", port)) as plain:
        try:
            with context.wrap_socket(plain, server_hostname="headend.openami.localhost") as link:
                link.sendall(b"\0" * 64)
                return link.recv(1) == b""
        except (ssl.SSLError, ConnectionError):
            return True


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('listen = "127.0.0.1:0"', 'listen = "everywhere"'), "headend.listen is 'everywhere'"),
        (('path = "keystore.bin"', 'path = "keystore.bin"\ncolour = "red"'), "colour"),
        (('passphrase_file = "keystore.passphrase"', 'passphrase_file = "absent"'), "passphrase_file"),
        (('authority = "tls/authority.pem"', 'authority = "absent.pem"'), "absent.pem"),
        (('networks = ["127.0.0.0/8"]', 'networks = ["here"]'), "here"),
        (('url = "sqlite:///openami.sqlite"', 'url = "nonsense"'), "store.url"),
    ],
)
def test_a_wrong_setting_is_named(openami, tmp_path, change, message):
    settings = Path(openami("init", tmp_path / "installation", "--json").objects[0]["settings"])
    text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:0", settings.read_text())
    assert change[0] in text
    settings.write_text(text.replace(*change, 1))
    ran = openami("up", "--settings", settings)
    assert ran.status == 1
    assert message in ran.err
    assert "Traceback" not in ran.err
