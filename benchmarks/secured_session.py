"""Secured sessions on loopback: client and meter on one core each; our client and gurux-dlms's, the same meter.

HLS 5, suite 0, authenticated and encrypted: connect, associate, read one day (96 rows) by range, release, close.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import uvloop

from benchmarks.cores import OTHER, OURS, pinned
from benchmarks.meter_process import AUTHENTICATION_KEY, ENCRYPTION_KEY, READING_SAP, MeterProcess, meter_process
from benchmarks.reading import FIRST, LAST, ROWS, read_day, settings
from benchmarks.table import Table, count
from gurux_peer import GuruxPeer
from openami.io.disk import SystemDisk
from openami.io.keystore.counter_file import CounterFile
from openami.protocols.dlms.counters import CounterRanges, Counters

PEER_TITLE = b"GUR\x00\x00\x00\x00\x01"
ROUNDS = 7
SESSIONS = 240
PEER_SESSIONS = 12
AT_ONCE = 8
OUR_TITLES = [b"OAM\x01\x00\x00\x00" + bytes((number,)) for number in range(AT_ONCE)]


class Sample(NamedTuple):
    """One round: sessions per second of wall time, and processor milliseconds of a session on either side."""

    rate: float
    client_ms: float
    meter_ms: float


def run() -> Table:
    """Sessions per second, one after another and several at once."""
    ours: list[Sample] = []
    together: list[Sample] = []
    theirs: list[Sample] = []
    with tempfile.TemporaryDirectory() as folder, pinned(OURS), meter_process(OTHER) as meter, GuruxPeer(OURS) as peer:
        file = CounterFile(Path(folder) / "counters", disk=SystemDisk())
        counters = CounterRanges(file)
        peers = _Peer(peer, meter)
        for _ in range(ROUNDS + 1):
            ours.append(uvloop.run(_ours(meter, counters, 1)))
            theirs.append(peers.sample())
            together.append(uvloop.run(_ours(meter, counters, AT_ONCE)))
        file.close()
    peer_rate = _median(theirs).rate
    return Table(
        "secured_session",
        "Secured sessions per second, client and meter on one core each",
        ("client", "sessions/s", "of which slowest and fastest round", "ratio", "processor ms, client", "meter"),
        [
            _row("ours, one after another", ours, peer_rate),
            _row(f"ours, {AT_ONCE} at once", together, peer_rate),
            _row("gurux-dlms, one after another", theirs, peer_rate),
        ],
        (
            "HLS 5, suite 0: connect, associate, 96-row day profile by range, release; the same meter for both.",
            f"Median of {ROUNDS} rounds in turn, {SESSIONS} sessions each (peer: {PEER_SESSIONS}), wall time.",
            "Our invocation counters are on disk, reserved in ranges of 1,024. uvloop on both sides.",
        ),
    )


def _median(samples: list[Sample]) -> Sample:
    """Of all rounds but the first, which warms up."""
    return Sample(*(statistics.median(column) for column in zip(*samples[1:], strict=True)))


def _row(name: str, samples: list[Sample], peer_rate: float) -> tuple[str, ...]:
    rate, client_ms, meter_ms = _median(samples)
    rates = [sample.rate for sample in samples[1:]]
    spread = f"{count(min(rates))} to {count(max(rates))}"
    return name, count(rate), spread, f"{rate / peer_rate:,.0f} ×", f"{client_ms:.2f}", f"{meter_ms:.2f}"


async def _ours(meter: MeterProcess, counters: Counters, at_once: int) -> Sample:
    """Each of those at once is a client with a title of its own: a meter takes a title's counters in order."""

    async def read(title: bytes) -> None:
        ours = settings(title)
        for _ in range(SESSIONS // at_once):
            await read_day(meter.port, ours, counters)

    start, processor, metered = time.perf_counter(), time.process_time(), meter.processor_s()
    await asyncio.gather(*(read(title) for title in OUR_TITLES[:at_once]))
    seconds, used = time.perf_counter() - start, time.process_time() - processor
    return _sample(SESSIONS, seconds, used, meter.processor_s() - metered)


def _sample(sessions: int, seconds: float, client_s: float, meter_s: float) -> Sample:
    return Sample(sessions / seconds, 1000 * client_s / sessions, 1000 * meter_s / sessions)


class _Peer:
    """gurux-dlms, whose invocation counter goes on from round to round."""

    def __init__(self, peer: GuruxPeer, meter: MeterProcess) -> None:
        self._peer = peer
        self._meter = meter
        self._asked = {
            "host": "127.0.0.1",
            "port": meter.port,
            "authentication": "hls5",
            "client_sap": READING_SAP,
            "system_title": PEER_TITLE.hex(),
            "block_cipher_key": ENCRYPTION_KEY.hex(),
            "authentication_key": AUTHENTICATION_KEY.hex(),
            "from": datetime.fromtimestamp(FIRST, UTC).isoformat(),
            "to": datetime.fromtimestamp(LAST, UTC).isoformat(),
            "invocation_counter": 1,
            "count": PEER_SESSIONS,
        }

    def sample(self) -> Sample:
        """One round."""
        metered = self._meter.processor_s()
        answer = self._peer.ask("sessions", **self._asked)
        assert answer["rows"] == ROWS * PEER_SESSIONS
        self._asked["invocation_counter"] = answer["invocation_counter"]
        metered = self._meter.processor_s() - metered
        return _sample(PEER_SESSIONS, answer["seconds"], answer["processor_s"], metered)
