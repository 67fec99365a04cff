"""The shell blocks of tutorial and how-to pages, run page by page as a reader would; and every example.

A command that ends with `&` is started and waited for until it says something. Ports of the text become free ones.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from command_line import SECRETS, meter_on_loopback
from openami.cli.commands import run

ROOT = Path(__file__).parents[2]
PAGES = [*sorted((ROOT / "docs" / "tutorial").glob("*.md")), *sorted((ROOT / "docs" / "how-to").glob("*.md"))]
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"^```\{code-block\} text\n:caption: (\S+)\n\n(.*?)^```", re.MULTILINE | re.DOTALL)
PORTS = ("4058", "4059", "4060", "4061", "8443")
PREAMBLE = """
set -euo pipefail
begin() {
    local said; said=$(mktemp)
    "$@" > "$said" 2>&1 &
    for _ in $(seq 600); do [ -s "$said" ] && break; sleep 0.1; done
    if ! kill -0 $!; then cat "$said"; return 1; fi
    cat "$said"
}
trap 'status=$?; kill $(jobs -p) 2>/dev/null || true; wait || true; exit $status' EXIT
"""


def script(text):
    """A page's blocks as one script."""
    lines = "".join(BLOCK.findall(text)).replace("\\\n", " ").splitlines()
    return PREAMBLE + "\n".join(_on_free_ports(_begun(line)) for line in lines) + "\n"


def _begun(line):
    if not line.endswith(" &"):
        return line
    return f"begin {line.removesuffix(' &')}"


def _on_free_ports(line):
    """An installation whose parts take any port: those of its settings may be in use here."""
    made = re.match(r"openami init (\S+)", line)
    return f"{line}\nsed -i -E 's/:({'|'.join(PORTS)})/:0/' {made[1]}/openami.toml" if made else line


def free_ports(text):
    with ExitStack() as stack:
        held = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in PORTS]
        for port, server in zip(PORTS, held, strict=True):
            text = text.replace(f":{port}", f":{server.getsockname()[1]}")
    return text


def environment(folder):
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("OPENAMI_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{inherited['PATH']}"
    return {**inherited, "PATH": path, "HOME": str(folder), "XDG_STATE_HOME": str(folder / "state")}


@pytest.mark.timeout(700)
@pytest.mark.parametrize("page", [page for page in PAGES if BLOCK.search(page.read_text())], ids=lambda page: page.stem)
def test_what_a_page_says_works(page, tmp_path):
    text = free_ports(page.read_text())
    for name, content in FILE.findall(text):
        (tmp_path / name).write_text(content)
    (tmp_path / "page.sh").write_text(script(text))
    ran = subprocess.run(
        ["timeout", "--kill-after=10", "600", "bash", "page.sh"],
        cwd=tmp_path,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=660,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "Traceback" not in ran.stdout + ran.stderr
    assert "error:" not in ran.stdout + ran.stderr


def example(name, *arguments, folder):
    ran = subprocess.run(
        [sys.executable, "-W", "error", ROOT / "examples" / name, *arguments],
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


def test_a_meter_is_read(tmp_path):
    with meter_on_loopback() as faces:
        port = faces.wrapper.rpartition(":")[2]
        said = example("read_a_meter.py", "127.0.0.1", port, *SECRETS.values(), folder=tmp_path)
    assert said[0] == "1-0:1.8.0*255 48000 Wh"
    assert said[1].startswith("clock 2026-01-03 00:00:00")


def test_a_meter_in_memory(tmp_path):
    said = example("meter_in_memory.py", folder=tmp_path)
    first = 93 if said[0].endswith(" 23250") else 92  # the profile begins at its first whole quarter hour
    assert said == [f"{1_767_225_600 + 900 * row} {250 * row}" for row in range(first, first + 4)]


def test_each_device_is_played_on_a_pty_and_read_back(tmp_path):
    said = example("tour_of_devices.py", folder=tmp_path)
    media = ["water", "warm_water", "heat", "gas", "cooling", "heat_cost_allocator"]
    devices = [line[:28].strip() for line in said]
    assert devices[:6] == [f"M-Bus {name}" for name in media]
    assert devices[6:9] == ["wM-Bus plain, cul", "wM-Bus mode_5, imst", "wM-Bus mode_7, amber"]
    assert devices[9:] == ["electricity, p1", "electricity, sml", "electricity, IEC 62056-21"]
    assert all(line.endswith("as counted") for line in said)


def test_a_push(tmp_path):
    opened, replayed, altered = example("decode_a_push.py", folder=tmp_path)
    assert "4711" in opened
    assert "replay refused" in replayed
    assert "tag does not match" in altered


def test_columns(tmp_path):
    dtype, totals = example("profile_columns.py", folder=tmp_path)
    assert dtype == "int64 1767226500 1767312000"
    assert totals == "rows 96 energy Wh 4752 highest interval 51"


def test_consumption(tmp_path, capsys):
    settings = tmp_path / "installation" / "openami.toml"
    assert run(["init", str(settings.parent)]) == 0
    lines = FILE.search((ROOT / "docs" / "how-to" / "run-the-real-thing.md").read_text())[2]
    (tmp_path / "meters.csv").write_text(lines)
    assert run(["enrol", str(tmp_path / "meters.csv"), "--settings", str(settings)]) == 0
    capsys.readouterr()
    said = example("consumption.py", str(settings), "P-1", "2026-03-28", "2026-03-30", folder=tmp_path)
    assert said == [
        "2026-03-28 0 Wh, 96 of 96 intervals missing",
        "2026-03-29 0 Wh, 92 of 92 intervals missing",
    ]


def test_every_example_is_tried():
    tried = Path(__file__).read_text()
    for file in (ROOT / "examples").glob("*.py"):
        assert f'"{file.name}"' in tried, file.name
