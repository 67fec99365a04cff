"""Our meter in a process of its own, on a core of its own: prints its port, serves until its input ends.

`python -m benchmarks.meter_process CORE LONGEST` where LONGEST is 0, or the longest answer time in seconds: then
every link is a meter of its own (system title, counters, windows; they share one load profile to keep the process
small), and each of its answers takes from a fifth of LONGEST to LONGEST, as real meters' do.
"""

from __future__ import annotations

import asyncio
import os
import random
import resource
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from subprocess import PIPE, Popen
from typing import NamedTuple, TypeAlias

import uvloop

from openami.field.meter.config import MeterConfig
from openami.field.meter.curve import ArrayCurve
from openami.field.meter.electricity import ElectricityMeter
from openami.field.meter.faces.service import MeterService
from openami.io.clock import SystemClock
from openami.io.links.dlms import serve_dlms
from openami.io.links.link import Link
from openami.io.links.tcp import serve_tcp
from openami.protocols.dlms.counters import MemoryCounters
from openami.protocols.dlms.framing import Role
from openami.protocols.dlms.security import SecurityKeys
from openami.protocols.dlms.server import ServerConnection
from openami.protocols.dlms.server_settings import ServerState
from openami.protocols.dlms.wrapper import WrapperFraming

Handler: TypeAlias = Callable[[Link], Awaitable[None]]

START = 1_793_404_800  # 2026-10-31 00:00:00Z
DAY_S = 86_400
DAYS = 3
SYSTEM_TITLE = b"OAM\x00\x00\x00\x00\x01"
ENCRYPTION_KEY = bytes(range(16))
AUTHENTICATION_KEY = bytes(range(0xD0, 0xE0))
READING_SAP = 2
SERVER_SAP = 1


class StandingClock(SystemClock):
    """The meter's time stands still, so that every session reads the same rows."""

    def time(self) -> float:
        return START + DAYS * DAY_S + 450.0


class LateLink:
    """A link whose meter takes its time for each answer."""

    def __init__(self, link: Link, take_time: Callable[[], float]) -> None:
        self.peer = link.peer
        self.datagrams = link.datagrams
        self._link = link
        self._take_time = take_time

    async def receive(self) -> bytes:
        return await self._link.receive()

    async def send(self, data: bytes) -> None:
        await asyncio.sleep(self._take_time())
        await self._link.send(data)

    async def close(self) -> None:
        await self._link.close()


def make_meter() -> ElectricityMeter:
    """A meter with `DAYS` days of quarter hours."""
    keys = SecurityKeys(ENCRYPTION_KEY, AUTHENTICATION_KEY)
    config = MeterConfig(serial="00000001", system_title=SYSTEM_TITLE, keys=keys, capture_period_s=900)
    energy_wh = [100 + number % 57 for number in range(96)]
    meter = ElectricityMeter(config, ArrayCurve(START, 900, energy_wh, label="synthetic: benchmark"), START)
    meter.advance(START + DAYS * DAY_S + 450.0)
    return meter


def one_meter() -> Handler:
    """All links lead to one meter."""
    return MeterService(make_meter(), StandingClock(), random=os.urandom).serve


def many_meters(longest_s: float) -> Handler:
    """Each link leads to a meter of its own."""
    meter, clock, counters = make_meter(), StandingClock(), MemoryCounters()
    numbers, chance = count(1), random.Random(1)

    async def handle(link: Link) -> None:
        title = SYSTEM_TITLE[:4] + next(numbers).to_bytes(4, "big")
        settings = replace(meter.server_settings(), system_title=title)
        framing = WrapperFraming(Role.SERVER, 16, SERVER_SAP)
        state = ServerState(title, counters)
        connection = ServerConnection(
            framing, settings, state, random=os.urandom, utc=lambda _now: clock.time(), now=clock.monotonic()
        )
        late = LateLink(link, partial(chance.uniform, longest_s / 5, longest_s))
        await serve_dlms(late, lambda: connection, clock, counters=counters)

    return handle


async def serve(longest_s: float) -> None:
    """Serve until the input ends."""
    server = await serve_tcp(many_meters(longest_s) if longest_s else one_meter(), "127.0.0.1", 0)
    print(server.port, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await server.close()


def allow_files() -> None:
    """As many open connections as the system lets us have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


class MeterProcess(NamedTuple):
    """A running meter."""

    port: int
    pid: int

    def processor_s(self) -> float:
        """Processor seconds that the meter's process has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def meter_process(core: int, longest_s: float = 0.0) -> Iterator[MeterProcess]:
    """The meter on `core`; it ends with the block."""
    command = [sys.executable, "-m", "benchmarks.meter_process", str(core), str(longest_s)]
    with Popen(command, stdin=PIPE, stdout=PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield MeterProcess(int(process.stdout.readline()), process.pid)
        finally:
            process.stdin.close()


if __name__ == "__main__":
    os.sched_setaffinity(0, {int(sys.argv[1])})
    allow_files()
    uvloop.run(serve(float(sys.argv[2])))
