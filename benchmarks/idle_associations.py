"""What an association costs a client while nothing is said: `python -m benchmarks.idle_associations CORE PORT NUMBER`.

All meters' connections stand at once, each associated with HLS 5, suite 0, in one process; what the process holds more
than before, divided by their number, is the figure. It includes the socket's transport and buffers.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from contextlib import AsyncExitStack

import uvloop

from benchmarks.cores import OTHER, OURS
from benchmarks.meter_memory import resident_kib
from benchmarks.meter_process import allow_files, meter_process
from benchmarks.reading import connect, settings
from benchmarks.table import Table
from openami.protocols.dlms.counters import MemoryCounters

ASSOCIATIONS = 2_000
WARM = 20
LONGEST_S = 0.001
OUR_TITLE = b"OAM\x01\x00\x00\x00\x02"


def run() -> Table:
    """Memory of an idle association on the client."""
    with meter_process(OTHER, LONGEST_S) as meter:
        command = [sys.executable, "-m", "benchmarks.idle_associations", str(OURS), str(meter.port), str(ASSOCIATIONS)]
        each_kib = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return Table(
        "idle_associations",
        f"Memory of an idle association on the client, {ASSOCIATIONS:,} at once",
        ("what", "value"),
        [("resident, each", f"{each_kib:.1f} KiB")],
        ("HLS 5, suite 0, wrapper over TCP, connection and transport included; uvloop. The bar is 8 kB.",),
    )


async def client(port: int, associations: int) -> float:
    """KiB that each association adds to the process."""
    counters, asked = MemoryCounters(), settings(OUR_TITLE, meter=None)
    async with AsyncExitStack() as stack:
        for _ in range(WARM):
            await stack.enter_async_context(await connect(port, asked, counters))
        gc.collect()
        before = resident_kib()
        for _ in range(associations):
            await stack.enter_async_context(await connect(port, asked, counters))
        gc.collect()
        return (resident_kib() - before) / associations


if __name__ == "__main__":
    os.sched_setaffinity(0, {int(sys.argv[1])})
    allow_files()
    print(json.dumps(uvloop.run(client(int(sys.argv[2]), int(sys.argv[3])))))
