"""Runs fuzz targets for the record: `python tests/fuzz_record.py EXECUTIONS OUT.jsonl NAME…` (no name: all).

Each target runs in a process of its own, forked when all are loaded, so that its memory is its own. A line of JSON is
written when one ends: `target`, `executions`, `crashes`, `slowest_s` (processor time of the slowest input), `slowest`
(that input, cut), `seconds` (processor time of the whole run), `peak_kb` (what the process held at most) and `held_kb`
(what it held before the first input).
"""

from __future__ import annotations

import json
import os
import random
import resource
import sys
import time
from pathlib import Path
from typing import Any

from fuzz_targets import FuzzTarget, fuzz_targets
from mutation import mutate
from openami.model.errors import DecodeError

SEED = 2
SHOWN = 64


def peak_kb() -> int:
    """The most that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def crashed(target: FuzzTarget, data: bytes) -> bool:
    """Whether anything but a value or `DecodeError` comes of an input; what it was is printed."""
    try:
        target.target(data)
    except DecodeError:
        return False
    except Exception as error:
        sys.stderr.write(f"{target.name}: {data.hex()} raised {error!r}\n")
        return True
    return False


def record(target: FuzzTarget, executions: int) -> dict[str, Any]:
    """Run one target and tell what happened."""
    choice = random.Random(SEED)
    for seed in target.seeds:
        crashed(target, seed)
    held, began = peak_kb(), time.process_time()
    crashes, slowest_s, slowest = 0, 0.0, b""
    for _ in range(executions):
        data = mutate(choice, target.seeds)
        start = time.process_time()
        crashes += crashed(target, data)
        if (taken := time.process_time() - start) > slowest_s:
            slowest_s, slowest = taken, data
    return {
        "target": target.name,
        "executions": executions,
        "crashes": crashes,
        "slowest_s": round(slowest_s, 4),
        "slowest": slowest[:SHOWN].hex(),
        "seconds": round(time.process_time() - began, 1),
        "peak_kb": peak_kb(),
        "held_kb": held,
    }


def main() -> None:
    """Run the named targets one after another."""
    executions, out, *names = sys.argv[1:]
    targets = fuzz_targets()
    for name in names or targets:
        child = os.fork()
        if not child:
            line = json.dumps(record(targets[name], int(executions)))
            with Path(out).open("a") as file:
                file.write(line + "\n")
            os._exit(0)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
