"""A meter, the record of it, the clone that plays the record: gurux-dlms reads the same from both."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest

from gurux_peer import NEEDED, GuruxPeer, PeerFailed
from meter_bench import DAY_S, KEYS, METER_TITLE, START, BenchClock, make_client, make_laboratory_meter, seeded
from openami.cli.recording import take_record
from openami.field.meter.cloned_meter import ClonedMeter
from openami.field.meter.faces.memory import MemoryFace
from openami.field.meter.faces.service import FramingKind, MeterService
from openami.field.meter.faces.tcp import serve_meter_tcp
from openami.protocols.dlms.association import AssociationSettings
from openami.protocols.dlms.authentication import Authentication
from openami.protocols.dlms.companion.meter_record import MeterRecord
from openami.protocols.dlms.framing import Framing, Role
from openami.protocols.dlms.hdlc.address import HdlcAddress
from openami.protocols.dlms.hdlc.framing import HdlcFraming
from openami.protocols.dlms.security import SecurityControl
from openami.protocols.dlms.wrapper import WrapperFraming

pytestmark = NEEDED

CLIENT = 2
LOAD = "1.0.99.1.0.255"
SEALED = AssociationSettings(Authentication.HLS5, keys=KEYS, protection=SecurityControl.AUTHENTICATED_ENCRYPTION)
PEER = {
    "host": "127.0.0.1",
    "authentication": "hls5",
    "client_sap": CLIENT,
    "system_title": "4755520000000001",
    "block_cipher_key": KEYS.global_unicast_encryption_key.hex(),
    "authentication_key": KEYS.authentication_key.hex(),
}


def framed(framing: str) -> Framing:
    if framing == "hdlc":
        return HdlcFraming(Role.SERVER, CLIENT, HdlcAddress(1))
    return WrapperFraming(Role.SERVER, CLIENT, 1)


async def seen(port: int, framing: str) -> dict[str, Any]:
    """What the peer reads there."""
    with GuruxPeer() as peer:

        async def ask(do: str, **settings: Any) -> Any:
            return await asyncio.to_thread(peer.ask, do, **settings)

        await ask("associate", port=port, framing=framing, **PEER)
        said = {
            f"{class_id} {obis} {attribute}": await ask("read", class_id=class_id, obis=obis, attribute=attribute)
            for class_id, obis, attribute in (
                (1, "0.0.42.0.0.255", 2),
                (3, "1.0.1.8.0.255", 2),
                (3, "1.0.1.8.0.255", 3),
                (8, "0.0.1.0.0.255", 2),
                (15, "0.0.40.0.0.255", 2),
                (70, "0.0.96.3.10.255", 3),
                (7, LOAD, 2),
                (7, LOAD, 7),
            )
        }
        said["rows"] = await ask("rows_by_entry", obis=LOAD, first=3, count=4)
        said["range"] = await ask(
            "rows_by_range", obis=LOAD, start="2026-01-01T06:00:00+00:00", end="2026-01-01T07:00:00+00:00"
        )
        with pytest.raises(PeerFailed):
            await ask("read", class_id=3, obis="1.0.99.8.0.255", attribute=2)
        await ask("release")
        return said


@pytest.mark.parametrize("framing", ["wrapper", "hdlc"])
async def test_the_peer_cannot_tell_the_clone_from_the_meter(framing):
    clock = BenchClock(START + DAY_S)
    meter = make_laboratory_meter()
    meter.advance(clock.time())
    async with AsyncExitStack() as stack:
        service = MeterService(meter, clock, random=seeded(), framing=FramingKind(framing))
        recorded = MemoryFace(MeterService(meter, clock, random=seeded(2)))
        stack.push_async_callback(recorded.close)
        async with make_client(recorded.connect(), clock, sap=CLIENT) as client:
            record = MeterRecord.from_json((await take_record(client, CLIENT, 1, None)).to_json())
        clone = ClonedMeter([record], {CLIENT: SEALED}, METER_TITLE, clock, lambda: framed(framing), random=seeded(3))
        answers = []
        for one in (service, clone):
            server = await serve_meter_tcp(one)
            stack.push_async_callback(server.close)
            answers.append(await seen(server.port, framing))
        assert answers[0] == answers[1]
        assert len(answers[0]["rows"]) == 4
        assert len(answers[0]["range"]) == 5
