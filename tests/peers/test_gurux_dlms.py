"""A client that we did not write reads our meter: gurux-dlms, in its own process, over TCP.

Through the wrapper and HDLC; without security, with a password (LLS) and with HLS 5 in suite 0.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest

from gurux_peer import NEEDED, GuruxPeer, PeerFailed
from openami.field.meter.config import MeterConfig
from openami.field.meter.curve import ArrayCurve
from openami.field.meter.faces.service import FramingKind, MeterService
from openami.field.meter.faces.tcp import serve_meter_tcp
from openami.field.meter.laboratory_meter import PASSWORD_CLIENT, LaboratoryMeter
from openami.field.meter.real_curves import replayed
from openami.io.clock import SystemClock
from openami.protocols.dlms.profile import decode_profile
from openami.protocols.dlms.security import Secret, SecurityKeys

pytestmark = NEEDED

START = datetime(2026, 10, 24, tzinfo=UTC).timestamp()  # summer time ends on the 25th
NOW = datetime(2026, 10, 27, 12, 7, 30, tzinfo=UTC).timestamp()
PERIOD_S = 1800
CAPTURED = int((NOW - START) // PERIOD_S) + 1
SYSTEM_TITLE = b"OAM\x00\x00\x00\x00\x01"
PEER_TITLE = "4755520000000001"
ENCRYPTION_KEY = bytes(range(16))
AUTHENTICATION_KEY = bytes(range(0xD0, 0xE0))
PASSWORD = "00000042"
LOAD_PROFILE = "1.0.99.1.0.255"

SECURITY: dict[str, dict[str, Any]] = {
    "none": {"authentication": "none", "client_sap": 16},
    "lls": {"authentication": "lls", "client_sap": PASSWORD_CLIENT, "password": PASSWORD},
    "hls5": {
        "authentication": "hls5",
        "client_sap": 2,
        "system_title": PEER_TITLE,
        "block_cipher_key": ENCRYPTION_KEY.hex(),
        "authentication_key": AUTHENTICATION_KEY.hex(),
    },
}


@dataclass
class Bench:
    """Our meter on a port, and the peer that is associated with it."""

    meter: LaboratoryMeter
    peer: GuruxPeer

    async def ask(self, do: str, **settings: Any) -> Any:
        return await asyncio.to_thread(self.peer.ask, do, **settings)

    def rows(self, first: int, last: int) -> list[list[Any]]:
        """What the meter holds, rows `first` to `last` (exclusive, 0 is the oldest), as the peer shows it."""
        raw = self.meter.load_profile.encode(range(first, last), range(4))
        profile = decode_profile(raw)
        clocks = [bytes(row[0].value) for row in (self.meter.load_profile.row(n) for n in range(first, last))]
        values = (column.values.tolist() for column in profile.columns[1:])
        return [[clock.hex(), *rest] for clock, *rest in zip(clocks, *values, strict=True)]


def laboratory_meter() -> LaboratoryMeter:
    config = MeterConfig(
        serial="00000001",
        system_title=SYSTEM_TITLE,
        keys=SecurityKeys(ENCRYPTION_KEY, AUTHENTICATION_KEY),
        capture_period_s=PERIOD_S,
        time_zone=0,
        import_wh=1_234_567,
    )
    meter = LaboratoryMeter(config, ArrayCurve.replay(replayed("uk-1", NOW)), START, Secret(PASSWORD.encode()))
    meter.advance(NOW)
    return meter


class StandingClock(SystemClock):
    """The meter's time stands still, so that both sides can be compared."""

    def time(self) -> float:
        return NOW


@asynccontextmanager
async def serving(meter: LaboratoryMeter, framing: str) -> AsyncIterator[int]:
    """The meter behind a TCP port."""
    numbers = count(1)
    service = MeterService(
        meter,
        StandingClock(),
        random=lambda size: next(numbers).to_bytes(size, "big"),
        framing=FramingKind(framing),
    )
    server = await serve_meter_tcp(service)
    try:
        yield server.port
    finally:
        await server.close()


@pytest.fixture(params=["wrapper", "hdlc"])
def framing(request):
    return request.param


@pytest.fixture(params=["none", "lls", "hls5"])
def security(request):
    return request.param


@pytest.fixture
async def bench(framing, security):
    meter = laboratory_meter()
    async with serving(meter, framing) as port:
        with GuruxPeer() as peer:
            made = Bench(meter, peer)
            await made.ask("associate", host="127.0.0.1", port=port, framing=framing, **SECURITY[security])
            yield made
            await made.ask("release")


