"""A collector fits on a small box: what its process loads, and how much memory it holds with a thousand meters."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("numpy", "sqlalchemy", "pyarrow", "alembic", "litestar", "jinja2", "openami.backoffice", "openami.headend")
PROGRAM = """
import asyncio, re, sys
from pathlib import Path
from openami.app.collector_part import run_collector
from openami.app.field_sections import Collector
from openami.io.clock import SystemClock
import openami.cli.up

async def main(folder):
    meters = tuple(f"m{n}=10.{n // 250}.0.{n % 250}:4059" for n in range(1000))
    section = Collector(meters=meters, push_listen="127.0.0.1:0", status_listen="127.0.0.1:0")
    async with run_collector(Path(folder), section, SystemClock()) as running:
        for n in range(20_000):
            await running.collector._neighbourhoods[0].take("udp", f"udp:10.0.0.{n % 250}:1", bytes(400))
        while running.collector.lanes.heard < 20_000:
            await asyncio.sleep(0.01)
        assert len(running.collector.meters) == 1000
    print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
    print(*sorted(sys.modules))

asyncio.run(main(sys.argv[1]))
"""


def test_a_collector_loads_nothing_heavy_and_stays_below_100_mb(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)], capture_output=True, text=True, check=True, timeout=120
    )
    peak_kb, modules = done.stdout.splitlines()
    loaded = modules.split()
    assert not [name for name in HEAVY if name in loaded]
    assert int(peak_kb) < 100_000
