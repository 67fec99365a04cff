"""wmbusmeters, in its own process, on telegrams that both sides read; used where it is installed (`PATH`)."""

from __future__ import annotations

import resource
import shutil
import statistics
import subprocess
from collections.abc import Sequence

from benchmarks.cores import OURS

PROGRAM = "wmbusmeters"
SAMPLES = 3
TIMEOUT_S = 300


def installed() -> bool:
    """Whether the program is there."""
    return shutil.which(PROGRAM) is not None


def peer_rate(telegrams: Sequence[bytes], meters: Sequence[str], key: bytes = b"") -> float:
    """Telegrams per second of processor time, start and stop of the process taken off; each gives a line of JSON."""
    lines = "".join(f"{telegram.hex()}\n" for telegram in telegrams)
    one = f"{telegrams[0].hex()}\n"
    idle = statistics.median(_seconds(one, meters, key, 1) for _ in range(SAMPLES))
    busy = statistics.median(_seconds(lines, meters, key, len(telegrams)) for _ in range(SAMPLES))
    return len(telegrams) / max(busy - idle, 1e-9)


def _seconds(lines: str, meters: Sequence[str], key: bytes, answers: int) -> float:
    names = [word for number in meters for word in (f"M{number}", "iperl", number, key.hex() or "NOKEY")]
    command = ["taskset", "-c", str(OURS), PROGRAM, "--silent", "--format=json", "stdin:hex", *names]
    before = _children()
    ran = subprocess.run(command, input=lines, capture_output=True, text=True, timeout=TIMEOUT_S, check=True)
    assert ran.stdout.count("\n") == answers, f"{PROGRAM} answered {ran.stdout.count(chr(10))} of {answers}"
    return _children() - before


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