async def test_reads_registers(bench):
    assert await bench.ask("read", class_id=3, obis="1.0.1.8.0.255", attribute=2) == bench.meter.energy.import_wh
    assert await bench.ask("read", class_id=3, obis="1.0.1.8.0.255", attribute=3) == [0, 30]
    for tariff in (1, 2):
        value = await bench.ask("read", class_id=3, obis=f"1.0.1.8.{tariff}.255", attribute=2)
        assert value == bench.meter.energy.tariff_wh[tariff - 1]
    assert await bench.ask("read", class_id=3, obis="1.0.32.7.0.255", attribute=3) == [-1, 35]


async def test_reads_the_clock(bench):
    octets = bytes.fromhex(await bench.ask("read", class_id=8, obis="0.0.1.0.0.255", attribute=2))
    assert octets.hex() == "07ea0a1b020c071e00000000"  # 2026-10-27, Tuesday, 12:07:30.00, deviation 0, status 0


async def test_reads_what_the_meter_is(bench):
    name = await bench.ask("read", class_id=1, obis="0.0.42.0.0.255", attribute=2)
    assert bytes.fromhex(name) == bench.meter.config.logical_device_name
    objects = await bench.ask("read", class_id=15, obis="0.0.40.0.0.255", attribute=2)
    assert [7, 1, "0100630100ff"] in [entry[:3] for entry in objects]


async def test_reads_the_load_profile_by_range(bench):
    rows = await bench.ask(
        "rows_by_range", obis=LOAD_PROFILE, start="2026-10-25T00:00:00+00:00", end="2026-10-25T23:30:00+00:00"
    )
    assert rows == bench.rows(48, 96)
    assert len(rows) == 48


async def test_reads_the_load_profile_by_entry(bench):
    rows = await bench.ask("rows_by_entry", obis=LOAD_PROFILE, first=11, count=20)
    assert rows == bench.rows(10, 30)


async def test_reads_the_whole_load_profile(bench):
    assert await bench.ask("read", class_id=7, obis=LOAD_PROFILE, attribute=2) == bench.rows(0, CAPTURED)
    assert await bench.ask("read", class_id=7, obis=LOAD_PROFILE, attribute=7) == CAPTURED


@pytest.mark.parametrize("window", [1, 4])
@pytest.mark.parametrize("way", ["none", "hls5"])
async def test_reads_a_profile_in_general_blocks(way, window):
    meter = laboratory_meter()
    async with serving(meter, "wrapper") as port:
        with GuruxPeer() as peer:
            made = Bench(meter, peer)
            settings = {"max_receive_pdu_size": 300, "block_window": window, **SECURITY[way]}
            await made.ask("associate", host="127.0.0.1", port=port, framing="wrapper", **settings)
            assert await made.ask("read", class_id=7, obis=LOAD_PROFILE, attribute=2) == made.rows(0, CAPTURED)
            await made.ask("release")


async def test_hears_why_not(bench):
    with pytest.raises(PeerFailed):
        await bench.ask("read", class_id=3, obis="1.0.99.8.0.255", attribute=2)
    assert await bench.ask("read", class_id=3, obis="1.0.1.8.0.255", attribute=2) == bench.meter.energy.import_wh


@pytest.mark.parametrize(
    ("security", "wrong"),
    [
        ("lls", {"password": "00000043"}),
        ("hls5", {"authentication_key": bytes(16).hex()}),
        ("hls5", {"block_cipher_key": bytes(16).hex()}),
        ("hls5", {"client_sap": 7}),
    ],
)
async def test_is_refused_with_the_wrong_secret(framing, security, wrong):
    meter = laboratory_meter()
    async with serving(meter, framing) as port:
        with GuruxPeer() as peer:
            made = Bench(meter, peer)
            right = {"host": "127.0.0.1", "port": port, "framing": framing, **SECURITY[security]}
            with pytest.raises(PeerFailed):
                await made.ask("associate", **{**right, **wrong})
            await made.ask("associate", **{**right, "invocation_counter": 1000})
            await made.ask("release")


@pytest.mark.parametrize("size", [128, 300, 1024])
async def test_long_answers_in_blocks(framing, security, size):
    meter = laboratory_meter()
    async with serving(meter, framing) as port:
        with GuruxPeer() as peer:
            made = Bench(meter, peer)
            settings = {**SECURITY[security], "max_receive_pdu_size": size}
            await made.ask("associate", host="127.0.0.1", port=port, framing=framing, **settings)
            assert await made.ask("read", class_id=7, obis=LOAD_PROFILE, attribute=2) == made.rows(0, CAPTURED)
            await made.ask("release")
