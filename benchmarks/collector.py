"""A collector process and a relay under load: `python -m benchmarks.collector`.

The collector runs in a process of its own, the meters that push and the head-end in another. The relay holds its
connections in a process of its own as well, its peers in a third.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.meter_memory import resident_kib
from benchmarks.table import Table
from openami.app.collector_part import run_collector
from openami.app.field_sections import Collector as Section
from openami.headend import Headend, HeadendSettings
from openami.headend.collector_session import Allowance
from openami.io.clock import SystemClock
from openami.io.disk import SystemDisk
from openami.io.keystore.authority import CertificateAuthority
from openami.io.keystore.certificate_request import install_certificate, make_request
from openami.io.keystore.counter_file import CounterFile
from openami.io.keystore.tls import client_context, issue, make_authority, server_context
from openami.io.links.link import Link
from openami.io.links.tcp import connect_tcp, serve_tcp
from openami.io.spool.file_spool import FileSpool
from openami.protocols.dlms.wrapper import encode_wrapper

ITEMS = 20_000
ITEM_BYTES = 400
METERS = 1_000
PUSHERS = 20
PLAIN, TLS = 10_000, 2_000
MIB = 1024
HEADEND = "headend.openami.localhost"
NOW = datetime.now(UTC)


def run() -> Table:
    """Measure each part in processes of its own."""
    rows = [_collector_row(), *(_relay_row(kind, count) for kind, count in (("plain", PLAIN), ("tls", TLS)))]
    return Table(
        "collector",
        "A collector and a relay under load",
        ("", "rate", "resident"),
        rows,
        (
            f"Collector: {METERS} meters, {ITEMS} sealed items of {ITEM_BYTES} bytes pushed over TCP and uploaded over",
            "TLS 1.3, synced on both sides; items per second of the collector's CPU time and per second of wall time.",
            "Relay: connections held open at once in one process, peers in another; memory is that of the process",
            "divided by connections, after each has sent one push; interpreter and libraries are subtracted.",
        ),
    )


def _collector_row() -> tuple[str, str, str]:
    found = asyncio.run(_drive_collector())
    rate = f"{found['items'] / found['cpu_s']:,.0f}/s of CPU, {found['items'] / found['wall_s']:,.0f}/s of wall time"
    return f"collector, {METERS} meters, in and out", rate, f"{found['peak_kib'] / MIB:.0f} MiB peak"


def _relay_row(kind: str, count: int) -> tuple[str, str, str]:
    command = [sys.executable, "-m", "benchmarks.collector", "relay", kind, str(count)]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    each = (found["after_kib"] - found["before_kib"]) / count
    return f"relay, {count:,} {kind} connections", f"{count / found['open_s']:,.0f} opened/s", f"{each:.1f} KiB each"


async def _drive_collector() -> dict[str, float]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        zones, authority = make_authority(folder / "zones", NOW), CertificateAuthority(folder / "collectors")
        authority.make(NOW)
        own = issue(zones, folder / "headend", HEADEND, NOW, server=True)
        tls = server_context(replace(own, authority=authority.certificate), clients=True)
        tls.minimum_version = ssl.TLSVersion.TLSv1_3
        file = folder / "tls" / "collector.pem"
        install_certificate(file, authority.sign(make_request(file, "c1"), "c1", "", NOW))
        spool = FileSpool(folder / "spool", disk=SystemDisk(), random=os.urandom)
        headend = Headend(
            HeadendSettings(
                port=0, push_port=None, collector_port=0, collector_tls=tls, allowance=Allowance(bytes_per_s=1 << 30)
            ),
            SystemClock(),
            spool,
            uploads=CounterFile(folder / "uploads", disk=SystemDisk()),
        )
        await headend.start()
        command = [sys.executable, "-m", "benchmarks.collector", "collector", name, str(headend.collector_port)]
        process = await asyncio.create_subprocess_exec(
            *command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, limit=1 << 20
        )
        assert process.stdin is not None
        assert process.stdout is not None
        port = int(await process.stdout.readline())
        clock = SystemClock()
        began = clock.monotonic()
        await asyncio.gather(*(_push(port, ITEMS // PUSHERS) for _ in range(PUSHERS)))
        while spool.waiting < ITEMS:  # noqa: ASYNC110 - another process works
            await asyncio.sleep(0.01)
        wall = clock.monotonic() - began
        process.stdin.write(b"\n")
        found = json.loads(await process.stdout.readline())
        await process.wait()
        await headend.close()
        spool.close()
        return {"items": ITEMS, "wall_s": wall, **found}


async def _push(port: int, count: int) -> None:
    link = await connect_tcp("127.0.0.1", port)
    push = encode_wrapper(os.urandom(ITEM_BYTES), 1, 103)
    for _ in range(count):
        await link.send(push)
    await link.close()


async def _be_collector(folder: Path, port: int) -> None:
    section = Section(
        name="c1",
        headend=f"127.0.0.1:{port}",
        headend_authority="zones/authority.pem",
        push_listen="127.0.0.1:0",
        status_listen="",
        spread_s=0.0,
        meters=tuple(f"m{n}=10.{n // 250}.0.{n % 250}:4059" for n in range(METERS)),
    )
    async with run_collector(folder, section, SystemClock()) as running:
        while not running.collector.uplink.connected:  # noqa: ASYNC110 - another process works
            await asyncio.sleep(0.01)
        before = os.times()
        print(running.push_port, flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
        after = os.times()
        cpu = after.user + after.system - before.user - before.system
        print(json.dumps({"cpu_s": cpu, "peak_kib": _peak_kib()}), flush=True)


async def _be_relay(kind: str, count: int) -> None:
    """Hold `count` connections that a process of peers opens, each with one push."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        authority = make_authority(folder / "zones", NOW)
        tls = server_context(issue(authority, folder / "headend", HEADEND, NOW, server=True)) if kind == "tls" else None
        spool = FileSpool(folder / "spool", disk=SystemDisk(), random=os.urandom)
        headend = Headend(HeadendSettings(port=0, push_port=None), SystemClock(), spool)
        port = await _listen(headend.take_pushes, tls)
        before, clock = resident_kib(), SystemClock()
        command = [sys.executable, "-m", "benchmarks.collector", "peers", str(port), str(count)]
        peers = await asyncio.create_subprocess_exec(
            *command, *([str(authority.certificate)] if tls else []), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert peers.stdin is not None
        assert peers.stdout is not None
        began = clock.monotonic()
        assert int(await peers.stdout.readline()) == count
        opened = clock.monotonic() - began
        while spool.waiting < count:  # noqa: ASYNC110 - another process works
            await asyncio.sleep(0.05)
        print(json.dumps({"before_kib": before, "after_kib": resident_kib(), "open_s": opened}), flush=True)
        peers.stdin.close()
        await peers.wait()
        await headend.close()
        spool.close()


async def _listen(handler: Callable[[Link], Awaitable[None]], tls: ssl.SSLContext | None) -> int:

    return (await serve_tcp(handler, "127.0.0.1", 0, tls=tls)).port


async def _be_peers(port: int, count: int, authority: str | None) -> None:
    tls = client_context(Path(authority)) if authority else None
    push = encode_wrapper(os.urandom(64), 1, 103)
    links = []
    for _ in range(0, count, 100):
        some = [
            connect_tcp("127.0.0.1", port, timeout_s=60, tls=tls, server_name=HEADEND if tls else None)
            for _ in range(100)
        ]
        links += await asyncio.gather(*some)
        for link in links[-100:]:
            await link.send(push)
    print(len(links), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


def _peak_kib() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def _part(arguments: list[str]) -> None:
    match arguments:
        case ["collector", folder, port]:
            asyncio.run(_be_collector(Path(folder), int(port)))
        case ["relay", kind, count]:
            asyncio.run(_be_relay(kind, int(count)))
        case ["peers", port, count, *authority]:
            asyncio.run(_be_peers(int(port), int(count), authority[0] if authority else None))
        case _:
            print(run().text())


if __name__ == "__main__":
    _part(sys.argv[1:])
