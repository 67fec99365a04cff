"""A client that we did not write uses what our meter does by itself: images, scripts, compact arrays, null-data."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gurux_peer import NEEDED, GuruxPeer, PeerFailed
from meter_bench import DAY_S, KEYS, START, BenchClock, make_meter, seeded
from openami.field.meter.config import ProfileEncoding
from openami.field.meter.electricity import ElectricityMeter
from openami.field.meter.faces.service import FramingKind, MeterService
from openami.field.meter.faces.tcp import serve_meter_tcp
from openami.field.meter.firmware import FirmwareImage

pytestmark = NEEDED

MANAGEMENT: dict[str, Any] = {
    "authentication": "hls5",
    "client_sap": 1,
    "system_title": "4755520000000001",
    "block_cipher_key": KEYS.global_unicast_encryption_key.hex(),
    "authentication_key": KEYS.authentication_key.hex(),
}


class Asked:
    """The peer as the management client of a meter."""

    def __init__(self, peer: GuruxPeer) -> None:
        self._peer = peer

    async def ask(self, do: str, **settings: Any) -> Any:
        return await asyncio.to_thread(self._peer.ask, do, **settings)


@asynccontextmanager
async def asking(meter: ElectricityMeter, clock: BenchClock, framing: str = "wrapper"):
    service = MeterService(meter, clock, random=seeded(), framing=FramingKind(framing))
    server = await serve_meter_tcp(service)
    try:
        with GuruxPeer() as peer:
            asked = Asked(peer)
            await asked.ask("associate", host="127.0.0.1", port=server.port, framing=framing, **MANAGEMENT)
            yield asked
            await asked.ask("release")
    finally:
        await server.close()


@pytest.mark.parametrize("framing", ["wrapper", "hdlc"])
async def test_the_peer_brings_an_image(framing: str) -> None:
    meter, clock = make_meter(image_block_size=64, firmware_activation_s=10), BenchClock(START + 60)
    image = FirmwareImage(b"OAM-2.5", bytes(range(256)) * 4)
    async with asking(meter, clock, framing) as peer:
        sending = {"obis": "0.0.44.0.0.255", "identifier": "OAM-2.5", "block_size": 64}
        await peer.ask("image", image=bytes(image).hex(), **sending)
        clock.at += 10
        assert await peer.ask("read", class_id=1, obis="1.0.0.2.0.255", attribute=2) == b"OAM-2.5".hex()
        damaged = bytes(image)[:-1] + b"\0"
        with pytest.raises(PeerFailed, match="the meter answers"):
            await peer.ask("image", image=damaged.hex(), **sending)
    assert meter.firmware == image


async def test_the_peer_runs_scripts() -> None:
    meter, clock = make_meter(), BenchClock(START + 7200)
    async with asking(meter, clock) as peer:
        await peer.ask("execute", obis="0.0.10.0.1.255", script=1)
        await peer.ask("execute", obis="0.0.10.0.106.255", script=1)
        (row,) = await peer.ask("read", class_id=7, obis="0.0.98.1.0.255", attribute=2)
    assert row[1:6] == [2000, 0, 2000, 200, 1000]
    assert not meter.disconnector.connected


async def test_the_peer_reads_compact_arrays_and_null_data() -> None:
    found = {}
    for encoding in ProfileEncoding:
        meter, clock = make_meter(profile_encoding=encoding, capture_period_s=3600), BenchClock(START + DAY_S)
        async with asking(meter, clock) as peer:
            found[encoding] = await peer.ask("read", class_id=7, obis="1.0.99.1.0.255", attribute=2)
    plain = found[ProfileEncoding.PLAIN]
    assert len(plain) == 25
    assert found[ProfileEncoding.COMPACT_ARRAY] == plain
    compressed = found[ProfileEncoding.NULL_COMPRESSED]
    assert compressed[0] == plain[0]
    assert [row[2:] for row in compressed] == [row[2:] for row in plain]
    assert [row[:2] for row in compressed[1:]] == [[None, None]] * 24


async def test_the_peer_reads_what_the_meter_lives_by() -> None:
    async with asking(make_meter(), BenchClock(START + 60)) as peer:
        ((day_id, actions),) = await peer.ask("read", class_id=20, obis="0.0.13.0.0.255", attribute=5)
        assert day_id == 1
        assert actions == [[f"{hour:02x}000000", "00000a0064ff", tariff] for hour, tariff in ((0, 2), (6, 1), (22, 2))]
        assert await peer.ask("read", class_id=6, obis="0.0.14.0.0.255", attribute=4) == "02"
        times = await peer.ask("read", class_id=22, obis="0.0.15.0.0.255", attribute=4)
        assert times == [["00000000", "ffffff01ff"]]
        assert await peer.ask("read", class_id=71, obis="0.0.17.0.0.255", attribute=3) == 0xFFFFFFFF
        assert await peer.ask("read", class_id=1, obis="0.0.97.98.10.255", attribute=2) == 0xFFFFFFFF
        assert await peer.ask("read", class_id=62, obis="0.0.66.0.0.255", attribute=5) == "020609060606" + "0611"
