"""Secured sessions on loopback: client and meter on one core each; our client and gurux-dlms's, the same meter.

HLS 5, suite 0, authenticated and encrypted: connect, associate, read one day (96 rows) by range, release, close.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import uvloop
from tests.gurux_peer import GuruxPeer

from benchmarks.cores import OTHER, OURS, pinned
from benchmarks.meter_process import AUTHENTICATION_KEY, ENCRYPTION_KEY, READING_SAP, meter_process
from benchmarks.reading import FIRST, LAST, ROWS, read_day, settings
from benchmarks.table import Table, count
from openami.io.disk import SystemDisk
from openami.io.keystore.counter_file import CounterFile
from openami.protocols.dlms.counters import CounterRanges, Counters

AT_ONCE = 8
OUR_TITLES = [b"OAM\x01\x00\x00\x00" + bytes((number,)) for number in range(AT_ONCE)]
PEER_TITLE = b"GUR\x00\x00\x00\x00\x01"
WARM_UP = 50
SESSIONS = 1_500
PEER_SESSIONS = 60


def run() -> Table:
    """Sessions per second, one after another and several at once."""
    with tempfile.TemporaryDirectory() as folder, pinned(OURS), meter_process(OTHER) as meter:
        disk = SystemDisk()
        file = CounterFile(Path(folder) / "counters", disk=disk)
        counters = CounterRanges(file)
        before = uvloop.run(_ours(meter.port, counters, 1))
        peer = _peer(meter.port)
        after = uvloop.run(_ours(meter.port, counters, 1))
        together = uvloop.run(_ours(meter.port, counters, AT_ONCE))
        file.close()
    ours = (before + after) / 2
    return Table(
        "secured_session",
        "Secured sessions per second, client and meter on one core each",
        ("client", "sessions/s", "ratio"),
        [
            ("ours, one after another", count(ours), f"{ours / peer:,.0f} ×"),
            (f"ours, {AT_ONCE} at once", count(together), f"{together / peer:,.0f} ×"),
            ("gurux-dlms, one after another", count(peer), "1"),
        ],
        (
            "HLS 5, suite 0: connect, associate, 96-row day profile by range, release; the same meter for both.",
            f"Wall time of {SESSIONS:,} sessions (peer: {PEER_SESSIONS}); ours before and after the peer, averaged;",
            "our invocation counters are on disk, reserved in ranges of 1,024. uvloop on both sides.",
        ),
    )


async def _ours(port: int, counters: Counters, at_once: int) -> float:
    """Each of those at once is a client with a title of its own: a meter takes a title's counters in order."""

    async def read(title: bytes, sessions: int) -> None:
        ours = settings(title)
        for _ in range(sessions):
            await read_day(port, ours, counters)

    await read(OUR_TITLES[0], WARM_UP)
    start = time.perf_counter()
    await asyncio.gather(*(read(title, SESSIONS // at_once) for title in OUR_TITLES[:at_once]))
    return SESSIONS // at_once * at_once / (time.perf_counter() - start)


def _peer(port: int) -> float:
    asked = {
        "host": "127.0.0.1",
        "port": port,
        "authentication": "hls5",
        "client_sap": READING_SAP,
        "system_title": PEER_TITLE.hex(),
        "block_cipher_key": ENCRYPTION_KEY.hex(),
        "authentication_key": AUTHENTICATION_KEY.hex(),
        "from": datetime.fromtimestamp(FIRST, UTC).isoformat(),
        "to": datetime.fromtimestamp(LAST, UTC).isoformat(),
    }
    with GuruxPeer(OURS) as peer:
        warm = peer.ask("sessions", **asked, count=5)
        answer = peer.ask("sessions", **asked, count=PEER_SESSIONS, invocation_counter=warm["invocation_counter"])
    assert answer["rows"] == ROWS * PEER_SESSIONS
    return float(PEER_SESSIONS / answer["seconds"])
