"""The head-end dies; a probe that does not ask it says so, a person chooses another one, and no meter's key changes."""

from __future__ import annotations

import json
import re
import signal
import socket
import time
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from command_line import STEPS_MAX, Process, meter_on_loopback
from meter_bench import DAY_S, KEYS, make_meter
from openami.app.continuity import Probe, Verdict
from openami.io.clock import SystemClock

KEY, AUTHENTICATION_KEY = KEYS.global_unicast_encryption_key.hex(), KEYS.authentication_key.hex()


@pytest.mark.parametrize(
    ("sampled", "answered", "heard", "verdict"),
    [
        (20, 20, 20, Verdict.FINE),
        (20, 0, 10, Verdict.FINE),
        (20, 19, 2, Verdict.CUT_OFF),
        (20, 3, 2, Verdict.SILENT),
        (0, 0, 0, Verdict.BLIND),
    ],
)
def test_half_of_the_sample_decides(sampled, answered, heard, verdict):
    assert Probe(sampled, answered, heard).verdict is verdict


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def plant(openami, tmp_path):
    """An enrolled meter that lives now; head-end and one fallback at known ports."""
    clock = SystemClock()
    ports = {"first": free_port(), "second": free_port()}
    settings = Path(openami("init", tmp_path / "plant", "--json").objects[0]["settings"])
    text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:0", settings.read_text())
    text = text.replace('\nlisten = "127.0.0.1:0"', f'\nlisten = "127.0.0.1:{ports["first"]}"', 1)
    text = text.replace('\nheadend = "127.0.0.1:0"', f'\nheadend = "127.0.0.1:{ports["first"]}"')
    text = text.replace("\nfallbacks = []", f'\nfallbacks = ["127.0.0.1:{ports["second"]}"]')
    settings.write_text(text.replace("read_every_s = 3600", "read_every_s = 60"))
    with meter_on_loopback(make_meter(start=clock.time() // DAY_S * DAY_S - 2 * DAY_S), clock) as faces:
        file = tmp_path / "meters.csv"
        since = (datetime.now(UTC) - timedelta(days=3)).date().isoformat()
        file.write_text(
            "point,address,zone,serial,system_title,link,resolution_s,encryption_key,authentication_key,since\n"
            f"P-1,1 Mill Lane,Etc/UTC,M1,4f414d0000000001,{faces.wrapper},900,{KEY},{AUTHENTICATION_KEY},{since}\n"
        )
        assert openami("enrol", file, "--settings", settings).status == 0
        yield settings, ports


def until_whole(openami, settings):
    """Consumption of yesterday, once all of it is there."""
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    period = ["--from", yesterday.isoformat(), "--to", (yesterday + timedelta(days=1)).isoformat()]
    for _ in range(STEPS_MAX):
        (day,) = openami("readings", "P-1", *period, "--settings", settings, "--json").objects
        if not day["missing"]:
            return day["wh"]
        time.sleep(0.1)
    raise AssertionError(f"not read within {STEPS_MAX} steps: {day}")


def test_another_head_end_serves_and_no_meters_key_changes(openami, plant, tmp_path):
    settings, ports = plant
    keystore = settings.parent / "keystore.bin"
    before, last = sha256(keystore.read_bytes()).digest(), ("--settings", settings)
    with Process(tmp_path, "up", "headend", *last, "--json") as first:
        first.line("headend")
        first.stop(signal.SIGKILL)
    with Process(tmp_path, "up", "backoffice", *last, "--json") as backoffice:
        backoffice.line("backoffice")
        looked = openami("continuity", "probe", *last, "--json")
        assert looked.status == 1
        assert looked.objects[0] == {"sampled": 1, "answered": 1, "heard": 0, "verdict": "cut_off"}
        clean = tmp_path / "elsewhere"
        where = f"127.0.0.1:{ports['second']}"
        made = openami("continuity", "prepare", clean, "--listen", where, "--push-listen", "127.0.0.1:0", *last)
        assert made.status == 0, made.err
        held = sorted(str(file.relative_to(clean)) for file in clean.rglob("*") if file.is_file())
        assert held == ["openami.toml", "tls/authority.pem", "tls/headend.key", "tls/headend.pem"]
        with Process(tmp_path, "up", "headend", "--settings", clean / "openami.toml", "--json") as second:
            assert str(ports["second"]) in json.loads(second.line("headend"))["where"]
            assert openami("continuity", "choose", where, "--reason", "it burns", *last).status == 1, (
                "not without --yes"
            )
            assert openami("continuity", "choose", "127.0.0.1:1", "--reason", "x", "--yes", *last).status == 1
            assert openami("continuity", "choose", where, "--reason", "it burns", "--yes", *last).status == 0
            assert until_whole(openami, settings) == 24_000
            looked = openami("continuity", "probe", *last, "--json")
            assert (looked.status, looked.objects[0]["verdict"]) == (0, "fine")
            assert second.stop(signal.SIGINT).status == 0
        assert backoffice.stop(signal.SIGINT).status == 0
    assert sha256(keystore.read_bytes()).digest() == before
    entries = openami("audit", "show", "--commands", *last, "--json").objects
    assert [row["what"] for row in entries] == [
        "entered points, meters and their keys from a file",
        "another head-end was made ready",
        "chosen as head-end: it burns",
    ]
