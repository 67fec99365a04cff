"""Ten thousand secured sessions at once in one client process, with meters that take 1 to 5 s for each answer.

All sessions begin at once; each connects, associates with HLS 5, reads a day, releases: four answers, 4 to 20 s. A
session that is starved would take longer than that. `python -m benchmarks.concurrency CORE PORT SESSIONS` is the
client's process.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import uvloop

from benchmarks.cores import OTHER, OURS
from benchmarks.meter_process import allow_files, meter_process
from benchmarks.reading import read_day, settings
from benchmarks.table import Table
from openami.model.errors import OpenAmiError
from openami.protocols.dlms.counters import MemoryCounters

SESSIONS = 10_000
LONGEST_S = 5.0
ANSWERS = 4
LEAST, MOST = ANSWERS * LONGEST_S / 5, ANSWERS * LONGEST_S
OUR_TITLE = b"OAM\x01\x00\x00\x00\x02"
PATIENCE_S = 120.0


def run() -> Table:
    """How long the sessions took, how many failed, and the memory of the client's process."""
    with meter_process(OTHER, LONGEST_S) as meter:
        command = [sys.executable, "-m", "benchmarks.concurrency", str(OURS), str(meter.port), str(SESSIONS)]
        found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        meter_mib = _peak_mib(meter.pid)
    rows = [
        ("sessions completed", f"{found['completed']:,} of {SESSIONS:,}"),
        ("failed", ", ".join(f"{number} {cause}" for cause, number in found["failed"].items()) or "none"),
        ("sessions open at the same time", f"{found['at_once']:,}"),
        (
            "seconds of a session, fastest, median, slowest",
            ", ".join(f"{each:.1f}" for each in found["spread"]) or "none",
        ),
        ("seconds from the first start to the last end", f"{found['seconds']:.1f}"),
        ("client process, peak memory", f"{found['peak_mib']:.0f} MiB ({found['before_mib']:.0f} MiB before)"),
        ("client process, memory of a session", f"{1024 * found['session_mib']:.1f} KiB"),
        ("client process, processor time", f"{found['processor_s']:.1f} s"),
        ("meters' process, peak memory", f"{meter_mib:.0f} MiB"),
    ]
    return Table(
        "concurrency",
        f"{SESSIONS:,} secured sessions at once, meters answer after {LONGEST_S / 5:g} to {LONGEST_S:g} s",
        ("what", "value"),
        rows,
        (
            f"Each session: connect, HLS 5, 96-row day, release; the meters alone take {LEAST:g} to {MOST:g} s.",
            "One process and one core for the client, one for all meters; loopback TCP; uvloop.",
        ),
    )


class Crowd:
    """The client's side: all sessions, and what came of them."""

    def __init__(self, port: int) -> None:
        self.times: list[float] = []
        self.failed: dict[str, int] = {}
        self.at_once = 0
        self._open = 0
        self._port = port
        self._counters = MemoryCounters()
        self._settings = settings(OUR_TITLE, meter=None, response_timeout_s=PATIENCE_S)

    async def session(self) -> None:
        """One session, timed."""
        start = time.perf_counter()
        self._open += 1
        self.at_once = max(self.at_once, self._open)
        try:
            await read_day(self._port, self._settings, self._counters, PATIENCE_S)
            self.times.append(time.perf_counter() - start)
        except OpenAmiError as error:
            cause = type(error).__name__
            self.failed[cause] = self.failed.get(cause, 0) + 1
        finally:
            self._open -= 1


async def client(port: int, sessions: int) -> dict[str, object]:
    """Run all sessions; what `run` shows."""
    crowd = Crowd(port)
    await crowd.session()
    crowd.times.clear()
    gc.collect()
    before_mib = _peak_mib(os.getpid())
    start, processor = time.perf_counter(), time.process_time()
    async with asyncio.TaskGroup() as group:
        for _ in range(sessions):
            group.create_task(crowd.session())
    seconds = time.perf_counter() - start
    peak_mib = _peak_mib(os.getpid())
    return {
        "completed": len(crowd.times),
        "spread": _spread(sorted(crowd.times)),
        "failed": crowd.failed,
        "at_once": crowd.at_once,
        "seconds": seconds,
        "processor_s": time.process_time() - processor,
        "before_mib": before_mib,
        "peak_mib": peak_mib,
        "session_mib": (peak_mib - before_mib) / sessions,
    }


def _spread(times: Sequence[float]) -> list[float]:
    """The fastest, the median and the slowest."""
    return [times[0], times[len(times) // 2], times[-1]] if times else []


def _peak_mib(pid: int) -> float:
    """The largest resident set of a process so far."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


if __name__ == "__main__":
    os.sched_setaffinity(0, {int(sys.argv[1])})
    allow_files()
    print(json.dumps(uvloop.run(client(int(sys.argv[2]), int(sys.argv[3])))))
