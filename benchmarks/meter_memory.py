"""How much memory a thousand meters take in one process: `python -m benchmarks.meter_memory [meters]`.

Each step adds to what the ones before it hold. Meters replay real load curves, have the default profile of 45 days,
filled to the last row, listen on a TCP port each, and have each been read once over HLS 5.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.table import Table
from openami.field.meter import codes
from openami.field.meter.access import READING
from openami.field.meter.config import MeterConfig
from openami.field.meter.curve import ArrayCurve
from openami.field.meter.electricity import ElectricityMeter
from openami.field.meter.faces.service import MeterService
from openami.field.meter.faces.tcp import serve_meter_tcp
from openami.field.meter.real_curves import SOURCES, replayed
from openami.io.clock import Clock, ScaledClock
from openami.io.links.dlms import DlmsClient
from openami.io.links.tcp import connect_tcp
from openami.protocols.dlms.authentication import Authentication
from openami.protocols.dlms.client_settings import ClientSettings
from openami.protocols.dlms.counters import MemoryCounters
from openami.protocols.dlms.data import octet_string
from openami.protocols.dlms.date_time import CosemDateTime
from openami.protocols.dlms.descriptor import CosemAttributeDescriptor
from openami.protocols.dlms.framing import Role
from openami.protocols.dlms.profile import decode_profile
from openami.protocols.dlms.security import SecurityKeys
from openami.protocols.dlms.selective_access import RangeDescriptor, access_of
from openami.protocols.dlms.wrapper import WrapperFraming

START = 1_767_225_600
DAY_S = 86_400
WEEK_S = 7 * DAY_S
DAYS = 45
METERS = 1000
MIB = 1024


def run() -> Table:
    """Measure in a process of its own, so that nothing else counts."""
    command = [sys.executable, "-m", "benchmarks.meter_memory", str(METERS)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    rows = [(what, f"{kib / MIB:.0f} MiB") for what, kib in json.loads(done.stdout)]
    return Table(
        "meter_memory",
        f"Memory of {METERS} meters in one process",
        ("", "resident"),
        rows,
        ("Resident set size of the whole process, interpreter and libraries included; the bar is 200 MB.",),
    )


def resident_kib() -> int:
    """The process's resident set size now."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


async def measure(count: int) -> list[tuple[str, int]]:
    """What is resident after each step."""
    clock = ScaledClock(START + DAYS * DAY_S, 1e-6)
    curves = [ArrayCurve.replay(replayed(name, START)) for name in SOURCES]
    found = [("interpreter, libraries, load curves", resident_kib())]
    meters = []
    for number in range(count):
        curve = curves[number % len(curves)]
        curve = curve.later(number // len(curves) * WEEK_S, curve.label)
        keys = SecurityKeys(os.urandom(16), os.urandom(16))
        title = b"OAM" + number.to_bytes(5, "big")
        meters.append(ElectricityMeter(MeterConfig(serial=f"{number:08}", system_title=title, keys=keys), curve, START))
    found.append((f"{count} meters as made", resident_kib()))
    for meter in meters:
        meter.advance(START + DAYS * DAY_S)
    assert all(len(meter.load_profile) == DAYS * 96 for meter in meters)
    found.append((f"with {DAYS} days of load profile each", resident_kib()))
    servers = [await serve_meter_tcp(MeterService(meter, clock, random=os.urandom)) for meter in meters]
    found.append(("each on a TCP port", resident_kib()))
    for meter, server in zip(meters, servers, strict=True):
        await read_a_day(server.port, meter.config.keys, clock)
    found.append(("after a day read from each over HLS 5", resident_kib()))
    for server in servers:
        await server.close()
    return found


async def read_a_day(port: int, keys: SecurityKeys, clock: Clock) -> None:
    """One secured session as the reading client."""
    link = await connect_tcp("127.0.0.1", port)
    settings = ClientSettings(
        client_sap=READING, authentication=Authentication.HLS5, keys=keys, system_title=b"OACBENCH"
    )
    framing = WrapperFraming(Role.CLIENT, READING, 1)
    async with DlmsClient(link, framing, settings, clock=clock, random=os.urandom, counters=MemoryCounters()) as client:
        first, last = (octet_string(bytes(CosemDateTime.from_utc(at))) for at in (START + 900, START + DAY_S))
        access = access_of(RangeDescriptor(codes.LOAD_PROFILE_COLUMNS[0], first, last))
        raw = await client.get_raw(CosemAttributeDescriptor(7, codes.LOAD_PROFILE, 2), access)
        assert len(decode_profile(raw)) == 96


if __name__ == "__main__":
    print(json.dumps(asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else METERS))))
